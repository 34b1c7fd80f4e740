/* SPDX-License-Identifier: MIT */
/* What the 8-bit dense layers of both kinds of NEON share: rows rounded to codes, sums made floats again. To be
 * included after vec_neon.h. */
#include <string.h>

#include "kernels/gelu_i8.h"
#include "kernels/kernels.h"
#include "kernels/norm_neon.h"

/* ---- from floats to codes */

/* Four rows and how they are rounded, a row in each lane: code = rint(v * inverse) + zero, where v is x or, of
 * rows to be normalised, (x - shift) * factor, times the caller's factor for this place. */
typedef struct row_sources {
    norm_four from;
    vec inverse, scale;
    int32x4_t zero;
} row_sources;

/* The smallest and the largest of four rows' values and 0, a row in each lane. */
typedef struct row_ranges {
    vec low, high;
} row_ranges;

/* The value that is rounded; every table computes it in this order, which decides about the last bit. is_norm
 * is a constant, and whether there is a factor is known. */
static VE__INLINE vec value_of(vec x, vec shift, vec norm_factor, const vec *factor, int is_norm)
{
    vec v = is_norm ? vec_mul(vec_sub(x, shift), norm_factor) : x;
    return factor ? vec_mul(v, *factor) : v;
}

static VE__INLINE void take_in(vec v, vec *low, vec *high)
{
    *low = vec_min(*low, v);
    *high = vec_max(*high, v);
}

/* Of the values of four rows. is_norm is a constant, and whether there are factors is known. */
static VE__INLINE row_ranges ranges_of(const norm_four *f, unsigned k, const float *factors, int is_norm)
{
    const float *p[4] = {f->row[0], f->row[1], f->row[2], f->row[3]}, *at = factors;
    vec low[4], high[4], shift[4], norm[4], two[2];
    vec_spread(f->shift, shift);
    vec_spread(f->factor, norm);
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        low[r] = high[r] = vec_zero();
    for (unsigned i = k / 8; i > 0; i--) {
        if (factors)
            vec_next_two(&at, &two[0], &two[1]);
        VE__UNROLL
        for (unsigned r = 0; r < 4; r++) {
            vec a, b;
            vec_next_two(&p[r], &a, &b);
            take_in(value_of(a, shift[r], norm[r], factors ? &two[0] : NULL, is_norm), &low[r], &high[r]);
            take_in(value_of(b, shift[r], norm[r], factors ? &two[1] : NULL, is_norm), &low[r], &high[r]);
        }
    }
    for (unsigned i = k / 8 * 8; i < k; i += 4) {
        unsigned count = k - i < 4 ? k - i : 4;
        two[0] = factors ? vec_load_part(factors + i, count) : vec_zero();
        VE__UNROLL
        for (unsigned r = 0; r < 4; r++) {
            vec v = value_of(vec_load_part(f->row[r] + i, count), shift[r], norm[r], factors ? &two[0] : NULL,
                             is_norm);
            take_in(vec_keep(v, count), &low[r], &high[r]); /* lanes without a value count as 0 */
        }
    }
    return (row_ranges){vpminq_f32(vpminq_f32(low[0], low[1]), vpminq_f32(low[2], low[3])),
                        vpmaxq_f32(vpmaxq_f32(high[0], high[1]), vpmaxq_f32(high[2], high[3]))};
}

static VE__INLINE void set_ranges(row_sources *s, row_ranges range)
{
    vec width = vec_sub(range.high, range.low);
    uint32x4_t is_flat = vcltq_f32(width, vec_set1(VE__I8_SMALLEST));
    s->inverse = vbslq_f32(is_flat, vec_zero(), vdivq_f32(vec_set1(255.0f), width));
    s->scale = vbslq_f32(is_flat, vec_zero(), vdivq_f32(width, vec_set1(255.0f)));
    s->zero = vsubq_s32(vdupq_n_s32(-128), vcvtnq_s32_f32(vec_mul(range.low, s->inverse)));
}

/* The caller's ranges of `count` <= 4 rows. */
static VE__INLINE row_ranges given_ranges(const ve__range *ranges, unsigned count)
{
    float low[4], high[4];
    if (count == 4) {
        float32x4x2_t both = vld2q_f32(&ranges->low);
        return (row_ranges){both.val[0], both.val[1]};
    }
    for (unsigned r = 0; r < 4; r++) {
        low[r] = ranges[r < count ? r : 0].low;
        high[r] = ranges[r < count ? r : 0].high;
    }
    return (row_ranges){vec_load(low), vec_load(high)};
}

/* Four rows from x; those past `count` are the first once more, with scale 0. */
static void find_sources(const float *x, size_t stride, unsigned count, unsigned k, const float *factors,
                         const ve__range *ranges, const ve__norm_rule *rule, row_sources *s)
{
    row_ranges range;
    point_to_rows(x, stride, count, s->from.row);
    s->from.shift = s->from.factor = vec_zero();
    if (rule) {
        norm_terms(&s->from, k, rule);
        range = factors ? ranges_of(&s->from, k, factors, 1) : ranges_of(&s->from, k, NULL, 1);
    } else if (ranges)
        range = given_ranges(ranges, count);
    else
        range = factors ? ranges_of(&s->from, k, factors, 0) : ranges_of(&s->from, k, NULL, 0);
    set_ranges(s, range);
    if (count < 4) {
        static const uint32_t index[4] = {0, 1, 2, 3};
        uint32x4_t kept = vcltq_u32(vld1q_u32(index), vdupq_n_u32(count));
        s->scale = vbslq_f32(kept, s->scale, vec_zero());
        s->zero = vandq_s32(s->zero, vreinterpretq_s32_u32(kept));
    }
}

/* What the rows' values are rounded with, each row's spread over a vector. */
typedef struct rounding_terms {
    vec shift[4], norm[4], inverse[4]; /* the first two of rows to be normalised */
    int16x8_t zero[4];
} rounding_terms;

static VE__INLINE void spread_terms(const row_sources *s, rounding_terms *t)
{
    int16x4_t zero = vmovn_s32(s->zero);
    vec_spread(s->from.shift, t->shift);
    vec_spread(s->from.factor, t->norm);
    vec_spread(s->inverse, t->inverse);
    t->zero[0] = vdupq_lane_s16(zero, 0);
    t->zero[1] = vdupq_lane_s16(zero, 1);
    t->zero[2] = vdupq_lane_s16(zero, 2);
    t->zero[3] = vdupq_lane_s16(zero, 3);
}

/* Row r's next eight values, not yet cut to bytes. */
static VE__INLINE int16x8_t round_eight(const float **p, const rounding_terms *t, unsigned r,
                                        const vec *factors, int is_norm)
{
    vec a, b;
    vec_next_two(p, &a, &b);
    a = value_of(a, t->shift[r], t->norm[r], factors, is_norm);
    b = value_of(b, t->shift[r], t->norm[r], factors ? factors + 1 : NULL, is_norm);
    int32x4_t left = vcvtnq_s32_f32(vec_mul(a, t->inverse[r]));
    int32x4_t right = vcvtnq_s32_f32(vec_mul(b, t->inverse[r]));
    int16x8_t both = vuzp1q_s16(vreinterpretq_s16_s32(left), vreinterpretq_s16_s32(right));
    return vaddq_s16(both, t->zero[r]);
}

/* How far the rounding of four rows has come; factors NULL: none. */
typedef struct row_walk {
    const float *row[4], *factors;
    rounding_terms terms;
} row_walk;

static VE__INLINE row_walk start_walk(const row_sources *s, const float *factors)
{
    row_walk walk = {.row = {s->from.row[0], s->from.row[1], s->from.row[2], s->from.row[3]},
                     .factors = factors};
    spread_terms(s, &walk.terms);
    return walk;
}

/* The next eight codes of four rows, but for the cut. is_norm and has_factors are constants. */
static VE__INLINE void round_eights(row_walk *walk, int is_norm, int has_factors, int16x8_t codes[4])
{
    vec factors[2];
    const vec *f = has_factors ? factors : NULL;
    if (has_factors)
        vec_next_two(&walk->factors, &factors[0], &factors[1]);
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        codes[r] = round_eight(&walk->row[r], &walk->terms, r, f, is_norm);
}

/* Up to 4 codes of row r from value i on, and zeros behind them to four. */
static void code_few(const row_sources *s, unsigned r, unsigned i, unsigned count, const float *factors,
                     int is_norm, int8_t *to)
{
    float shift[4], norm[4], inverse[4];
    int32_t zero[4], codes[4];
    vec v = vec_load_part(s->from.row[r] + i, count), f = vec_zero();
    vec_store(shift, s->from.shift);
    vec_store(norm, s->from.factor);
    vec_store(inverse, s->inverse);
    vst1q_s32(zero, s->zero);
    if (factors)
        f = vec_load_part(factors + i, count);
    v = value_of(v, vec_set1(shift[r]), vec_set1(norm[r]), factors ? &f : NULL, is_norm);
    vst1q_s32(codes, vcvtnq_s32_f32(vec_mul(v, vec_set1(inverse[r]))));
    for (unsigned j = 0; j < 4; j++) {
        int32_t code = codes[j] + zero[r];
        to[j] = (int8_t)(j >= count ? 0 : code > 127 ? 127 : code < -128 ? -128 : code);
    }
}

/* ---- from sums to floats */

/* Of 8 columns. */
typedef struct column_floats {
    vec scale[2], bias[2];
} column_floats;

static VE__INLINE column_floats load_column_floats(const float *scale, const float *bias)
{
    column_floats c = {{vec_load(scale), vec_load(scale + 4)}, {vec_load(bias), vec_load(bias + 4)}};
    return c;
}

static VE__INLINE vec sum_to_float(int32x4_t sum, vec row_scale, vec scale, vec bias)
{
    return vec_fma(vcvtq_f32_s32(sum), vec_mul(scale, row_scale), bias);
}

/* `rows` rows of 8 sums to their places. */
static void put_sums(const int32_t *sums, const float *row_scale, const column_floats *c, unsigned rows,
                     unsigned column, const float *const *residual, float *const *out)
{
    for (unsigned r = 0; r < rows; r++, sums += 8) {
        vec scale = vec_set1(row_scale[r]);
        vec left = sum_to_float(vld1q_s32(sums), scale, c->scale[0], c->bias[0]);
        vec right = sum_to_float(vld1q_s32(sums + 4), scale, c->scale[1], c->bias[1]);
        if (residual) {
            left = vec_add(left, vec_load(residual[r] + column));
            right = vec_add(right, vec_load(residual[r] + column + 4));
        }
        vec_store(out[r] + column, left);
        vec_store(out[r] + column + 4, right);
    }
}

static VE__INLINE void put_gelu_row(const int32_t *sums, vec scale, const column_floats *c,
                                    const gelu_i8_constants *g, float *out)
{
    vec left = sum_to_float(vld1q_s32(sums), scale, c->scale[0], c->bias[0]);
    vec right = sum_to_float(vld1q_s32(sums + 4), scale, c->scale[1], c->bias[1]);
    vec_store(out, gelu_i8(left, g));
    vec_store(out + 4, gelu_i8(right, g));
}

static VE__INLINE void put_gelu(const int32_t *sums, const float *row_scale, const column_floats *floats,
                                unsigned rows, float *out, size_t stride)
{
    const column_floats c = *floats;
    gelu_i8_constants g = gelu_i8_load();
    for (; rows >= 4; rows -= 4, sums += 32, row_scale += 4) {
        VE__UNROLL
        for (unsigned r = 0; r < 4; r++, out += stride)
            put_gelu_row(sums + 8 * r, vec_set1(row_scale[r]), &c, &g, out);
    }
    for (; rows > 0; rows--, sums += 8, out += stride)
        put_gelu_row(sums, vec_set1(*row_scale++), &c, &g, out);
}

/* square_sums[j] += the squares of `rows` rows in the first `columns` of 8 columns. */
static void add_squares(const float *out, size_t stride, unsigned rows, unsigned columns, float *square_sums)
{
    float both[8] = {0};
    for (unsigned j = 0; j < 8 && j < columns; j++)
        both[j] = square_sums[j];
    vec left = vec_load(both), right = vec_load(both + 4);
    for (unsigned r = 0; r < rows; r++, out += stride) {
        left = vec_fma(vec_load(out), vec_load(out), left);
        right = vec_fma(vec_load(out + 4), vec_load(out + 4), right);
    }
    vec_store(both, left);
    vec_store(both + 4, right);
    for (unsigned j = 0; j < 8 && j < columns; j++)
        square_sums[j] = both[j];
}

/* Padding and ranges of finished rows. */
static void finish_gelu(float *out, size_t stride, unsigned rows, unsigned n, ve__range *ranges)
{
    unsigned padded = ve__padded(n);
    for (unsigned r = 0; r < rows; r++, out += stride) {
        if (n < padded)
            memset(out + n, 0, (padded - n) * sizeof *out);
        if (!ranges)
            continue;
        vec low = vec_zero(), high = vec_zero();
        unsigned i = 0;
        for (; i + 32 <= padded; i += 32)
            VE__UNROLL
        for (unsigned half = 0; half < 32; half += 16) {
            float32x4x4_t v = vld1q_f32_x4(out + i + half);
            low = vec_min(vec_min(vec_min(low, v.val[0]), vec_min(v.val[1], v.val[2])), v.val[3]);
            high = vec_max(vec_max(vec_max(high, v.val[0]), vec_max(v.val[1], v.val[2])), v.val[3]);
        }
        for (; i < padded; i += 4) {
            low = vec_min(low, vec_load(out + i));
            high = vec_max(high, vec_load(out + i));
        }
        ranges[r].low = vminvq_f32(low);
        ranges[r].high = vmaxvq_f32(high);
    }
}
