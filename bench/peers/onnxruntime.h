/* SPDX-License-Identifier: MIT */
/* Runs an ONNX model of one float input and one float output with ONNX Runtime, loaded from its shared library.
 * No header of it is needed: its C interface is a table of function pointers whose order never changes. */
#ifndef BENCH_PEERS_ONNXRUNTIME_H
#define BENCH_PEERS_ONNXRUNTIME_H

#include <stddef.h>

typedef struct ort_model ort_model;

/* threads: of the pool that works on one operator. NULL after a message on standard error. */
ort_model *ort_open(const char *library, const char *model, int threads);
const char *ort_version(const ort_model *model);
/* Input "input" of shape [1][3][size][size]; output: the model's first and only one, whose name is asked for.
 * 0, or -1 after a message. *output stays valid until the next call. */
int ort_run(ort_model *model, float *input, unsigned size, const float **output, size_t *output_count);

#endif
