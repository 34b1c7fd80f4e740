/* SPDX-License-Identifier: MIT */
/* What the files of the detector share: the candidates that the network's maps give, and how they become faces.
 */
#ifndef VE_FACE_DETECT_INTERNAL_H
#define VE_FACE_DETECT_INTERNAL_H

#include "base/memory.h"
#include "face/detect.h"
#include "image/resize.h"
#include "net/net.h"

/* Numbers for each pixel of a map: score, box (4), points (10). */
#define VE__DETECT_OUTPUTS 15u

/* The network's coarsest cells: sides of working pictures are multiples of it. */
#define VE__DETECT_CELL 32u
/* No picture is shrunk below this longer side. */
#define VE__DETECT_LEAST_SIDE 64.0

/* The best of what was found so far, in no order. When it is full, a better one takes the weakest's place. */
#define VE__CANDIDATES 2048u
typedef struct ve__candidates {
    ve__detection *list; /* [VE__CANDIDATES] */
    unsigned count;
    unsigned weakest; /* when full */
} ve__candidates;

/* A tile of the working picture, and how it lies in the caller's picture. */
typedef struct ve__tile {
    uint32_t left, top, width, height; /* working pixels */
    /* Faces whose middle lies elsewhere belong to a neighbour, who sees more of them. */
    float own_left, own_top, own_right, own_bottom; /* working pixels, counted from the tile's corner */
    double scale_x, scale_y;                        /* caller's pixels for one working pixel */
} ve__tile;

struct ve__detect_session {
    const ve__detector *detector;
    const ve__kernels *kernels;
    ve__run *run;
    uint32_t width, height; /* largest tile */
    int once;
    float scale[3], shift[3];
    ve__resizer resizer;
    ve__candidates found;
    ve__detection *first;   /* [VE__DETECT_MAX] faces of the first look */
    uint8_t *crop, *shrunk; /* of the second look: VE_FACE_CROP_BYTES, VE__FACE_SHRUNK_BYTES */
    void *block;
    size_t block_bytes;
};

typedef struct ve__picture {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride;
} ve__picture;

/* detect_look.c: adds what the network says of a whole picture, at all sizes from min_face up. */
ve_status ve__detect_look(ve__detect_session *session, const ve__picture *picture, uint32_t min_face,
                          float min_score);

/* detect_again.c: looks at one face once more; the faces' coordinates are those of detect.h. */
void ve__detect_again(ve__detect_session *session, const ve__picture *picture, ve__detection *face);

/* The logistic function's inverse, and the function. */
float ve__detect_logit(float score);
float ve__detect_score(float logit);

/* detect_cells.c: adds what the three maps of a run say of a tile, scores of at least min_score. */
void ve__detect_collect(const ve__run *run, const ve__tile *tile, float min_score, ve__candidates *found);

/* detect_merge.c: candidates that overlap become one face; the best of those first. Returns how many there are.
 */
unsigned ve__detect_merge(ve__candidates *found, float min_side, ve__detection *faces, unsigned max);

#endif
