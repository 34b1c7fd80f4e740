/* SPDX-License-Identifier: MIT */
/* One training step, or one pass forward, as an ordered queue of tasks.
 *
 * A thread takes the next task and waits only for the results that it needs, all of which come from earlier
 * tasks: there is no barrier inside a step, so that a thread which the system has put aside seldom stops the
 * others. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "dataset.h"
#include "loss.h"
#include "margin.h"
#include "network.h"
#include "optimiser.h"

typedef struct step_input {
    const dataset *data; /* rows of a data set, each seen in its own way ... */
    const uint32_t *rows;
    uint64_t seed;
    float degrades;       /* the share of degraded views */
    const uint8_t *crops; /* ... or crops as they are (then data is NULL); net->target is filled already */
    int crop_count;       /* fewer than the batch: the last one stands in for the rest */
    int flips;
} step_input;

typedef struct step_result {
    double distil, relational, margin; /* means: by row, by pair, by row */
    double gradient_length;
} step_result;

/* Packs all weights. */
void step_pack(network *net, const float *weights);
/* Forward, losses, backward; then moves the weights, unless change is NULL. m may be NULL. */
step_result step_train(network *net, margin *m, const step_input *input, int batch, const loss_weights *weights,
                       const optimiser *change);
/* Forward alone, with these weights, which have been packed: fills net->unit. */
void step_embed(network *net, const step_input *input, int batch, const float *weights);

#endif
