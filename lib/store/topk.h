/* SPDX-License-Identifier: MIT */
/* The best k of a stream of matches: a heap with the worst one on top. */
#ifndef VE_STORE_TOPK_H
#define VE_STORE_TOPK_H

#include "base/status.h"

typedef struct ve__topk {
    ve_match *matches; /* room for k */
    size_t count, k;
    float limit; /* a score below this cannot get in; one that is "not a number" never does */
} ve__topk;

void ve__topk_start(ve__topk *top, ve_match *matches, size_t k, float limit);
/* Call it only for scores >= top->limit. */
void ve__topk_push(ve__topk *top, uint64_t id, float score);
/* Sorts: best first, equal scores by rising id. No more pushes. */
void ve__topk_finish(ve__topk *top);

#endif
