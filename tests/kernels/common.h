/* SPDX-License-Identifier: MIT */
/* What all kernel tests share. */
#ifndef TESTS_KERNELS_COMMON_H
#define TESTS_KERNELS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "support/guarded.h"
#include "support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* For every table that this CPU can run. */
#define FOR_EACH_TABLE(t)                                                                                      \
    for (unsigned t##_index = 0; t##_index < 8; t##_index++)                                                   \
        for (const ve__kernels *t = ve__kernels_available(t##_index); t; t = NULL)

static inline float *guarded_floats(size_t count, guarded_side side)
{
    return guarded_new(count * sizeof(float), sizeof(float), side);
}

/* For packed weights and panels, whose alignment is promised. */
static inline void *guarded_aligned(size_t size, guarded_side side)
{
    return guarded_new(size, 64, side);
}

/* Kinds of data: ordinary, and those that break careless arithmetic. */
typedef enum data_kind {
    DATA_ORDINARY,
    DATA_ZERO,
    DATA_HUGE,
    DATA_DENORMAL,
    DATA_CONSTANT,
    DATA_KINDS
} data_kind;

static inline void fill_data(random_source *source, data_kind kind, float *x, size_t count)
{
    static const float ranges[DATA_KINDS] = {1.0f, 0.0f, 1e18f, 1e-39f, 0.0f};
    random_floats(source, x, count, -ranges[kind], ranges[kind]);
    for (size_t i = 0; kind == DATA_CONSTANT && i < count; i++)
        x[i] = 3.7f;
}

/* |got - wanted| <= allowed, NaN never. */
static inline int near(double got, double wanted, double allowed)
{
    double d = got > wanted ? got - wanted : wanted - got;
    return d <= allowed;
}

#endif
