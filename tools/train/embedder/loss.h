/* SPDX-License-Identifier: MIT */
/* What the embeddings shall be: near the teacher's (1 - cosine), and as like each other as the teacher's are
 * (squared difference of the batch's similarity matrices, "relational"). Gradients are taken at the unit
 * vectors, where other losses may add theirs, and then carried back through the normalisation. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include "network.h"

typedef struct loss_weights {
    float distil, relational;
} loss_weights;

/* Sums over the rows; divide by the batch (relational: by its square). */
typedef struct loss_sums {
    double distil, relational, margin;
} loss_sums;

/* Rows first .. first + count - 1 of net->d_out get the gradient at net->unit; net->unit and ->target are
 * complete. */
void loss_rows(network *net, int batch, int first, int count, const loss_weights *weights, loss_sums *sums);
/* From the gradient at net->unit to that at net->out, in place. */
void loss_through_norm(network *net, int first, int count);

#endif
