/* SPDX-License-Identifier: MIT */
/* Accuracy of deciding pairs, in LFW's way: the threshold that is best on all other folds decides a fold. */
#ifndef VE_EVAL_FOLDS_H
#define VE_EVAL_FOLDS_H

#include "figures.h"
#include "pairs.h"

typedef struct fold_figures {
    uint32_t folds;
    double accuracy;            /* mean over folds, of the pairs that could be compared */
    double deviation;           /* standard deviation over folds (n - 1) */
    double standard_error;      /* deviation / sqrt(folds) */
    interval accuracy_interval; /* 95 %, people drawn again, thresholds kept */
    double strict_accuracy;     /* a pair that could not be compared counts as decided wrongly */
    float lowest_threshold, highest_threshold;
} fold_figures;

/* scores: of the pairs, NAN where a picture failed. person: of each picture. Prints what is wrong and returns
 * -1 then; a list of one fold, and one with a fold of which no pair was compared, has no accuracy: folds is 0
 * then. */
int folds_decide(fold_figures *result, const pair_list *list, const float *scores, const uint32_t *person,
                 size_t person_count, unsigned draws);

#endif
