/* SPDX-License-Identifier: MIT */
/* What this machine can do at best: the yardsticks of the store's benchmark. */
#ifndef VE_BENCH_MACHINE_H
#define VE_BENCH_MACHINE_H

#include <stddef.h>

double seconds_now(void);
/* Reads memory once with the widest loads, `streams` places at a time (1, 2, 4, 8, 16); returns seconds. */
double time_read(const void *memory, size_t bytes, unsigned streams);
/* Multiply-adds of one core when nothing else limits it, in GFLOP/s; runs for about `seconds`. */
double measure_fma_peak(double seconds);

#endif
