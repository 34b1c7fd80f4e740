/* SPDX-License-Identifier: MIT */
/* See timing.h. */
#include "timing.h"

#include <stdlib.h>
#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec t = {0, 0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double time_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double time_process(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double time_thread(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t time_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return (uint64_t)(time_wall() * 1e9);
#endif
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest values. */
static double quantile(const double *sorted, size_t count, double part)
{
    double at = part * (double)(count - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

spread spread_of(double *values, size_t count)
{
    spread s = {0, 0, 0, 0, 0, 0};
    if (count == 0)
        return s;
    qsort(values, count, sizeof *values, compare);
    s.count = count;
    s.min = values[0];
    s.median = quantile(values, count, 0.5);
    s.p95 = quantile(values, count, 0.95);
    s.max = values[count - 1];
    if (s.median > 0)
        s.quartiles = (quantile(values, count, 0.75) - quantile(values, count, 0.25)) / s.median;
    return s;
}
