/* SPDX-License-Identifier: MIT */
/* How well the averaged weights tell people apart. */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "network.h"
#include "npy.h"

/* Shares of the same-person pairs that are accepted when a share of the others is: 1e-3 and 1e-2. */
typedef struct held_out {
    double tar3, tar2;
    double threshold3; /* the cosine for 1e-3 */
    long same, different;
} held_out;

/* LFW's official pairs, with and without the mirrored picture's embedding added. */
typedef struct lfw_result {
    double accuracy, tar3, accuracy_flipped, tar3_flipped;
} lfw_result;

/* Unit embeddings [crops->rows][512] of whole crops at the network's present side, with weights that step_pack
 * has packed. */
void evaluate_embed(network *net, const npy *crops, const float *weights, int flips, float *embeddings);
/* All pairs of pictures of people that were held out. people i4 [rows]. */
held_out evaluate_held_out(network *net, const npy *crops, const npy *people);
/* pairs i4 [n,3]: two rows of crops, same person or not; ten equal folds in order. */
lfw_result evaluate_lfw(network *net, const npy *crops, const npy *pairs);

#endif
