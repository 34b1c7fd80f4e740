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

/* A row has 16 partial sums whatever the vector's width (kernels.h). */
#define NORM_PARTS (16u / VEC_LANES)

/* A vector of a row's values behind its last sixteen, of which `rest` are there; zeros behind the end. */
static VE__INLINE vec norm_rest(const float *x, unsigned at, unsigned rest)
{
    return rest >= at + VEC_LANES ? vec_load(x + at)
           : rest > at            ? vec_load_part(x + at, rest - at)
                                  : vec_zero();
}

static VE__INLINE vec norm_join(const vec part[NORM_PARTS])
{
    return NORM_PARTS == 1 ? part[0] : vec_add(part[0], part[NORM_PARTS - 1]);
}

/* For each of `rows` <= NORM_ROWS rows (a constant after inlining): what to subtract from, and then to multiply
 * with, each value. The second pass also adds up the differences from the first pass's mean: their mean is its
 * rounding error, which is not small beside the deviations of a nearly constant row. What is done once a row is
 * a loop and not unrolled: half the code for the same time. */
static VE__INLINE void norm_terms_inline(const float *x, size_t stride, unsigned rows, unsigned n,
                                         const ve__norm_rule *rule, vec *shift, vec *factor)
{
    vec sum[NORM_ROWS][NORM_PARTS], squares[NORM_ROWS][NORM_PARTS], about[NORM_ROWS];
    vec sums[NORM_ROWS], totals[NORM_ROWS];
    unsigned whole = n / 16 * 16, rest = n - whole;
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        VE__UNROLL
    for (unsigned q = 0; q < NORM_PARTS; q++)
        sum[r][q] = norm_rest(x + r * stride + whole, q * VEC_LANES, rest);
    for (unsigned i = 0; i < whole; i += 16)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        VE__UNROLL
    for (unsigned q = 0; q < NORM_PARTS; q++)
        sum[r][q] = vec_add(sum[r][q], vec_load(x + r * stride + i + q * VEC_LANES));
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        sums[r] = norm_join(sum[r]);
    NORM_EACH
    for (unsigned r = 0; r < rows; r++)
        shift[r] = rule->about_mean ? vec_set1(vec_sum(sums[r]) / (float)n) : vec_zero();
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        about[r] = shift[r];
        VE__UNROLL
        for (unsigned q = 0; q < NORM_PARTS; q++) {
            unsigned at = q * VEC_LANES;
            sum[r][q] = vec_zero();
            if (rest > at)
                sum[r][q] = vec_keep(vec_sub(norm_rest(x + r * stride + whole, at, rest), about[r]),
                                     rest - at < VEC_LANES ? rest - at : VEC_LANES);
            squares[r][q] = vec_mul(sum[r][q], sum[r][q]);
        }
    }
    for (unsigned i = 0; i < whole; i += 16)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        VE__UNROLL
    for (unsigned q = 0; q < NORM_PARTS; q++) {
        vec d = vec_sub(vec_load(x + r * stride + i + q * VEC_LANES), about[r]);
        sum[r][q] = vec_add(sum[r][q], d);
        squares[r][q] = vec_fma(d, d, squares[r][q]);
    }
    VE__UNROLL
    for (unsigned r = 0; r < rows; r++) {
        sums[r] = norm_join(sum[r]);
        totals[r] = norm_join(squares[r]);
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
#if VEC_LANES == 8
/* Two rows, whose sums and squares are all that AVX2's registers hold. */
static __attribute__((noinline)) void norm_pair(const float *x, size_t stride, unsigned n,
                                                const ve__norm_rule *rule, vec *shift, vec *factor)
{
    norm_terms_inline(x, stride, 2, n, rule, shift, factor);
}

void VE__NORM(several)(const float *x, size_t stride, unsigned n, const ve__norm_rule *rule, vec *shift,
                       vec *factor)
{
    norm_pair(x, stride, n, rule, shift, factor);
    norm_pair(x + 2 * stride, stride, n, rule, shift + 2, factor + 2);
}

/* The same row twice: less code. */
void VE__NORM(single)(const float *x, unsigned n, const ve__norm_rule *rule, vec *shift, vec *factor)
{
    vec shifts[2], factors[2];
    norm_pair(x, 0, n, rule, shifts, factors);
    *shift = shifts[0];
    *factor = factors[0];
}
#else
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
