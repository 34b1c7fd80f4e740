/* SPDX-License-Identifier: MIT */
/* The objects of visembed_face.h. */
#ifndef VE_API_FACE_OBJECTS_H
#define VE_API_FACE_OBJECTS_H

#include "api/objects.h"
#include "base/memory.h"
#include "base/threads.h"
#include "face/detect.h"
#include "face/face.h"

struct ve_detector {
    ve__detector *weights;
};

/* The best templates of several frames (face_best.c). */
typedef struct ve__face_best {
    size_t dim;
    uint32_t count;
    float weights[VE_FACE_MAX_KEPT];
    float *rows; /* [VE_FACE_MAX_KEPT][dim], by falling weight */
    float *mean; /* [dim] */
} ve__face_best;

struct ve_face_session {
    uint32_t flags, smallest_face;
    float min_score;
    ve_face_choice choice;
    ve_face_limit limits[VE_FACE_MEASURES];
    ve__pool *pool;             /* the detector's; NULL without one */
    ve__detect_session *finder; /* NULL without a detector */
    ve_session *embedder;       /* NULL without a model */
    size_t dim;
    ve__face_best best;
    float *embedding;     /* [dim] of the present frame */
    uint8_t *crop;        /* VE_FACE_CROP_BYTES */
    uint8_t *shrunk;      /* VE__FACE_SHRUNK_BYTES */
    ve__detection *found; /* [VE__DETECT_MAX] */
    ve_face *faces;       /* the same, as the public struct */
    void *block;          /* what the six above are pieces of */
    size_t bytes;
};

void ve__face_best_take(ve__face_best *best, ve__arena *arena, size_t dim);
/* Forgets and wipes all. */
void ve__face_best_clear(ve__face_best *best);

/* Keeps the template if there is room or a worse one. */
void ve__face_best_add(ve__face_best *best, const float *embedding, float weight);

#endif
