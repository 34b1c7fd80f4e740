/* SPDX-License-Identifier: MIT */
/* Random numbers for tests: the same in every run, on every machine. */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_source {
    uint64_t state; /* the seed; any value */
} random_source;

uint32_t random_next(random_source *source);
/* 0 ... count - 1 */
uint32_t random_below(random_source *source, uint32_t count);
/* low <= value < high */
float random_float(random_source *source, float low, float high);
void random_floats(random_source *source, float *x, size_t count, float low, float high);

#endif
