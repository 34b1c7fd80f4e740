/* SPDX-License-Identifier: MIT */
/* AdamW with a running average of the weights. */
#ifndef TRAIN_OPTIMISER_H
#define TRAIN_OPTIMISER_H

typedef struct optimiser {
    float rate, decay;
    float keep;   /* share of the old average that stays */
    int averages; /* does this step move the average? */
    long number;  /* of the step, from 1 */
} optimiser;

/* One step on count numbers, all arrays being readable to a multiple of 16. average may be NULL. */
void optimiser_update(const optimiser *step, int decays, long count, const float *gradient, float *moment1,
                      float *moment2, float *weights, float *average);

#endif
