/* SPDX-License-Identifier: MIT */
/* What was measured, for people (text), programs (JSON) and the eye (SVG). */
#ifndef VE_EVAL_REPORT_H
#define VE_EVAL_REPORT_H

#include <stdio.h>

#include "folds.h"
#include "vectors.h"

typedef struct eval_report {
    const char *protocol; /* "pairs", "identities", "calibrate" */
    const char *set_name;
    const char *measured_on; /* "aligned" or "raw" pictures */
    const picture_set *set;
    const eval_vectors *vectors;
    const evidence *all;
    figures figures;
    fold_figures folds;                 /* folds == 0: no accuracy */
    uint64_t same_lost, strangers_lost; /* comparisons that failures to enrol have taken away */
    size_t same_identical;      /* comparisons of one person whose embeddings are the same: one picture twice */
    size_t strangers_identical; /* the same of strangers: one picture under two names */
    const comparison *identical_example; /* of strangers; picture numbers of the set */
    const uint32_t *picture_of;          /* number in the set of each picture that was compared */
} eval_report;

/* The share of the same person's comparisons that is accepted when those that failures took away count as
 * rejected. */
double report_strict_share(const eval_report *report, const operating_point *point);

void report_text(const eval_report *report, FILE *out);
void report_json(const eval_report *report, FILE *out);
/* The curve of true against false accepts, the latter on a logarithmic axis. */
void report_roc(const eval_report *report, FILE *out);
/* How often each similarity occurs, among comparisons of one person and of strangers. */
void report_histogram(const eval_report *report, FILE *out);

/* The threshold table as ve-export's --config takes it, with what it was measured on. */
void report_thresholds(const eval_report *report, FILE *out);
/* A table's rate needs this many accepted strangers: then it is right within 30 % with 90 % certainty. */
#define REPORT_LEAST_ACCEPTS 30u
/* The similarity of a row of the table: the threshold, rounded up to four digits. */
double report_table_similarity(const operating_point *point);
int report_is_row(const operating_point *point);
/* "held: 4444 pictures of 300 people, 9830068 comparisons of strangers" */
void report_source(const eval_report *report, char *text, size_t capacity);

#endif
