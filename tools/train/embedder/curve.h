/* SPDX-License-Identifier: MIT */
/* The run's course as a CSV file, one line per report and per evaluation; plot_curve.py draws it. */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include "evaluate.h"
#include "step.h"

typedef struct curve_point {
    long images;
    double seconds, rate;
    int side;
    step_result losses;    /* means since the last report */
    double per_cpu_second; /* pictures */
} curve_point;

/* Appends to the file; writes the head where it is new. evaluation may be NULL. path may be NULL: nothing is
 * done. */
void curve_append(const char *path, const curve_point *point, const held_out *evaluation);

#endif
