/* SPDX-License-Identifier: MIT */
/* What the files of the detector share: the candidates that the network's maps give, and how they become faces.
 */
#ifndef VE_FACE_DETECT_INTERNAL_H
#define VE_FACE_DETECT_INTERNAL_H

#include "face/detect.h"
#include "net/net.h"

/* Numbers for each pixel of a map: score, box (4), points (10). */
#define VE__DETECT_OUTPUTS 15u

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

/* detect_cells.c: adds what the three maps of a run say of a tile, scores of at least min_score. */
void ve__detect_collect(const ve__run *run, const ve__tile *tile, float min_score, ve__candidates *found);

/* detect_merge.c: candidates that overlap become one face; the best of those first. Returns how many there are.
 */
unsigned ve__detect_merge(ve__candidates *found, float min_side, ve__detection *faces, unsigned max);

#endif
