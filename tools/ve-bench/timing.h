/* SPDX-License-Identifier: MIT */
/* Clocks, and what a row of measured times amounts to. */
#ifndef VE_BENCH_TIMING_H
#define VE_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

/* Seconds since some moment: of the wall's clock, of this process's or this thread's CPU time. */
double time_wall(void);
double time_process(void);
double time_thread(void);

/* The CPU's own counter, a few nanoseconds a reading; its unit is found by comparison with time_wall. */
uint64_t time_ticks(void);

typedef struct spread {
    size_t count;
    double min, median, p95, max;
    double quartiles; /* (third quartile - first quartile) / median: how far the runs lie apart */
} spread;

/* Sorts values. All zero where count is. */
spread spread_of(double *values, size_t count);

#endif
