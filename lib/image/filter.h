/* SPDX-License-Identifier: MIT */
/*
 * Resampling weights along one axis, as Pillow (9 to 12, src/libImaging/Resample.c) defines them for 8-bit
 * pictures. Output position i of `scaled` over `source` pixels has its centre at (i + 1/2) * source / scaled
 * and is a weighted sum of the pixels within the filter's support, which is widened by the ratio where the
 * picture shrinks. Weights are scaled to a sum of 1 in double and rounded to 22 fraction bits.
 */
#ifndef VE_IMAGE_FILTER_H
#define VE_IMAGE_FILTER_H

#include "base/status.h"
#include "weights/arch.h"

/* Weights are integers: 1.0 is 1 << VE__FILTER_BITS. Sums of 255 times the absolute weights stay below 2^31. */
#define VE__FILTER_BITS 22

/* One axis of a resize, and the part of it that is wanted. */
typedef struct ve__axis {
    uint32_t source; /* pixels there are */
    uint32_t scaled; /* pixels they become */
    uint32_t first;  /* the wanted ones: first ... first + count - 1 of those */
    uint32_t count;
} ve__axis;

/* The pixels that one output position is made of. */
typedef struct ve__span {
    uint32_t first, count;
} ve__span;

/* Half the filter's width in output pixels; 0 for VE__FILTER_NEAREST, which is not a weighted sum. */
double ve__filter_support(ve__filter filter);
/* No span is longer than this for the ratio source / scaled. */
size_t ve__filter_taps(ve__filter filter, double ratio);
/* The span and the weights of output position `position`. scratch has room for a span's doubles. */
ve__span ve__filter_weights(ve__filter filter, uint32_t source, uint32_t scaled, uint32_t position,
                            double *scratch, int32_t *weights);
/* The span alone. */
ve__span ve__filter_span(ve__filter filter, uint32_t source, uint32_t scaled, uint32_t position);

#endif
