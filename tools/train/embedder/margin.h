/* SPDX-License-Identifier: MIT */
/* Softmax over named people with a margin: every person has a centre, a unit vector that is trained too.
 *
 * cosface: the person's own cosine is lowered by the margin (Wang et al. 2018). adaface: angle and cosine are
 * both moved by how far the embedding's length lies from the mean, which stands for the picture's quality (Kim
 * et al. 2022). Where there are more people than `most_chosen`, a step uses those of its batch and as many
 * others, drawn at random, as fit (An et al. 2021, partial FC). */
#ifndef TRAIN_MARGIN_H
#define TRAIN_MARGIN_H

#include "network.h"
#include "optimiser.h"

typedef enum margin_kind { MARGIN_NONE, MARGIN_COSFACE, MARGIN_ADAFACE } margin_kind;

typedef struct margin_options {
    margin_kind kind;
    float weight, scale, margin;
    int most_chosen;
} margin_options;

typedef struct margin {
    margin_options options;
    int people;
    float *centres, *moment1, *moment2;  /* [people][512] */
    float length_mean, length_deviation; /* of embeddings before normalising, running */
    /* One step's: */
    int chosen; /* classes in use, padded to 16 by `width` */
    long width;
    int32_t *class_of; /* [chosen] */
    int32_t *slot_of;  /* [people], -1 for those not in use */
    int32_t *slot;     /* [batch], -1 for pictures without a name */
    float *picked;     /* [chosen][512]: the centres in use */
    float *d_picked;   /* their gradient */
    float *logits;     /* [batch][width], then the gradient at the cosines */
} margin;

margin *margin_new(const margin_options *options, int people, int most_images);
/* people_of [batch]: -1 for no name. */
void margin_begin(margin *m, const int32_t *people_of, int batch, uint64_t seed);
/* Adds the gradients at net->unit to net->d_out; returns the loss summed over the rows. */
double margin_rows(margin *m, network *net, int batch, int first, int count);
/* Gradient of the centres in slots first .. end - 1, and a step of theirs unless step is NULL. */
void margin_update(margin *m, const network *net, int batch, int first, int end, const optimiser *step);
/* After a step: follows the embeddings' lengths. */
void margin_end(margin *m, const network *net, int batch);

#endif
