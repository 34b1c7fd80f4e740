/* SPDX-License-Identifier: MIT */
/* Weight files for benchmarks without a checkpoint: the published ConvNeXt sizes with random weights. Speed
 * does not depend on the weights' values, as long as nothing overflows. */
#ifndef VE_BENCH_RANDOM_MODEL_H
#define VE_BENCH_RANDOM_MODEL_H

#include <stddef.h>

#include "base/status.h"
#include "weights/arch.h"

/* "atto" ... "base" (version 1), "atto-v2" ... (version 2). VE_ERR_NOT_FOUND for any other name. */
ve_status random_model_arch(const char *name, ve__arch *arch);
/* The names, one after the other with a space between, for messages. */
extern const char random_model_names[];

/* A whole weight file in memory, for inputs of size x size pixels; is_half stores matrices as f16. The caller
 * frees *bytes. */
ve_status random_model_make(const char *name, unsigned size, int is_half, unsigned char **bytes,
                            size_t *byte_count);
/* The same, written to a file. */
ve_status random_model_write(const char *name, unsigned size, int is_half, const char *path);

#endif
