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

/* The sums of four vectors' lanes, in the order that kernels.h tells. */
static VE__INLINE vec vec_sums(const vec v[4])
{
    float64x2_t a = vreinterpretq_f64_f32(v[0]), b = vreinterpretq_f64_f32(v[1]);
    float64x2_t c = vreinterpretq_f64_f32(v[2]), d = vreinterpretq_f64_f32(v[3]);
    vec ab = vec_add(vreinterpretq_f32_f64(vuzp1q_f64(a, b)), vreinterpretq_f32_f64(vuzp2q_f64(a, b)));
    vec cd = vec_add(vreinterpretq_f32_f64(vuzp1q_f64(c, d)), vreinterpretq_f32_f64(vuzp2q_f64(c, d)));
    return vpaddq_f32(ab, cd);
}

static VE__INLINE void vec_spread(vec v, vec lanes[4])
{
    lanes[0] = vdupq_laneq_f32(v, 0);
    lanes[1] = vdupq_laneq_f32(v, 1);
    lanes[2] = vdupq_laneq_f32(v, 2);
    lanes[3] = vdupq_laneq_f32(v, 3);
}

/* The sixteen partial sums of a row to four. */
static VE__INLINE vec join_parts(const vec part[4])
{
    return vec_add(vec_add(part[0], part[2]), vec_add(part[1], part[3]));
}

/* Four of a row's values behind its last sixteen, of which `rest` are there; zeros behind the end. */
static VE__INLINE vec load_rest(const float *p, unsigned at, unsigned rest)
{
    return rest >= at + 4 ? vec_load(p + at) : rest > at ? vec_load_part(p + at, rest - at) : vec_zero();
}

static VE__INLINE void add_all(const norm_four *f, unsigned n, vec sums[4])
{
    const float *p[4] = {f->row[0], f->row[1], f->row[2], f->row[3]};
    unsigned whole = n / 16 * 16;
    vec part[4][4];
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        VE__UNROLL
    for (unsigned q = 0; q < 4; q++)
        part[r][q] = load_rest(p[r] + whole, 4 * q, n - whole);
    for (unsigned i = n / 16; i > 0; i--)
        VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        VE__UNROLL
    for (unsigned q = 0; q < 4; q += 2) {
        vec a, b;
        vec_next_two(&p[r], &a, &b);
        part[r][q] = vec_add(part[r][q], a);
        part[r][q + 1] = vec_add(part[r][q + 1], b);
    }
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        sums[r] = join_parts(part[r]);
}

static VE__INLINE void add_deviation(vec x, vec about, vec *sum, vec *squares)
{
    vec d = vec_sub(x, about);
    *sum = vec_add(*sum, d);
    *squares = vec_fma(d, d, *squares);
}

/* Of two rows (more would not fit the registers): the sums of differences from `about` and of their squares. */
static VE__INLINE void add_deviations(const float *const row[2], unsigned n, const vec about[2], vec sums[2],
                                      vec squares[2])
{
    const float *p[2] = {row[0], row[1]};
    unsigned whole = n / 16 * 16, rest = n - whole;
    vec part[2][4], square[2][4];
    VE__UNROLL
    for (unsigned r = 0; r < 2; r++)
        VE__UNROLL
    for (unsigned q = 0; q < 4; q++) {
        vec d = vec_sub(load_rest(p[r] + whole, 4 * q, rest), about[r]);
        part[r][q] = rest >= 4 * q + 4 ? d : rest > 4 * q ? vec_keep(d, rest - 4 * q) : vec_zero();
        square[r][q] = vec_mul(part[r][q], part[r][q]);
    }
    for (unsigned i = n / 16; i > 0; i--)
        VE__UNROLL
    for (unsigned r = 0; r < 2; r++)
        VE__UNROLL
    for (unsigned q = 0; q < 4; q += 2) {
        vec a, b;
        vec_next_two(&p[r], &a, &b);
        add_deviation(a, about[r], &part[r][q], &square[r][q]);
        add_deviation(b, about[r], &part[r][q + 1], &square[r][q + 1]);
    }
    VE__UNROLL
    for (unsigned r = 0; r < 2; r++) {
        sums[r] = join_parts(part[r]);
        squares[r] = join_parts(square[r]);
    }
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
    add_deviations(f->row, n, about, sum, squares);
    add_deviations(f->row + 2, n, about + 2, sum + 2, squares + 2);
    vec error = vdivq_f32(vec_sums(sum), count), total = vec_sums(squares);
    if (rule->about_mean)
        total = vec_sub(total, vec_mul(vec_mul(error, error), count));
    f->shift = rule->subtract_mean ? vec_add(mean, error) : vec_zero();
    vec variance =
        vec_add(vec_mul(vec_max(total, vec_zero()), vec_set1(rule->inverse_count)), vec_set1(rule->eps));
    f->factor = vdivq_f32(vec_set1(1.0f), vsqrtq_f32(variance));
}

#endif
