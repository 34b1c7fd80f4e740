/* SPDX-License-Identifier: MIT */
/* The table of weights: names, shapes, and where each lies in one flat array in PyTorch's layout. */
#ifndef TRAIN_PARAMETERS_H
#define TRAIN_PARAMETERS_H

#include "shape.h"

typedef struct parameter {
    char name[64];
    int dims, shape[4];
    int decays;         /* weight decay: matrices and filters, no norms, biases or scales */
    long offset, count; /* in floats */
} parameter;

enum { MOST_PARAMETERS = 160 };

/* Numbers of parameters in the table. */
typedef struct block_parameters {
    int scale, taps, taps_bias, norm_weight, norm_bias, fc1, fc1_bias, fc2, fc2_bias;
} block_parameters;
typedef struct layer_parameters {
    int norm_weight, norm_bias, weight, bias;
} layer_parameters;

typedef struct parameter_table {
    parameter list[MOST_PARAMETERS];
    int count;
    long total; /* floats of the flat array */
    layer_parameters stem, down[STAGES], head;
    block_parameters block[STAGES][MOST_BLOCKS];
} parameter_table;

void parameters_list(parameter_table *table);

#endif
