/* SPDX-License-Identifier: MIT */
/*
 * A kernel table whose entries tell, before and after, what they are about to do, and call the real entry
 * between: how ve-bench times each kind of kernel and each layer, and how bench/arm counts their instructions.
 * The network is run as it is; nothing in the library knows of it.
 */
#ifndef VE_BENCH_KERNEL_HOOKS_H
#define VE_BENCH_KERNEL_HOOKS_H

#include "kernels/kernels.h"

typedef enum kernel_kind {
    KIND_DEPTHWISE,
    KIND_NORM_PANEL, /* rows normalised into fc1's panel */
    KIND_EXPAND,     /* fc1 and GELU */
    KIND_CONTRACT,   /* fc2 and the residual */
    KIND_DENSE,      /* stem, downsampling, head */
    KIND_WRITE_PANEL,
    KIND_SCALE_PANEL, /* GRN */
    KIND_NORM_ROWS,
    KIND_SUM_ROWS, /* pooling */
    KIND_GELU,
    KERNEL_KINDS
} kernel_kind;

extern const char *const kernel_kind_names[KERNEL_KINDS];

/* One call of a kernel. */
typedef struct kernel_call {
    kernel_kind kind;
    const void *layer; /* the packed weights, which name the layer; NULL for kernels without weights */
    unsigned rows, k,
        n; /* dense: as in kernels.h; depthwise: pixels, taps and channels; else rows, 0, channels */
} kernel_call;

typedef struct kernel_hooks {
    void (*begin)(void *data, const kernel_call *call);
    void (*end)(void *data, const kernel_call *call);
    void *data;
} kernel_hooks;

/* Fills *hooked with entries that call real's. There is one such table at a time, and one thread may use it. */
void kernel_hooks_install(const ve__kernels *real, const kernel_hooks *hooks, ve__kernels *hooked);

#endif
