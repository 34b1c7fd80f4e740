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

/* Reads every tensor (checksums are checked) and packs it. weights may be closed afterwards. */
ve_status ve__net_create(const ve__weights *weights, const ve__kernels *kernels, ve__net **net);
void ve__net_free(ve__net *net);
/* Bytes of packed weights, and the number of parameters in the file. */
size_t ve__net_bytes(const ve__net *net);
uint64_t ve__net_parameters(const ve__net *net);
uint32_t ve__net_dim(const ve__net *net);
const ve__kernels *ve__net_kernels(const ve__net *net);

/* Borrows net and pool. VE_ERR_ARGUMENT when the size is too small to leave one pixel in the last stage. */
ve_status ve__run_create(const ve__net *net, ve__pool *pool, uint32_t width, uint32_t height, ve__run **run);
void ve__run_free(ve__run *run);
size_t ve__run_bytes(const ve__run *run);
float *ve__run_input(ve__run *run);
/* embedding: ve__net_dim floats, not scaled. */
void ve__run_embed(ve__run *run, float *embedding);

/* For tests: called on the caller's thread after the stem (stage -1) and each stage with its output.
 * pixel(y, x) starts at map + (y * row_stride + x) * pixel_stride. */
typedef void ve__observer(void *data, int stage, const float *map, uint32_t height, uint32_t width,
                          uint32_t channels, size_t row_stride, size_t pixel_stride);
void ve__run_observe(ve__run *run, ve__observer *observer, void *data);

#endif
