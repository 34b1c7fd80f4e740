/* SPDX-License-Identifier: MIT */
/*
 * The 8-bit dense layers for AVX2 and AVX-512 with VNNI, over tile_x86_template.h. Included once per
 * instruction set, after its vec_*.h and
 *
 *     WORD_CODES            codes in a word: 4 bytes, or 2 of 16 bits
 *     code, stored_zero     uint8_t: code + 128, zero + 128; int16_t: code - zero, 0
 *     acc ...               what the tile wants
 *     vec_most(v)           the largest of the lanes
 *     weight                int8_t or int16_t, as many in a word
 *     codes_16(a, b, zero, to)    16 rounded values (b: the upper eight, where vectors have eight lanes)
 *     acc_minus, sums_to_floats
 *
 * A panel is the rows' scales, their zero points (0 where the codes are centred), and the words. The header of
 * a column panel is scales, biases and sums of the weights; the sums times a row's zero point are taken from
 * its sums when these are finished: all of it integers, so the order does not matter.
 */
#include <string.h>

#include "base/memory.h"
#include "kernels/gelu_i8.h"
#include "kernels/kernels.h"
#include "kernels/norm_template.h"

typedef struct product {
    unsigned rows, n;
    const float *scale; /* [rows] */
    const int32_t *zero;
    const float *const *residual; /* multiply */
    float *const *out;
    float *gelu_out; /* multiply_gelu; NULL for multiply */
    size_t stride;
    float *square_sums;
} product;

#define HEADER 3u
typedef int32_t word;

#include "kernels/tile_x86_template.h"

#define WORDS(k) (((k) + WORD_CODES - 1) / WORD_CODES)

/* ---- weights */

static size_t packed_bytes(unsigned k, unsigned n)
{
    return all_columns_bytes(WORDS(k), n);
}

/* weights [columns][k] -> words [k / WORD_CODES][width], and their sums. */
static void pack_columns(const int8_t *weights, unsigned columns, unsigned k, unsigned width, int32_t *sums,
                         weight *to)
{
    for (unsigned j = 0; j < columns; j++, weights += k)
        for (unsigned i = 0; i < k; i++) {
            to[((size_t)(i / WORD_CODES) * width + j) * WORD_CODES + i % WORD_CODES] = weights[i];
            sums[j] += weights[i];
        }
}

static void pack(const int8_t *weights, const float *scale, const float *bias, unsigned k, unsigned n,
                 void *packed)
{
    word *to = packed;
    memset(packed, 0, packed_bytes(k, n));
    for (unsigned first = 0; first < n;) {
        unsigned units = column_units(n - first), width = units * UNIT;
        unsigned columns = n - first < width ? n - first : width;
        memcpy(to, scale + first, columns * sizeof *scale);
        if (bias)
            memcpy(to + width, bias + first, columns * sizeof *bias);
        pack_columns(weights + (size_t)first * k, columns, k, width, to + 2 * width,
                     (weight *)(void *)(to + HEADER * width));
        to += column_words(WORDS(k), units);
        first += width;
    }
}

/* ---- panels */

typedef struct panel_parts {
    float *scale;
    int32_t *zero;
    word *words;
} panel_parts;

static size_t row_terms_bytes(unsigned rows)
{
    return ve__round_up(rows * (sizeof(float) + sizeof(int32_t)), VE__ALIGN);
}

static panel_parts parts_of(const void *panel, unsigned rows)
{
    panel_parts p;
    p.scale = (float *)panel;
    p.zero = (int32_t *)(p.scale + rows);
    p.words = (word *)(void *)((unsigned char *)panel + row_terms_bytes(rows));
    return p;
}

static size_t panel_bytes(unsigned rows, unsigned k)
{
    size_t blocks = (WORDS((size_t)k) + VEC_LANES - 1) / VEC_LANES;
    return row_terms_bytes(rows) + blocks * rows * VEC_LANES * sizeof(word) + PANEL_SLACK;
}

/* A row before rounding: value i is x[i], or, where the row is not plain, (x[i] - shift) * factor * factors[i].
 */
typedef struct row_source {
    const float *x;
    const float *factors; /* NULL: ones */
    vec shift, factor;
} row_source;

/* Lanes behind the row hold 0. */
static VE__INLINE vec load_some(const float *p, unsigned i, unsigned k)
{
    return i + VEC_LANES <= k ? vec_load(p + i) : i < k ? vec_load_part(p + i, k - i) : vec_zero();
}

/* Lanes behind the row hold anything. */
static VE__INLINE vec value_at(const row_source *row, int is_plain, unsigned i, unsigned k)
{
    vec x = load_some(row->x, i, k);
    if (is_plain)
        return x;
    x = vec_mul(vec_sub(x, row->shift), row->factor);
    return row->factors ? vec_mul(x, load_some(row->factors, i, k)) : x;
}

static VE__INLINE ve__range range_of(const row_source *row, int is_plain, unsigned k)
{
    vec low = vec_zero(), high = vec_zero();
    for (unsigned i = 0; i + VEC_LANES <= k; i += VEC_LANES) {
        vec v = value_at(row, is_plain, i, k);
        low = vec_min(v, low);
        high = vec_max(v, high);
    }
    if (k % VEC_LANES) {
        vec v = vec_keep(value_at(row, is_plain, WHOLE(k), k), k % VEC_LANES);
        low = vec_min(v, low);
        high = vec_max(v, high);
    }
    ve__range range = {0.0f - vec_most(vec_sub(vec_zero(), low)), vec_most(high)};
    return range;
}

static __attribute__((noinline)) ve__range range_of_floats(const float *x, unsigned k)
{
    row_source row = {x, NULL, vec_zero(), vec_zero()};
    return range_of(&row, 1, k);
}

/* Words of one row; those of a block are `rows` times VEC_LANES words from the next block's. */
static VE__INLINE void write_codes(const row_source *row, int is_plain, unsigned k, float inverse, int32_t zero,
                                   unsigned rows, word *to)
{
    const unsigned block = VEC_LANES * WORD_CODES;
    vec scale = vec_set1(inverse);
    for (unsigned i = 0; i < k; i += 16) {
        vec a = vec_mul(value_at(row, is_plain, i, k), scale), b = a;
        if (VEC_LANES == 8)
            b = vec_mul(value_at(row, is_plain, i + 8, k), scale);
        codes_16(a, b, zero, (code *)(void *)(to + (size_t)(i / block) * rows * VEC_LANES) + i % block);
    }
}

static VE__INLINE void write_row(const row_source *row, int is_plain, unsigned k, ve__range range,
                                 const panel_parts *p, unsigned r, unsigned rows)
{
    float width = range.high - range.low;
    int is_flat = width < VE__I8_SMALLEST;
    float inverse = is_flat ? 0.0f : 255.0f / width;
    int32_t below = _mm_cvtss_si32(_mm_set_ss(range.low * inverse));
    int32_t zero =
        -128 - (below < -255 ? -255 : below); /* of a row with NaN or infinities it may be anything */
    p->scale[r] = is_flat ? 0.0f : width / 255.0f;
    p->zero[r] = stored_zero(zero);
    write_codes(row, is_plain, k, inverse, zero, rows, p->words + (size_t)r * VEC_LANES);
}

/* Out of line: the code is long. */
static __attribute__((noinline)) void write_plain(const float *x, unsigned k, const ve__range *range,
                                                  const panel_parts *p, unsigned r, unsigned rows)
{
    row_source row = {x, NULL, vec_zero(), vec_zero()};
    write_row(&row, 1, k, range ? *range : range_of_floats(x, k), p, r, rows);
}

static __attribute__((noinline)) void write_other(const row_source *row, unsigned k, const panel_parts *p,
                                                  unsigned r, unsigned rows)
{
    write_row(row, 0, k, range_of(row, 0, k), p, r, rows);
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, const float *factor,
                        const ve__range *ranges, void *panel)
{
    panel_parts p = parts_of(panel, rows);
    for (unsigned r = 0; r < rows; r++) {
        row_source row = {x + r * stride, factor, vec_zero(), vec_set1(1.0f)};
        if (factor)
            write_other(&row, k, &p, r, rows);
        else
            write_plain(row.x, k, ranges ? &ranges[r] : NULL, &p, r, rows);
    }
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       const float *factor, void *panel)
{
    panel_parts p = parts_of(panel, rows);
    vec shifts[NORM_ROWS], factors[NORM_ROWS];
    for (unsigned r = 0; r < rows; r++) {
        unsigned i = r % NORM_ROWS;
        if (i == 0 && rows - r >= NORM_ROWS)
            norm_terms(x + r * stride, stride, NORM_ROWS, k, rule, shifts, factors);
        else if (r - i + NORM_ROWS > rows)
            norm_terms(x + r * stride, stride, 1, k, rule, shifts + i, factors + i);
        row_source row = {x + r * stride, factor, shifts[i], factors[i]};
        write_other(&row, k, &p, r, rows);
    }
}

/* ---- what becomes of a tile's sums */

/* For VEC_LANES columns. */
typedef struct column_terms {
    vec scale, bias;
    acc sum;
} column_terms;

static VE__INLINE vec dense_value(const product *to, const column_terms *c, const word *sums, unsigned row)
{
    acc sum = acc_minus(acc_load(sums), c->sum, to->zero[row]);
    return vec_fma(sums_to_floats(sum), vec_mul(vec_set1(to->scale[row]), c->scale), c->bias);
}

/* VEC_LANES columns, or the first n of them. */
static VE__INLINE void finish_rows(const product *to, const column_terms *c, const word *sums, size_t apart,
                                   unsigned first, unsigned rows, unsigned at, unsigned n)
{
    for (unsigned r = first; r < first + rows; r++, sums += apart) {
        vec v = dense_value(to, c, sums, r);
        if (to->residual)
            v = vec_add(v, load_n(to->residual[r] + at, n));
        store_n(to->out[r] + at, v, n);
    }
}

static VE__INLINE void finish_gelu(const product *to, const column_terms *c, const word *sums, size_t apart,
                                   unsigned first, unsigned rows, unsigned at, unsigned n)
{
    float *out = to->gelu_out + first * to->stride + at;
    for (unsigned r = first; r < first + rows; r++, sums += apart, out += to->stride)
        store_n(out, gelu_i8(dense_value(to, c, sums, r)), n);
}

static void add_squares(const product *to, unsigned first, unsigned rows, unsigned at)
{
    unsigned n = to->n - at < VEC_LANES ? to->n - at : VEC_LANES;
    vec squares = load_n(to->square_sums + at, n);
    for (unsigned r = first; r < first + rows; r++) {
        vec v = load_n(to->gelu_out + r * to->stride + at, n);
        squares = vec_fma(v, v, squares);
    }
    store_n(to->square_sums + at, squares, n);
}

static void finish(const product *to, const word *sums, const word *packed, unsigned width, unsigned vectors,
                   unsigned first_row, unsigned rows, unsigned column)
{
    const float *scale = (const float *)(const void *)packed;
    unsigned end = ve__padded(to->n);
    for (unsigned v = 0; v < vectors; v++, sums += VEC_LANES) {
        unsigned at = column + v * VEC_LANES, i = v * VEC_LANES;
        if (at >= end)
            break;
        column_terms c = {vec_load(scale + i), vec_load(scale + width + i), acc_load(packed + 2 * width + i)};
        unsigned n = end - at < VEC_LANES ? end - at : VEC_LANES, apart = vectors * VEC_LANES;
        if (to->gelu_out && n == VEC_LANES)
            finish_gelu(to, &c, sums, apart, first_row, rows, at, VEC_LANES);
        else if (to->gelu_out)
            finish_gelu(to, &c, sums, apart, first_row, rows, at, n);
        else
            finish_rows(to, &c, sums, apart, first_row, rows, at, n);
        if (to->square_sums)
            add_squares(to, first_row, rows, at);
    }
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    panel_parts p = parts_of(panel, rows);
    const product to = {rows, n, p.scale, p.zero, residual, out, NULL, 0, NULL};
    multiply_all(p.words, WORDS(k), packed, &to);
    for (unsigned r = 0; n % UNIT && r < rows; r++) /* infinite scales may have left NaN there */
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          float *out, size_t stride, ve__range *ranges, float *square_sums)
{
    panel_parts p = parts_of(panel, rows);
    const product to = {rows, n, p.scale, p.zero, NULL, NULL, out, stride, square_sums};
    multiply_all(p.words, WORDS(k), packed, &to);
    for (unsigned r = 0; n % UNIT && r < rows; r++)
        memset(out + r * stride + n, 0, (ve__padded(n) - n) * sizeof(float));
    for (unsigned r = 0; ranges && r < rows; r++)
        ranges[r] = range_of_floats(out + r * stride, n);
}
