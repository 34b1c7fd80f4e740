/* SPDX-License-Identifier: MIT */
/*
 * Finds faces: a ConvNeXt whose stages 1 to 3 each carry a pointwise head that tells, for every cell of 8x8,
 * 16x16 and 32x32 pixels, whether a face is there, its box and its five points. In calling order:
 *
 *     ve__detector_open            a weight file; immutable, shared by threads
 *     ve__detect_session_create    scratch memory for one thread pool; one thread at a time
 *     ve__detect                   a picture of any size -> faces, best first; allocates nothing
 *
 * A picture is shrunk so that the smallest wanted face has VE__DETECT_SMALLEST pixels, cut into overlapping
 * tiles where that is still larger than the session's working size, and looked at again at a quarter of the
 * size for faces too large for a tile. So the smallest face decides the time: 96 pixels in a picture of
 * 1280x960 cost as much as 24 in one of 320x240.
 *
 * Each face is then looked at again, turned upright and at the size that the network knows best: points and
 * score are far better for it (tools/train/detector/README.md has the figures).
 */
#ifndef VE_FACE_DETECT_H
#define VE_FACE_DETECT_H

#include "base/status.h"
#include "base/threads.h"

typedef struct ve__detector ve__detector;
typedef struct ve__detect_session ve__detect_session;

/* Points of a face, as seen in the picture: "left" has the smaller x when the head is upright. */
enum {
    VE__POINT_LEFT_EYE,
    VE__POINT_RIGHT_EYE,
    VE__POINT_NOSE,
    VE__POINT_LEFT_MOUTH,
    VE__POINT_RIGHT_MOUTH,
    VE__FACE_POINTS
};

/* In pixels of the caller's picture, as align.c has them: the middle of the first pixel is (0, 0). Boxes and
 * points may lie outside the picture where the face does. */
typedef struct ve__detection {
    float score;                      /* 0 to 1; 0.5 is where the detector was tuned to be trusted */
    float left, top, right, bottom;   /* forehead to chin, about from ear to ear */
    float points[VE__FACE_POINTS][2]; /* x, y */
} ve__detection;

/* Sides of faces, the longer side of the box: what the network was trained for, smallest and largest. */
#define VE__DETECT_SMALLEST 20u
#define VE__DETECT_LARGEST  200u
/* No call returns more faces. */
#define VE__DETECT_MAX 256u

/* VE_ERR_UNSUPPORTED for a weight file that is no face detector; otherwise as ve_model_open. */
ve_status ve__detector_open(const char *path, ve__detector **detector);
/* Bytes are not needed afterwards. */
ve_status ve__detector_open_memory(const void *bytes, size_t size, ve__detector **detector);
void ve__detector_close(ve__detector *detector);
/* 64 hex digits that name the weights. */
const char *ve__detector_fingerprint(const ve__detector *detector);

typedef struct ve__detect_options {
    uint32_t width, height; /* largest working picture (tile), multiples of 32, 160 to 1024; 0: 640x640 */
    int once;               /* 1: no second look at the faces */
} ve__detect_options;

/* Borrows detector and pool. options may be NULL. */
ve_status ve__detect_session_create(const ve__detector *detector, ve__pool *pool,
                                    const ve__detect_options *options, ve__detect_session **session);
void ve__detect_session_free(ve__detect_session *session);
/* Bytes of scratch memory. */
size_t ve__detect_session_bytes(const ve__detect_session *session);

typedef struct ve__detect_request {
    const uint8_t *pixels; /* RGB, 8 bits */
    uint32_t width, height;
    size_t stride_bytes; /* between rows; 0: rows lie tightly together */
    uint32_t min_face;   /* pixels of the picture; below VE__DETECT_SMALLEST (and 0): VE__DETECT_SMALLEST */
    float min_score;     /* 0: 0.5 */
} ve__detect_request;

/* Writes up to max faces, sorted by falling score, and their number to *count (0: no face). VE_ERR_ARGUMENT for
 * an empty picture, VE_ERR_TOO_LARGE above VE_MAX_IMAGE_SIDE. */
ve_status ve__detect(ve__detect_session *session, const ve__detect_request *request, ve__detection *faces,
                     unsigned max, unsigned *count);

#endif
