/* SPDX-License-Identifier: MIT */
/* What is accepted: thresholds and names. */
#ifndef FACEAUTH_DECIDE_H
#define FACEAUTH_DECIDE_H

#include "faceauth.h"
#include "visembed.h"

/* The share of strangers that a login may accept by mistake. */
#define FALSE_ACCEPT_RATE 1e-4f
/* For a model without measured thresholds: what weights/README.md measured at that rate for the bundled one. */
#define FALLBACK_THRESHOLD 0.4405f
/* --threshold. Below 0.2 more than a stranger in a hundred passes with any face embedder that we know; above
 * 0.95 not even the same picture saved again. */
#define LOWEST_THRESHOLD  0.2f
#define HIGHEST_THRESHOLD 0.95f

/* The similarity from which on two pictures show the same person: --threshold, else the model's own for
 * FALSE_ACCEPT_RATE, else FALLBACK_THRESHOLD with a note. */
float decide_threshold(const auth_settings *settings, const ve_model *model);

/* NULL when name can be a person's name, else what is wrong with it. */
const char *decide_name_problem(const char *name);

#endif
