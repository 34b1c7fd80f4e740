/* SPDX-License-Identifier: MIT */
/* Rows of a downsampling's 2x2 patches, which both passes gather. */
#ifndef TRAIN_TRANSFER_H
#define TRAIN_TRANSFER_H

#include <string.h>

#include "network.h"

/* Where output row `row` of the group that begins at image `first` has the top left of its patch: the row of
 * the stage below, counted from image 0. */
static inline long patch_row(const network *net, int stage, long first, long row)
{
    long side = net->side[stage], side_below = net->side[stage - 1];
    long image = first + row / (side * side), pixel = row % (side * side);
    return image * side_below * side_below + pixel / side * 2 * side_below + pixel % side * 2;
}

/* A panel of output rows -> [32][4 * k], taps in the order (ky, kx). */
static inline void gather_patches(const network *net, int stage, long first, long row, operand *patches)
{
    long k = stage_k[stage - 1], side_below = net->side[stage - 1];
    size_t bytes = (size_t)(2 * k) * sizeof *patches;
    for (long r = 0; r < PANEL; r++) {
        const operand *from = net->down_rows[stage] + patch_row(net, stage, first, row + r) * k;
        memcpy(patches + r * 4 * k, from, bytes);
        memcpy(patches + r * 4 * k + 2 * k, from + side_below * k, bytes);
    }
}

#endif
