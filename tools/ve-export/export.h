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
} export_options;

/* Reports what was chosen on `report` (unless quiet). */
ve_status export_run(const export_options *options, FILE *report);
/* Prints what the input holds on `out`. */
ve_status export_info(const export_options *options, FILE *out);

#endif
