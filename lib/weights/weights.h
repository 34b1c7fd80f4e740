/* SPDX-License-Identifier: MIT */
/* The reader of .vew weight files (docs/format.md). Nothing in a file is believed before it is checked. */
#ifndef VE_WEIGHTS_WEIGHTS_H
#define VE_WEIGHTS_WEIGHTS_H

#include "base/status.h"
#include "weights/arch.h"

typedef struct ve__weights ve__weights;

typedef enum ve__type { VE__TYPE_F32 = 1, VE__TYPE_F16 = 2, VE__TYPE_I8 = 3 } ve__type;

#define VE__MAX_RANK 4

/* Tensors of I8 have rank 2 or 4: a scale (f32) for each row (first index), then the rows' elements, -127 ...
 * 127; a value is the element times its row's scale. */

/* A tensor in the file; strings and bytes belong to the weights. */
typedef struct ve__tensor {
    const char *name;
    ve__type type;
    uint32_t rank;
    uint32_t shape[VE__MAX_RANK]; /* row-major, slowest first; 1 beyond rank */
    size_t count;                 /* elements */
    size_t offset, size_bytes;    /* in the file */
    uint32_t crc;                 /* CRC-32C of the bytes */
} ve__tensor;

/* Checks header, fields and tensor table. The file stays mapped until close. */
ve_status ve__weights_open(const char *path, ve__weights **weights);
/* Borrows bytes until close. */
ve_status ve__weights_open_memory(const void *bytes, size_t size, ve__weights **weights);
void ve__weights_close(ve__weights *weights);

const ve__arch *ve__weights_arch(const ve__weights *weights);
const ve__preprocess *ve__weights_preprocess(const ve__weights *weights);
const char *ve__weights_name(const ve__weights *weights);        /* "convnext_atto"; "" when not given */
const char *ve__weights_type(const ve__weights *weights);        /* "f32", "f16", "i8" */
const char *ve__weights_fingerprint(const ve__weights *weights); /* 64 hex digits */
/* The checkpoint that the file was made from, and its SHA-256; "" when not given. */
const char *ve__weights_source(const ve__weights *weights, const char **sha256);
size_t ve__weights_thresholds(const ve__weights *weights, const ve_threshold **rows);

size_t ve__weights_tensor_count(const ve__weights *weights);
const ve__tensor *ve__weights_tensor(const ve__weights *weights, size_t index);
/* NULL when there is none of that name. */
const ve__tensor *ve__weights_find(const ve__weights *weights, const char *name);

/* A tensor's bytes as they lie in the file, unchecked. */
const void *ve__weights_data(const ve__weights *weights, const ve__tensor *tensor);
/* Copies a tensor's elements as f32 after checking its checksum (VE_ERR_CORRUPT), then lets go of its pages:
 * read each tensor once. out has room for tensor->count floats. Non-finite values are refused, and so are
 * scales that are not above 0 and elements of -128. */
ve_status ve__weights_read(const ve__weights *weights, const ve__tensor *tensor, float *out);

/* The names and shapes of all tensors that an architecture has, in file order: index 0 ... count-1.
 * Reader, writer and network agree through this one list. name has room for VE__MAX_NAME bytes.
 * False when index is past the end.
 *
 *   stem.0.weight [out][ky][kx][in]   stem.0.bias      patch stem: the convolution; overlapping: the first
 *   stem.1.weight [out][ky][kx][in]   stem.1.bias      overlapping stems only
 *   stem.norm.weight [c]  stem.norm.bias [c]           (bias: layer norm only, here and below)
 *   stage.S.down.norm.weight, .bias   stage.S.down.weight [out][2][2][in]   stage.S.down.bias    S = 1, 2, 3
 *   stage.S.block.B.dw.weight [7][7][c]  .dw.bias [c]   .norm.weight [c]  .norm.bias [c]
 *                  .fc1.weight [4c][c]  .fc1.bias [4c]  .grn.weight [4c] .grn.bias [4c] (version 2)
 *                  .fc2.weight [c][4c]  .fc2.bias [c]   .scale [c] (version 1)
 *   final.norm.weight [c]  final.norm.bias [c]         unless VE__FINAL_POOL
 *   head.0.weight [out][in]  head.0.bias [out]  head.1...   as many as head_layers
 *   map.S.norm.weight [c]  .norm.bias [c]  .weight [map_outputs][c]  .bias [map_outputs]     S = 1, 2, 3 */
#define VE__MAX_NAME 64
typedef struct ve__tensor_spec {
    char name[VE__MAX_NAME];
    uint32_t rank;
    uint32_t shape[VE__MAX_RANK];
} ve__tensor_spec;
int ve__arch_tensor(const ve__arch *arch, size_t index, ve__tensor_spec *spec);
/* Checks every field of an architecture and a preprocessing against the limits (VE_ERR_FORMAT, naming it). */
ve_status ve__arch_check(const ve__arch *arch);
ve_status ve__preprocess_check(const ve__preprocess *preprocess);

#endif
