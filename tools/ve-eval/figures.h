/* SPDX-License-Identifier: MIT */
/* Error rates, thresholds and their intervals. Accepted is what lies at a threshold or above. */
#ifndef VE_EVAL_FIGURES_H
#define VE_EVAL_FIGURES_H

#include "evidence.h"

typedef struct interval {
    double low, high; /* NAN: not known */
} interval;

/* At the smallest threshold that accepts at most a share `rate` of the comparisons of strangers. */
typedef struct operating_point {
    double rate;
    int is_measurable; /* whether at least one comparison of strangers may be accepted at this rate */
    float threshold;
    uint64_t false_accepts;
    size_t true_accepts;
    double true_share;        /* of the comparisons of one person: TAR */
    double true_share_people; /* the same, each person counting once */
    interval true_interval;   /* 95 %, of true_share, with the threshold found anew in each draw */
    interval false_interval;  /* 95 %, of the share of strangers accepted at this threshold */
} operating_point;

#define MAX_POINTS 8

typedef struct figures {
    operating_point points[MAX_POINTS];
    size_t point_count;
    double eer; /* NAN where one of the kinds is missing */
    float eer_threshold;
    double auc, auc_error; /* the area, and what it may be wrong by at most */
    size_t same_people;    /* people with a comparison */
    unsigned draws;
} figures;

/* person[picture] is below person_count; picture numbers are those of the comparisons. */
typedef struct figure_plan {
    const double *rates; /* falling */
    size_t rate_count;
    const uint32_t *person;
    size_t picture_count, person_count;
    unsigned draws, threads;
} figure_plan;

/* Prints what is wrong and returns -1 then. */
int figures_make(figures *result, const evidence *all, const figure_plan *plan);

/* How many of the same person's comparisons lie above a similarity. */
size_t figures_same_above(const evidence *all, float score);
/* Wilson's interval, 95 %: for hits that are independent of each other. */
interval figures_wilson(uint64_t hits, uint64_t count);
/* The values at 2.5 % and 97.5 % of n values, which are sorted in place; between two the line through them. */
interval figures_percentiles(double *values, size_t n);
/* How often each of n people is drawn when n are drawn with replacement; the same for the same draw. */
void figures_draw_people(unsigned draw, size_t n, uint16_t *times);

#endif
