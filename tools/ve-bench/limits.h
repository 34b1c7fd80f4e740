/* SPDX-License-Identifier: MIT */
/* The machine's own limits, measured: multiply-adds from registers, and reading from each level of memory. */
#ifndef VE_BENCH_LIMITS_H
#define VE_BENCH_LIMITS_H

#include <stddef.h>

#define MAX_LEVELS 4

typedef struct memory_level {
    const char *name; /* "L1", "L2", "L3", "DRAM" */
    size_t bytes;     /* that were read over and over */
    double gbytes;    /* 1e9 bytes a second, one thread */
} memory_level;

/* Billions of floating point operations a second (a multiply-add counts two) of one thread, in the time that it
 * was given the CPU, with the instruction set of a kernel table ("scalar", "neon", "avx2", "avx512" ...). The
 * CPU must have it. Takes some milliseconds; 0 for a name that is not known here. */
double limits_flops(const char *isa);
/* The sum over `threads` threads at work together. */
double limits_flops_together(const char *isa, unsigned threads);
/* Fills levels[MAX_LEVELS] and gives their number. cache_bytes: sizes of L1 to L3, 0 where there is none. */
size_t limits_memory(const char *isa, const size_t cache_bytes[3], memory_level *levels);

#endif
