/* SPDX-License-Identifier: MIT */
/*
 * The network. In calling order:
 *
 *     ve__net_create    weights, folded and packed for one kernel table; immutable, shared by threads
 *     ve__run_create    scratch memory and bounds for one input size and one thread pool
 *     ve__run_input     where the picture goes: [height][width][3] f32, normalised
 *     ve__run_embed     the forward pass (lib/net/run.c reads like the paper); allocates nothing
 */
#ifndef VE_NET_NET_H
#define VE_NET_NET_H

#include "base/status.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "weights/weights.h"

typedef struct ve__net ve__net;
typedef struct ve__run ve__run;

/* In what the blocks' pointwise layers and the downsampling are computed; all else is f32 always. */
typedef enum ve__precision {
    VE__PRECISION_BEST = 0, /* I8 for a file with 8-bit weights where the kernels gain by it, else F32 */
    VE__PRECISION_F32 = 1,
    VE__PRECISION_I8 = 2 /* weights of a file without any of 8 bits are rounded here */
} ve__precision;

/* Reads every tensor (checksums are checked) and packs it. weights may be closed afterwards. */
ve_status ve__net_create(const ve__weights *weights, const ve__kernels *kernels, ve__precision precision,
                         ve__net **net);
void ve__net_free(ve__net *net);
/* Bytes of packed weights, and the number of parameters in the file. */
size_t ve__net_bytes(const ve__net *net);
uint64_t ve__net_parameters(const ve__net *net);
uint32_t ve__net_dim(const ve__net *net);
const ve__kernels *ve__net_kernels(const ve__net *net);
/* F32 or I8, and in *reason, if not NULL, why, for people. */
ve__precision ve__net_precision(const ve__net *net, const char **reason);

/* Borrows net and pool. VE_ERR_ARGUMENT when the size is too small to leave one pixel in the last stage. */
ve_status ve__run_create(const ve__net *net, ve__pool *pool, uint32_t width, uint32_t height, ve__run **run);
void ve__run_free(ve__run *run);
size_t ve__run_bytes(const ve__run *run);
float *ve__run_input(ve__run *run);
/* embedding: ve__net_dim floats, not scaled. */
void ve__run_embed(ve__run *run, float *embedding);

/* Makes the run one for a smaller input than it was created for (or for that one again); allocates nothing. The
 * input's place moves. VE_ERR_ARGUMENT when there is no room for it, or the size is too small. */
ve_status ve__run_shape(ve__run *run, uint32_t width, uint32_t height);

/* Networks with map_outputs. ve__run_maps: the forward pass. ve__run_map: what it gave for stage 1, 2 or 3:
 * `outputs` numbers for each pixel, at values + (y * width + x) * pixel_stride. */
typedef struct ve__output_map {
    const float *values;
    uint32_t width, height, outputs;
    size_t pixel_stride;
} ve__output_map;
void ve__run_maps(ve__run *run);
ve__output_map ve__run_map(const ve__run *run, unsigned s);

/* For tests: called on the caller's thread after the stem (stage -1) and each stage with its output.
 * pixel(y, x) starts at map + (y * row_stride + x) * pixel_stride. */
typedef void ve__observer(void *data, int stage, const float *map, uint32_t height, uint32_t width,
                          uint32_t channels, size_t row_stride, size_t pixel_stride);
void ve__run_observe(ve__run *run, ve__observer *observer, void *data);

#endif
