/* SPDX-License-Identifier: MIT */
/* Depthwise 7x7 convolutions of 16 channels of a square map, and their gradients. */
#ifndef TRAIN_DEPTHWISE_H
#define TRAIN_DEPTHWISE_H

#include "vector.h"

/* Can maps of this side be handled? */
int depthwise_has_side(long side);

/* Copies 16 channels of a map, whose pixels lie stride floats apart, to padded [side][side + 6][16], with zeros
 * at the sides. */
void depthwise_pad(const float *map, long side, long stride, float *padded);

/* out = the convolution of padded with taps [49][16], plus bias, or plus the map `base` where that is not NULL
 * (then bias is not used). base may be out. */
void depthwise_convolve(const float *padded, long side, const float *taps, v16 bias, const float *base,
                        float *out, long stride);

/* sums [49][16] += the gradient of the taps, from the padded input and the gradient of the output. */
void depthwise_taps_gradient(const float *padded, long side, const float *gradient, long stride, float *sums);

#endif
