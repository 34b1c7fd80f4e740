/* SPDX-License-Identifier: MIT */
/* Read bandwidth and multiply-add peak. */
#include "machine.h"

#include <stdint.h>
#include <time.h>

#define INLINE static inline __attribute__((always_inline))

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Somewhere for results to go, so that no work is optimised away. */
static volatile double sink;

typedef float vector __attribute__((vector_size(64), aligned(4), may_alias));

INLINE void read_streams(const char *memory, size_t bytes, unsigned streams)
{
    size_t apart = bytes / streams / 64 * 64;
    vector sums[16] = {{0}};
    for (size_t at = 0; at < apart; at += 64)
        for (unsigned s = 0; s < streams; s++)
            sums[s] += *(const vector *)(const void *)(memory + s * apart + at);
    for (unsigned s = 0; s < streams; s++)
        sink = sums[s][0];
}

#if defined(__x86_64__)
#define WIDEST __attribute__((target("avx512f,prefer-vector-width=512")))
#else
#define WIDEST
#endif

WIDEST static void read_widest(const char *memory, size_t bytes, unsigned streams)
{
    switch (streams) {
    case 1:
        read_streams(memory, bytes, 1);
        break;
    case 2:
        read_streams(memory, bytes, 2);
        break;
    case 4:
        read_streams(memory, bytes, 4);
        break;
    case 8:
        read_streams(memory, bytes, 8);
        break;
    default:
        read_streams(memory, bytes, 16);
    }
}

static void read_plain(const char *memory, size_t bytes, unsigned streams)
{
    switch (streams) {
    case 1:
        read_streams(memory, bytes, 1);
        break;
    case 2:
        read_streams(memory, bytes, 2);
        break;
    default:
        read_streams(memory, bytes, 4);
    }
}

static int has_widest(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f");
#else
    return 0;
#endif
}

double time_read(const void *memory, size_t bytes, unsigned streams)
{
    double start = seconds_now();
    (has_widest() ? read_widest : read_plain)(memory, bytes, streams);
    return seconds_now() - start;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static double fma_round_512(void)
{
    __m512 sums[16], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        sums[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < 100000; round++) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], a, b);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        sink = sums[i][0];
    return 100000.0 * 16 * 16 * 2;
}

__attribute__((target("avx2,fma"))) static double fma_round_256(void)
{
    __m256 sums[12], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++)
        sums[i] = _mm256_set1_ps((float)i);
    for (int round = 0; round < 100000; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], a, b);
    }
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++)
        sink = sums[i][0];
    return 100000.0 * 12 * 8 * 2;
}

static double fma_round(void)
{
    return has_widest() ? fma_round_512() : __builtin_cpu_supports("fma") ? fma_round_256() : 0;
}
#else
static double fma_round(void)
{
    typedef float four __attribute__((vector_size(16)));
    four sums[16] = {{0}}, a = {0.999f, 0.999f, 0.999f, 0.999f}, b = {1e-3f, 1e-3f, 1e-3f, 1e-3f};
    for (int round = 0; round < 100000; round++)
        for (int i = 0; i < 16; i++)
            sums[i] = sums[i] * a + b;
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        sink = sums[i][0];
    return 100000.0 * 16 * 4 * 2;
}
#endif

double measure_fma_peak(double seconds)
{
    double best = 0, end = seconds_now() + seconds;
    do {
        double start = seconds_now(), operations = fma_round(), taken = seconds_now() - start;
        best = operations / taken > best ? operations / taken : best;
    } while (seconds_now() < end);
    return best * 1e-9;
}
