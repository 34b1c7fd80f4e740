/* SPDX-License-Identifier: MIT */
/* What a norm takes from the values of a row, and multiplies them with. To be included after a vec_*.h. */
#ifndef VE_KERNELS_NORM_TEMPLATE_H
#define VE_KERNELS_NORM_TEMPLATE_H

#include <math.h>

#define WHOLE(n) ((n) / VEC_LANES * VEC_LANES)

/* Several rows at a time, so that their sums do not wait for each other. */
#define NORM_ROWS 4u

/* x86: the short way, out of line and with loops over the rows, where unrolled code is three times as long for
 * the same time. On NEON the instructions are counted, and the code is half as long anyway. */
#ifdef VE__NORM
#define NORM_EACH
#else
#define NORM_EACH VE__UNROLL
#endif

/* For each of `rows` <= NORM_ROWS rows (a constant after inlining): what to subtract from, and then to multiply
 * with, each value. The second pass also adds up the differences from the first pass's mean: their mean is its
 * rounding error, which is not small beside the deviations of a nearly constant row. What is done once a row is
 * a loop and not unrolled: half the code for the same time. */
static VE__INLINE void norm_terms_inline(const float *x, size_t stride, unsigned rows, unsigned n,
                                         const ve__norm_rule *rule, vec *shift, vec *factor)
{
    vec sum[NORM_ROWS], squares[NORM_ROWS], about[NORM_ROWS], sums[NORM_ROWS], totals[NORM_ROWS];
    unsigned whole = WHOLE(n), rest = n - whole;
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sum[r] = rest ? vec_load_part(x + r * stride + whole, rest) : vec_zero();
    for (unsigned i = 0; i < whole; i += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sum[r] = vec_add(sum[r], vec_load(x + r * stride + i));
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sums[r] = sum[r];
    NORM_EACH
    for (unsigned r = 0; r < rows; r++)
        shift[r] = rule->about_mean ? vec_set1(vec_sum(sums[r]) / (float)n) : vec_zero();
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        about[r] = shift[r];
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
        sums[r] = sum[r];
        totals[r] = squares[r];
    }
    NORM_EACH
    for (unsigned r = 0; r < rows; r++) {
        float error = vec_sum(sums[r]) / (float)n, total = vec_sum(totals[r]);
        if (rule->about_mean)
            total -= error * error * (float)n;
        shift[r] = rule->subtract_mean ? vec_add(shift[r], vec_set1(error)) : vec_zero();
        factor[r] = vec_set1(1.0f / sqrtf((total < 0 ? 0 : total) * rule->inverse_count + rule->eps));
    }
}

#ifdef VE__NORM
/* Out of line, in the file that defines VE__NORM_HERE, so that each is there once for an instruction set. */
void VE__NORM(several)(const float *x, size_t stride, unsigned n, const ve__norm_rule *rule, vec *shift,
                       vec *factor);
void VE__NORM(single)(const float *x, unsigned n, const ve__norm_rule *rule, vec *shift, vec *factor);

#ifdef VE__NORM_HERE
void VE__NORM(several)(const float *x, size_t stride, unsigned n, const ve__norm_rule *rule, vec *shift,
                       vec *factor)
{
    norm_terms_inline(x, stride, NORM_ROWS, n, rule, shift, factor);
}

void VE__NORM(single)(const float *x, unsigned n, const ve__norm_rule *rule, vec *shift, vec *factor)
{
    norm_terms_inline(x, 0, 1, n, rule, shift, factor);
}
#endif
#endif

/* `rows`: NORM_ROWS or 1. */
static VE__INLINE void norm_terms(const float *x, size_t stride, unsigned rows, unsigned n,
                                  const ve__norm_rule *rule, vec *shift, vec *factor)
{
#ifdef VE__NORM
    if (rows == 1)
        VE__NORM(single)(x, n, rule, shift, factor);
    else
        VE__NORM(several)(x, stride, n, rule, shift, factor);
#else
    norm_terms_inline(x, stride, rows, n, rule, shift, factor);
#endif
}

#endif
