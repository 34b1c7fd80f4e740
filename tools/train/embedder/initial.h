/* SPDX-License-Identifier: MIT */
/* Where a run begins. */
#ifndef TRAIN_INITIAL_H
#define TRAIN_INITIAL_H

#include "dataset.h"
#include "margin.h"
#include "network.h"

/* Random weights: matrices and filters of variance 1 / inputs, norms that change nothing, layer scales of 0.1.
 */
void initial_weights(network *net, uint64_t seed);
/* Every person's centre: the mean direction of the teacher's embeddings of them. */
void initial_centres(margin *m, const dataset *data);

#endif
