/* SPDX-License-Identifier: MIT */
/* The input that all benchmarks embed: repeatable noise, [3][size][size] floats around zero. The same formula
 * is in bench/peers/models.py. */
#ifndef BENCH_ARM_INPUT_H
#define BENCH_ARM_INPUT_H

#include <stdint.h>
#include <stdlib.h>

/* The caller frees it; NULL when there is no memory. */
static inline float *make_input(unsigned size)
{
    size_t count = (size_t)3 * size * size;
    float *input = malloc(count * sizeof *input);
    uint32_t state = 12345;
    for (size_t i = 0; input && i < count; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' linear congruential generator */
        input[i] = (float)(state >> 8) * (4.0f / 16777216.0f) - 2.0f;
    }
    return input;
}

#endif
