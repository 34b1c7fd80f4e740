/* SPDX-License-Identifier: MIT */
/*
 * The dense layers for AVX2 and AVX-512. Included once per instruction set, after its vec_*.h and
 * rows_template.h. Panels, packed weights and tiles are those of tile_x86_template.h: a word is a float, the
 * header the bias, each sum starts with the bias and adds one fused multiply-add for each k; what multiply_gelu
 * makes goes into the next panel by whole vectors.
 */

typedef struct product {
    unsigned rows, n;
    const float *const *residual; /* multiply */
    float *const *out;
    float *panel_out; /* multiply_gelu; NULL for multiply */
    float *square_sums;
} product;

#define HEADER      1u
#define MAX_VECTORS 3u
typedef float word;
typedef vec acc;
#define acc_load  vec_load
#define acc_store vec_store
#define acc_word  vec_set1
#define acc_start vec_load
#define acc_add   vec_fma
#if VEC_LANES == 16
#define STEPS 1u
typedef half half_acc;
#define half_acc_load           half_load
#define half_acc_start          half_load
#define half_acc_add(x, w, sum) half_fma(_mm512_castps512_ps256(x), w, sum)
#define half_acc_widen          half_widen
#else
#define STEPS 8u
#endif

#include "kernels/tile_x86_template.h"

static size_t packed_bytes(unsigned k, unsigned n)
{
    return all_columns_bytes(k, n);
}

/* 8 x 8 values, transposed. */
static VE__INLINE void transpose_8x8(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    __m256 a[8], b[8];
    VE__UNROLL
    for (unsigned i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps(from + i * from_stride);
    VE__UNROLL
    for (unsigned i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    VE__UNROLL
    for (unsigned i = 0; i < 8; i += 4)
        VE__UNROLL
    for (unsigned j = 0; j < 2; j++) {
        a[i + 2 * j] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0x44);
        a[i + 2 * j + 1] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0xee);
    }
    VE__UNROLL
    for (unsigned i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

/* weights [columns <= 8][k] -> to [k][8] at a distance of `stride`. */
static void pack_unit(const float *weights, unsigned columns, unsigned k, float *to, size_t stride)
{
    unsigned i = 0;
    for (; columns == UNIT && i + UNIT <= k; i += UNIT)
        transpose_8x8(weights + i, k, to + i * stride, stride);
    for (; i < k; i++)
        for (unsigned j = 0; j < UNIT; j++)
            to[i * stride + j] = j < columns ? weights[(size_t)j * k + i] : 0.0f;
}

static VE__COLD void pack(const float *weights, const float *bias, unsigned k, unsigned n, void *packed)
{
    float *to = packed;
    memset(packed, 0, packed_bytes(k, n));
    for (unsigned first = 0; first < n;) {
        unsigned units = column_units(n - first), width = units * UNIT;
        for (unsigned j = 0; bias && j < width && first + j < n; j++)
            to[j] = bias[first + j];
        for (unsigned j = 0; j < width && first + j < n; j += UNIT) {
            unsigned columns = n - first - j < UNIT ? n - first - j : UNIT;
            pack_unit(weights + (size_t)(first + j) * k, columns, k, to + width + j, width);
        }
        to += column_words(k, units);
        first += width;
    }
}

/* ---- panels */

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return (size_t)rows * ((k + VEC_LANES - 1) / VEC_LANES * VEC_LANES) * sizeof(float) + PANEL_SLACK;
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    float *to = panel;
    unsigned whole = WHOLE(k), rest = k - whole;
    for (unsigned i = 0; i < whole; i += VEC_LANES)
        for (unsigned r = 0; r < rows; r++, to += VEC_LANES)
            vec_store(to, vec_load(x + r * stride + i));
    for (unsigned r = 0; rest && r < rows; r++, to += VEC_LANES)
        vec_store(to, vec_load_part(x + r * stride + whole, rest));
}

/* `count` rows (a constant) from row `first` on. */
static VE__INLINE void panel_norm_rows(const float *x, size_t stride, unsigned count, unsigned rows, unsigned k,
                                       const ve__norm_rule *rule, float *to)
{
    unsigned whole = WHOLE(k), rest = k - whole;
    vec shift[NORM_ROWS], factor[NORM_ROWS];
    norm_terms(x, stride, count, k, rule, shift, factor);
    for (unsigned i = 0; i < whole; i += VEC_LANES, to += (size_t)rows * VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < count; r++)
        vec_store(to + r * VEC_LANES, vec_mul(vec_sub(vec_load(x + r * stride + i), shift[r]), factor[r]));
    VE__UNROLL
    for (unsigned r = 0; r < count; r++)
        if (rest) {
            vec v = vec_sub(vec_load_part(x + r * stride + whole, rest), shift[r]);
            vec_store(to + r * VEC_LANES, vec_keep(vec_mul(v, factor[r]), rest));
        }
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       void *panel)
{
    float *to = panel;
    unsigned r = 0;
    for (; r + NORM_ROWS <= rows; r += NORM_ROWS)
        panel_norm_rows(x + r * stride, stride, NORM_ROWS, rows, k, rule, to + (size_t)r * VEC_LANES);
    for (; r < rows; r++)
        panel_norm_rows(x + r * stride, stride, 1, rows, k, rule, to + (size_t)r * VEC_LANES);
}

static void panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    float *at = panel;
    for (unsigned i = 0; i < k; i += VEC_LANES) {
        vec s = k - i < VEC_LANES ? vec_load_part(scale + i, k - i) : vec_load(scale + i);
        for (unsigned r = 0; r < rows; r++, at += VEC_LANES)
            vec_store(at, vec_mul(vec_load(at), s));
    }
}

/* ---- what becomes of a tile's sums */

/* Rows of the output; lanes that the padded row has not are left out. */
static void finish_rows(const product *to, const float *sums, unsigned vectors, unsigned first_row,
                        unsigned rows, unsigned column)
{
    unsigned end = ve__padded(to->n);
    for (unsigned r = first_row; r < first_row + rows; r++)
        for (unsigned v = 0; v < vectors; v++, sums += VEC_LANES) {
            unsigned at = column + v * VEC_LANES, n = end - at < VEC_LANES ? end - at : VEC_LANES;
            if (at >= end)
                continue;
            vec sum = vec_load(sums);
            if (to->residual)
                sum = vec_add(sum, load_n(to->residual[r] + at, n));
            store_n(to->out[r] + at, sum, n);
        }
}

/* A panel; the squares are added row by row. */
static void finish_gelu(const product *to, const float *sums, unsigned vectors, unsigned first_row,
                        unsigned rows, unsigned column)
{
    for (unsigned v = 0; v < vectors && column < to->n; v++, column += VEC_LANES) {
        float *out = to->panel_out + (size_t)column * to->rows + (size_t)first_row * VEC_LANES;
        unsigned n = to->n - column < VEC_LANES ? to->n - column : VEC_LANES;
        const float *from = sums + v * VEC_LANES;
        vec squares = to->square_sums ? load_n(to->square_sums + column, n) : vec_zero();
        for (unsigned r = 0; r < rows; r++, from += vectors * VEC_LANES, out += VEC_LANES) {
            vec y = vec_gelu(vec_load(from));
            vec_store(out, y);
            squares = vec_fma(y, y, squares);
        }
        if (to->square_sums)
            store_n(to->square_sums + column, squares, n);
    }
}

static void finish(const product *to, const float *sums, const float *packed, unsigned width, unsigned vectors,
                   unsigned first_row, unsigned rows, unsigned column)
{
    (void)packed, (void)width; /* the bias is in the sums already */
    if (to->panel_out)
        finish_gelu(to, sums, vectors, first_row, rows, column);
    else
        finish_rows(to, sums, vectors, first_row, rows, column);
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    const product to = {rows, n, residual, out, NULL, NULL};
    multiply_all(panel, k, packed, &to);
    for (unsigned r = 0; n % UNIT && r < rows; r++) /* sums of infinities may have left NaN there */
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums)
{
    const product to = {rows, n, NULL, NULL, panel_out, square_sums};
    multiply_all(panel, k, packed, &to);
}
