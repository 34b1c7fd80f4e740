/* SPDX-License-Identifier: MIT */
/* What a norm takes from the values of a row, and multiplies them with. To be included after a vec_*.h. */
#ifndef VE_KERNELS_NORM_TEMPLATE_H
#define VE_KERNELS_NORM_TEMPLATE_H

#include <math.h>

#define WHOLE(n) ((n) / VEC_LANES * VEC_LANES)

/* Several rows at a time, so that their sums do not wait for each other. */
#define NORM_ROWS 4u

/* The two passes over the whole vectors of `rows` rows. A single row is added up in two halves, so that it does
 * not wait for itself quite so much. */
static VE__INLINE void sum_vectors(const float *x, size_t stride, unsigned rows, unsigned whole, vec *sum)
{
    unsigned i = 0;
    vec other = vec_zero();
    for (; rows == 1 && i + 2 * VEC_LANES <= whole; i += 2 * VEC_LANES) {
        sum[0] = vec_add(sum[0], vec_load(x + i));
        other = vec_add(other, vec_load(x + i + VEC_LANES));
    }
    for (; i < whole; i += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sum[r] = vec_add(sum[r], vec_load(x + r * stride + i));
    if (rows == 1)
        sum[0] = vec_add(sum[0], other);
}

static VE__INLINE void add_square(vec x, vec about, vec *sum, vec *squares)
{
    vec d = vec_sub(x, about);
    *sum = vec_add(*sum, d);
    *squares = vec_fma(d, d, *squares);
}

static VE__INLINE void square_vectors(const float *x, size_t stride, unsigned rows, unsigned whole,
                                      const vec *about, vec *sum, vec *squares)
{
    unsigned i = 0;
    vec other_sum = vec_zero(), other_squares = vec_zero();
    for (; rows == 1 && i + 2 * VEC_LANES <= whole; i += 2 * VEC_LANES) {
        add_square(vec_load(x + i), about[0], sum, squares);
        add_square(vec_load(x + i + VEC_LANES), about[0], &other_sum, &other_squares);
    }
    for (; i < whole; i += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        add_square(vec_load(x + r * stride + i), about[r], sum + r, squares + r);
    if (rows == 1) {
        sum[0] = vec_add(sum[0], other_sum);
        squares[0] = vec_add(squares[0], other_squares);
    }
}

/* For each of `rows` <= NORM_ROWS rows (a constant after inlining): what to subtract from, and then to multiply
 * with, each value. The second pass also adds up the differences from the first pass's mean: their mean is its
 * rounding error, which is not small beside the deviations of a nearly constant row. */
static VE__INLINE void norm_terms(const float *x, size_t stride, unsigned rows, unsigned n,
                                  const ve__norm_rule *rule, vec *shift, vec *factor)
{
    vec sum[NORM_ROWS], squares[NORM_ROWS], about[NORM_ROWS];
    unsigned whole = WHOLE(n), rest = n - whole;
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sum[r] = rest ? vec_load_part(x + r * stride + whole, rest) : vec_zero();
    for (unsigned i = 0; i < whole; i += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sum[r] = vec_add(sum[r], vec_load(x + r * stride + i));
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        about[r] = rule->about_mean ? vec_set1(vec_sum(sum[r]) / (float)n) : vec_zero();
        sum[r] = vec_zero();
        if (rest)
            sum[r] = vec_keep(vec_sub(vec_load_part(x + r * stride + whole, rest), about[r]), rest);
        squares[r] = vec_mul(sum[r], sum[r]);
    }
    for (unsigned i = 0; i < whole; i += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        vec d = vec_sub(vec_load(x + r * stride + i), about[r]);
        sum[r] = vec_add(sum[r], d);
        squares[r] = vec_fma(d, d, squares[r]);
    }
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        float error = vec_sum(sum[r]) / (float)n, total = vec_sum(squares[r]);
        if (rule->about_mean)
            total -= error * error * (float)n;
        shift[r] = rule->subtract_mean ? vec_add(about[r], vec_set1(error)) : vec_zero();
        factor[r] = vec_set1(1.0f / sqrtf((total < 0 ? 0 : total) * rule->inverse_count + rule->eps));
    }
}

#endif
