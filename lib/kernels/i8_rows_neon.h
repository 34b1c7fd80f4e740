/* SPDX-License-Identifier: MIT */
/* What the 8-bit dense layers of both kinds of NEON share: rows rounded to codes, sums made floats again. To be
 * included after vec_neon.h. */
#include <string.h>

#include "kernels/gelu_i8.h"
#include "kernels/kernels.h"
#include "kernels/norm_template.h"

/* ---- from floats to codes */

/* A row and how it is rounded: code = rint(v * inverse) + zero, where v is x or, of a row to be normalised,
 * (x - shift) * factor, times the caller's factor for this place. */
typedef struct row_source {
    const float *x;
    float shift, factor, inverse;
    float scale;
    int32_t zero;
} row_source;

static ve__range range_of_row(const float *x, unsigned k, const float *factors)
{
    vec low = vec_zero(), high = vec_zero();
    unsigned i = 0;
    for (; i + 4 <= k; i += 4) {
        vec v = factors ? vec_mul(vec_load(x + i), vec_load(factors + i)) : vec_load(x + i);
        low = vec_min(low, v);
        high = vec_max(high, v);
    }
    ve__range range = {vminvq_f32(low), vmaxvq_f32(high)};
    for (; i < k; i++) {
        float v = factors ? x[i] * factors[i] : x[i];
        range.low = v < range.low ? v : range.low;
        range.high = v > range.high ? v : range.high;
    }
    return range;
}

/* The ranges of `count` <= 4 (a constant) rows (x - shift) * factors, before the row's own factor. */
static VE__INLINE void ranges_of_norm(const row_source *rows, unsigned count, unsigned k, const float *factors,
                                      ve__range *ranges)
{
    vec low[4], high[4], shift[4];
    unsigned i = 0;
    VE__UNROLL
    for (unsigned r = 0; r < count; r++) {
        low[r] = high[r] = vec_zero();
        shift[r] = vec_set1(rows[r].shift);
    }
    for (; i + 4 <= k; i += 4)
        VE__UNROLL
    for (unsigned r = 0; r < count; r++) {
        vec v = vec_sub(vec_load(rows[r].x + i), shift[r]);
        v = factors ? vec_mul(v, vec_load(factors + i)) : v;
        low[r] = vec_min(low[r], v);
        high[r] = vec_max(high[r], v);
    }
    for (unsigned r = 0; r < count; r++) {
        ranges[r].low = vminvq_f32(low[r]);
        ranges[r].high = vmaxvq_f32(high[r]);
        for (unsigned j = i; j < k; j++) {
            float v = (rows[r].x[j] - rows[r].shift) * (factors ? factors[j] : 1.0f);
            ranges[r].low = v < ranges[r].low ? v : ranges[r].low;
            ranges[r].high = v > ranges[r].high ? v : ranges[r].high;
        }
    }
}

static void set_range(row_source *row, ve__range range)
{
    float width = range.high - range.low;
    int is_flat = width < VE__I8_SMALLEST;
    row->inverse = is_flat ? 0.0f : 255.0f / width;
    row->scale = is_flat ? 0.0f : width / 255.0f;
    row->zero = -128 - vcvtns_s32_f32(range.low * row->inverse);
}

/* `count` rows (a constant) to be normalised. */
static VE__INLINE void find_norms(const float *x, size_t stride, unsigned count, unsigned k,
                                  const float *factors, const ve__norm_rule *rule, row_source *rows)
{
    vec shift[4], factor[4];
    ve__range ranges[4];
    norm_terms(x, stride, count, k, rule, shift, factor);
    for (unsigned r = 0; r < count; r++) {
        rows[r].x = x + r * stride;
        rows[r].shift = vgetq_lane_f32(shift[r], 0);
        rows[r].factor = vgetq_lane_f32(factor[r], 0);
    }
    if (factors)
        ranges_of_norm(rows, count, k, factors, ranges);
    else
        ranges_of_norm(rows, count, k, NULL, ranges);
    for (unsigned r = 0; r < count; r++) {
        ranges[r].low *= rows[r].factor;
        ranges[r].high *= rows[r].factor;
        set_range(&rows[r], ranges[r]);
    }
}

/* Four rows from x; those past `count` are the first once more, with scale 0. */
static void find_sources(const float *x, size_t stride, unsigned count, unsigned k, const float *factors,
                         const ve__range *ranges, const ve__norm_rule *rule, row_source sources[4])
{
    if (rule && count == 4)
        find_norms(x, stride, 4, k, factors, rule, sources);
    for (unsigned r = 0; rule && count < 4 && r < count; r++)
        find_norms(x + r * stride, stride, 1, k, factors, rule, sources + r);
    for (unsigned r = 0; !rule && r < count; r++) {
        sources[r].x = x + r * stride;
        set_range(&sources[r], ranges ? ranges[r] : range_of_row(sources[r].x, k, factors));
    }
    for (unsigned r = count; r < 4; r++) {
        sources[r] = sources[0];
        sources[r].scale = 0.0f;
        sources[r].zero = 0;
    }
}

static VE__INLINE int32x4_t round_four(const row_source *row, unsigned i, const float *factors, int is_norm)
{
    vec v = vec_load(row->x + i);
    if (is_norm)
        v = vec_mul(vec_sub(v, vec_set1(row->shift)), vec_set1(row->factor * row->inverse));
    if (factors)
        v = vec_mul(v, vec_load(factors + i));
    return vcvtnq_s32_f32(is_norm ? v : vec_mul(v, vec_set1(row->inverse)));
}

/* Sixteen codes of a row. */
static VE__INLINE int8x16_t code_sixteen(const row_source *row, unsigned i, const float *factors, int is_norm)
{
    int16x8_t zero = vdupq_n_s16((int16_t)row->zero);
    int16x8_t left = vmovn_high_s32(vmovn_s32(round_four(row, i, factors, is_norm)),
                                    round_four(row, i + 4, factors, is_norm));
    int16x8_t right = vmovn_high_s32(vmovn_s32(round_four(row, i + 8, factors, is_norm)),
                                     round_four(row, i + 12, factors, is_norm));
    return vqmovn_high_s16(vqmovn_s16(vaddq_s16(left, zero)), vaddq_s16(right, zero));
}

/* Four codes. */
static VE__INLINE void code_four(const row_source *row, unsigned i, const float *factors, int is_norm,
                                 int8_t *to)
{
    int16x4_t half = vqmovn_s32(vaddq_s32(round_four(row, i, factors, is_norm), vdupq_n_s32(row->zero)));
    uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vqmovn_s16(vcombine_s16(half, half))), 0);
    memcpy(to, &four, sizeof four);
}

/* `count` < 4 codes, and zeros behind them to four. */
static void code_tail(const row_source *row, unsigned i, unsigned count, const float *factors, int is_norm,
                      int8_t *to)
{
    for (unsigned j = 0; j < 4; j++) {
        float v = j >= count ? 0.0f : is_norm ? (row->x[i + j] - row->shift) * row->factor : row->x[i + j];
        v = factors && j < count ? v * factors[i + j] : v;
        int32_t code = vcvtns_s32_f32(v * row->inverse) + row->zero;
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
    vec left = vec_zero(), right = vec_zero();
    float both[8];
    for (unsigned r = 0; r < rows; r++, out += stride) {
        left = vec_fma(vec_load(out), vec_load(out), left);
        right = vec_fma(vec_load(out + 4), vec_load(out + 4), right);
    }
    vec_store(both, left);
    vec_store(both + 4, right);
    for (unsigned j = 0; j < 8 && j < columns; j++)
        square_sums[j] += both[j];
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
