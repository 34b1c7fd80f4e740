/* SPDX-License-Identifier: MIT */
/* From a set's embeddings to what the report tells. */
#ifndef VE_EVAL_MEASURE_H
#define VE_EVAL_MEASURE_H

#include "options.h"
#include "report.h"

typedef struct measurement {
    evidence all;
    eval_report report;
    uint32_t *picture_of; /* number in the set of each picture that was compared */
    uint32_t *person_of;  /* of each picture that was compared */
    size_t picture_count;
} measurement;

/* Compares each picture with each other one. Prints what is wrong and returns -1 then. measure_free in every
 * case. */
int measure_identities(measurement *m, const picture_set *set, eval_vectors *vectors,
                       const eval_options *options);
/* Compares the pairs of a list. */
int measure_pairs(measurement *m, const picture_set *set, const eval_vectors *vectors, const pair_list *list,
                  const eval_options *options);
void measure_free(measurement *m);

#endif
