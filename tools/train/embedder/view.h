/* SPDX-License-Identifier: MIT */
/* A crop as the network sees it: a window of it, resampled, perhaps mirrored, brighter or darker. */
#ifndef TRAIN_VIEW_H
#define TRAIN_VIEW_H

#include "shape.h"
#include "vector.h"

typedef struct view {
    float x, y, size; /* the window in the crop's pixels */
    int flips;
    float gain, offset; /* of values in -1 .. 1 */
} view;

extern const view whole_view;

/* A window some percent smaller than the crop, half of them mirrored, half of them with another light. */
view view_random(uint64_t *state);
/* Resamples by areas to side x side and writes the stem's 4x4 patches, k in the order (ky, kx, channel). */
void view_load(const uint8_t *crop, const view *v, int side, operand *patches);

#endif
