/* SPDX-License-Identifier: MIT */
/*
 * What a norm takes from the values of a row, and multiplies them with: norm_template.h for NEON, where
 * instructions are counted. Always four rows at a time, the same one again where there are fewer; what is known
 * once a row lies in the lanes of one vector. To be included after vec_neon.h.
 */
#ifndef VE_KERNELS_NORM_NEON_H
#define VE_KERNELS_NORM_NEON_H

#define WHOLE(n) ((n) / VEC_LANES * VEC_LANES)

/* Four rows, and of each lane's row what to subtract from, and then to multiply with, each value. */
typedef struct norm_four {
    const float *row[4];
    vec shift, factor;
} norm_four;

/* The rows of x; those past `count` are the first once more. */
static VE__INLINE void point_to_rows(const float *x, size_t stride, unsigned count, const float *row[4])
{
    for (unsigned r = 0; r < 4; r++)
        row[r] = r < count ? x + r * stride : x;
}

/* The sums of four vectors' lanes, as vec_sum adds them. */
static VE__INLINE vec vec_sums(const vec v[4])
{
    return vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]));
}

static VE__INLINE void vec_spread(vec v, vec lanes[4])
{
    lanes[0] = vdupq_laneq_f32(v, 0);
    lanes[1] = vdupq_laneq_f32(v, 1);
    lanes[2] = vdupq_laneq_f32(v, 2);
    lanes[3] = vdupq_laneq_f32(v, 3);
}

static VE__INLINE void add_all(const norm_four *f, unsigned n, vec sum[4])
{
    const float *p[4] = {f->row[0], f->row[1], f->row[2], f->row[3]};
    unsigned whole = WHOLE(n), rest = n - whole;
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        sum[r] = rest ? vec_load_part(p[r] + whole, rest) : vec_zero();
    for (unsigned i = whole / 8; i > 0; i--)
        VE__UNROLL
    for (unsigned r = 0; r < 4; r++) {
        vec a, b;
        vec_next_two(&p[r], &a, &b);
        sum[r] = vec_add(vec_add(sum[r], a), b);
    }
    if (whole % 8)
        VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        sum[r] = vec_add(sum[r], vec_load(p[r]));
}

static VE__INLINE void add_deviation(vec x, vec about, vec *sum, vec *squares)
{
    vec d = vec_sub(x, about);
    *sum = vec_add(*sum, d);
    *squares = vec_fma(d, d, *squares);
}

/* Differences from `about` and their squares. */
static VE__INLINE void add_deviations(const norm_four *f, unsigned n, const vec about[4], vec sum[4],
                                      vec squares[4])
{
    const float *p[4] = {f->row[0], f->row[1], f->row[2], f->row[3]};
    unsigned whole = WHOLE(n), rest = n - whole;
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++) {
        sum[r] = vec_zero();
        if (rest)
            sum[r] = vec_keep(vec_sub(vec_load_part(p[r] + whole, rest), about[r]), rest);
        squares[r] = vec_mul(sum[r], sum[r]);
    }
    for (unsigned i = whole / 8; i > 0; i--)
        VE__UNROLL
    for (unsigned r = 0; r < 4; r++) {
        vec a, b;
        vec_next_two(&p[r], &a, &b);
        add_deviation(a, about[r], &sum[r], &squares[r]);
        add_deviation(b, about[r], &sum[r], &squares[r]);
    }
    if (whole % 8)
        VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        add_deviation(vec_load(p[r]), about[r], &sum[r], &squares[r]);
}

/* The second pass also adds up the differences from the first pass's mean: their mean is its rounding error,
 * which is not small beside the deviations of a nearly constant row. */
static void norm_terms(norm_four *f, unsigned n, const ve__norm_rule *rule)
{
    vec sum[4], squares[4], about[4], mean = vec_zero(), count = vec_set1((float)n);
    if (rule->about_mean) {
        add_all(f, n, sum);
        mean = vdivq_f32(vec_sums(sum), count);
    }
    vec_spread(mean, about);
    add_deviations(f, n, about, sum, squares);
    vec error = vdivq_f32(vec_sums(sum), count), total = vec_sums(squares);
    if (rule->about_mean)
        total = vec_sub(total, vec_mul(vec_mul(error, error), count));
    f->shift = rule->subtract_mean ? vec_add(mean, error) : vec_zero();
    vec variance =
        vec_add(vec_mul(vec_max(total, vec_zero()), vec_set1(rule->inverse_count)), vec_set1(rule->eps));
    f->factor = vdivq_f32(vec_set1(1.0f), vsqrtq_f32(variance));
}

#endif
