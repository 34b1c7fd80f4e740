/* SPDX-License-Identifier: MIT */
/* The export as one call: from a path to a file. */
#ifndef VE_EXPORT_EXPORT_H
#define VE_EXPORT_EXPORT_H

#include "plan.h"

#include <stdio.h>

typedef struct export_options {
    const char *input;  /* a file, an index or a folder */
    const char *output; /* NULL: the input's name with .vew */
    const char *config; /* NULL: beside the input */
    plan_options plan;
    int is_quiet;
    const char *calibrate; /* pictures to round weights of 8 bits by; NULL: none */
    const char *report;    /* pictures to compare the file with f32 on; NULL: none */
} export_options;

/* Reports what was chosen on `report` (unless quiet), and how near the file comes to f32, where that is asked
 * for, on `out`. */
ve_status export_run(const export_options *options, FILE *report, FILE *out);
/* Prints what the input holds on `out`. */
ve_status export_info(const export_options *options, FILE *out);

#endif
