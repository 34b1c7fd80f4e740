/* SPDX-License-Identifier: MIT */
/* Embeds all pictures of a set, on several threads, each with a session of its own. */
#ifndef VE_EVAL_EMBED_H
#define VE_EVAL_EMBED_H

#include "degrade.h"
#include "vectors.h"
#include "visembed_face.h"

typedef struct embed_plan {
    const ve_model *model;
    const ve_detector
        *detector;          /* NULL: pictures are aligned faces; else the central face is found and aligned */
    uint32_t smallest_face; /* pixels; 0: the detector's default */
    unsigned threads;
    condition condition;
    int use_flip; /* the mean of a picture's embedding and its mirror image's */
} embed_plan;

/* Fills *vectors. A picture that cannot be read or embedded is a failure to enrol, noted there; -1, with a
 * message, only where nothing can go on. vectors_free in every case. */
int embed_set(eval_vectors *vectors, const picture_set *set, const embed_plan *plan);

#endif
