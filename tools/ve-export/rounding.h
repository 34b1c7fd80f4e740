/* SPDX-License-Identifier: MIT */
/* Rounds the weights of a layer to 8 bits so that its outputs, not its weights, stay near what they were.
 *
 * With d the errors of one output's weights and C the covariance of the inputs, the output's error has the
 * variance d' C d. With C = M' M, M lower triangular, that is the sum of squares of M d, whose row t needs no
 * error behind t: going through the weights in order, each is rounded where it best cancels what the earlier
 * ones left (Babai's nearest plane; GPTQ, arXiv 2210.17323, is the same in another order). Errors of the mean
 * go into the bias. */
#ifndef VE_EXPORT_ROUNDING_H
#define VE_EXPORT_ROUNDING_H

#include "calibrate.h"

typedef struct rounding {
    unsigned k;
    double *factor; /* M, [k][k] */
    double *mean;   /* [k]: of what the weights are multiplied with */
    double *errors; /* [k]: of the weights that were rounded last */
    int8_t *codes;
} rounding;

/* Inputs are gain[i] * x[i] + shift[i], x as seen. VE_ERR_MEMORY. Zero *r before the first call; a next call is
 * for another layer. Layers without moments: each weight is rounded for itself. */
ve_status rounding_begin(rounding *r, const layer_inputs *inputs, const float *gain, const float *shift);
void rounding_free(rounding *r);
/* One output's weights, in place: multiples of one scale, 127 or -127 times it among them. Returns what is to
 * be added to its bias. */
float rounding_row(rounding *r, float *weights);

#endif
