/* SPDX-License-Identifier: MIT */
/* What goes into the layers in 8 bits, fc1, fc2 and downsampling, when the network sees pictures: the mean of
 * each input, and how the inputs go together. rounding.h makes of it weights of 8 bits whose errors cancel as
 * far as they can. */
#ifndef VE_EXPORT_CALIBRATE_H
#define VE_EXPORT_CALIBRATE_H

#include "pictures.h"
#include "weights/weights.h"

/* Wider layers (fc2 of the large models) keep the mean alone: the moments are k * k doubles. */
#define CALIBRATION_MAX_K    3072u
#define CALIBRATION_PICTURES 256u
#define CALIBRATION_LAYERS   256u

/* One layer's inputs, before the norm's weight and bias (fc1, downsampling) or with GRN's factor and without
 * its bias (fc2).
 */
typedef struct layer_inputs {
    const void *packed; /* names the layer while the network runs */
    unsigned k;
    size_t rows, calls;
    double *sum;     /* [k] */
    double *moments; /* [k][k], of which the lower triangle: sum of x[a] * x[b]; NULL above CALIBRATION_MAX_K */
} layer_inputs;

typedef struct calibration {
    layer_inputs layers[CALIBRATION_LAYERS]; /* in the network's order: fc1, fc2 of the first block ... */
    size_t layer_count, layers_wanted;
    size_t picture_count;
    int out_of_memory;
} calibration;

/* Runs the f32 network on the pictures. Zero *c before, free it in any case. */
ve_status calibrate(const ve__weights *reference, const pictures *p, calibration *c);
void calibration_free(calibration *c);

#endif
