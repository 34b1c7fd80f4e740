/* SPDX-License-Identifier: MIT */
/* What is accepted: thresholds and names. */
#ifndef FACEAUTH_DECIDE_H
#define FACEAUTH_DECIDE_H

#include "faceauth.h"
#include "visembed.h"

/* The share of strangers that a login may accept by mistake. */
#define FALSE_ACCEPT_RATE 1e-4f
/* --threshold. Below 0.2 more than a stranger in a hundred passes with any face embedder that we know; above
 * 0.95 not even the same picture saved again. */
#define LOWEST_THRESHOLD  0.2f
#define HIGHEST_THRESHOLD 0.95f

/* *threshold: the similarity from which on two pictures show the same person: --threshold, else the model's own
 * for --far, else for FALSE_ACCEPT_RATE. Between two measured rates it is interpolated over the rate's
 * logarithm; a rate outside the measured ones is refused. TROUBLE for a model without measured thresholds: it
 * may be no face embedder at all, and one of ImageNet finds most people alike. */
auth_outcome decide_threshold(const auth_settings *settings, const ve_model *model, float *threshold);

/* NULL when name can be a person's name, else what is wrong with it. */
const char *decide_name_problem(const char *name);

#endif
