/* SPDX-License-Identifier: MIT */
/* Where the time of an embedding goes: by stage, by kind of kernel, by layer. One thread; passes of their own,
 * so that the clock's readings do not disturb what is measured elsewhere. */
#ifndef VE_BENCH_PROFILE_H
#define VE_BENCH_PROFILE_H

#include "kernel_hooks.h"
#include "net/net.h"

#define PROFILE_STAGES     6 /* stem, four stages, pooling and head */
#define PROFILE_MAX_LAYERS (3 * VE__MAX_DEPTH * VE__STAGES + 16)

/* A layer with weights. Medians over the runs. */
typedef struct layer_time {
    char name[40];
    kernel_kind kind;
    unsigned k, n;
    double seconds;
    double flops; /* a multiply-add counts two */
    double bytes; /* of weights, inputs, outputs and residuals, each once */
    unsigned stage;
} layer_time;

typedef struct profile {
    unsigned runs;
    double total; /* seconds of CPU time, as of the stages: an embedding without the hooks */
    double stages[PROFILE_STAGES];
    double kinds[KERNEL_KINDS];
    size_t layer_count;
    layer_time layers[PROFILE_MAX_LAYERS];
} profile;

extern const char *const profile_stage_names[PROFILE_STAGES];

/* Packs the weights twice, one network after the other; runs > 0. */
ve_status profile_network(const ve__weights *weights, ve__precision precision, unsigned size, unsigned runs,
                          profile *p);

/* Multiply-adds of one embedding. */
double network_multiply_adds(const ve__arch *arch, unsigned width, unsigned height);

#endif
