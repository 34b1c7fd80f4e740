/* SPDX-License-Identifier: MIT */
/* Weights in safetensors files: f32 tensors under torchvision's names. */
#ifndef TRAIN_SAFETENSORS_H
#define TRAIN_SAFETENSORS_H

#include "parameters.h"

/* Fills weights from a file of this program's own kind (f32); ends the program when one is missing or has
 * another size. */
void safetensors_read(const char *path, const parameter_table *table, float *weights);

/* Writes a file under a temporary name, then puts it in the old one's place. */
void safetensors_write(const char *path, const parameter_table *table, const float *weights);

#endif
