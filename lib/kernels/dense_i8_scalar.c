/* SPDX-License-Identifier: MIT */
/*
 * The 8-bit dense layers in plain C: the specification of the others, kept from vectorising like
 * kernels_scalar.c.
 *
 * packed = scale [n], bias [n], column sums [n], weights [n][k]; panel = row terms [rows], codes [rows][k].
 */
#include "kernels/dense_i8.h"

#include <math.h>
#include <string.h>

#include "kernels/gelu_i8.h"
#include "kernels/kernels.h"

typedef struct row_terms {
    float scale;
    int32_t zero;
} row_terms;

static size_t packed_bytes(unsigned k, unsigned n)
{
    return (size_t)n * (2 * sizeof(float) + sizeof(int32_t) + k);
}

static void pack(const int8_t *weights, const float *scale, const float *bias, unsigned k, unsigned n,
                 void *packed)
{
    float *scales = packed, *biases = scales + n;
    int32_t *sums = (int32_t *)(biases + n);
    for (unsigned j = 0; j < n; j++) {
        scales[j] = scale[j];
        biases[j] = bias ? bias[j] : 0.0f;
        sums[j] = 0;
        for (unsigned i = 0; i < k; i++)
            sums[j] += weights[(size_t)j * k + i];
    }
    memcpy(sums + n, weights, (size_t)n * k);
}

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return (size_t)rows * (sizeof(row_terms) + k);
}

/* The nearest integer, ties to even, for |x| < 2^22: behind the addition only the integer is left of the
 * fraction. Unlike a cast it is defined for NaN. */
static int32_t nearest(float x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23 */
    float whole = (x + shift) - shift;
    return whole >= -1024.0f && whole <= 1024.0f ? (int32_t)whole : 0;
}

/* A row before rounding: value i is (x[i] - shift) * factor * (factors ? factors[i] : 1). */
typedef struct row_source {
    const float *x;
    float shift, factor;
    const float *factors;
} row_source;

static float value_at(const row_source *row, unsigned i)
{
    float v = (row->x[i] - row->shift) * row->factor;
    return row->factors ? v * row->factors[i] : v;
}

static ve__range range_of(const row_source *row, unsigned k)
{
    ve__range range = {0, 0};
    for (unsigned i = 0; i < k; i++) {
        float v = value_at(row, i);
        range.low = v < range.low ? v : range.low;
        range.high = v > range.high ? v : range.high;
    }
    return range;
}

static row_terms write_row(const row_source *row, unsigned k, ve__range range, int8_t *codes)
{
    float width = range.high - range.low;
    int is_flat = width < VE__I8_SMALLEST;
    float inverse = is_flat ? 0.0f : 255.0f / width;
    row_terms terms = {is_flat ? 0.0f : width / 255.0f, -128 - nearest(range.low * inverse)};
    for (unsigned i = 0; i < k; i++) {
        int32_t code = nearest(value_at(row, i) * inverse) + terms.zero;
        codes[i] = (int8_t)(code > 127 ? 127 : code < -128 ? -128 : code);
    }
    return terms;
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, const float *factor,
                        const ve__range *ranges, void *panel)
{
    row_terms *terms = panel;
    int8_t *codes = (int8_t *)(terms + rows);
    for (unsigned r = 0; r < rows; r++, codes += k) {
        row_source row = {x + r * stride, 0.0f, 1.0f, factor};
        terms[r] = write_row(&row, k, ranges ? ranges[r] : range_of(&row, k), codes);
    }
}

/* What is to be taken from, and then multiplied with, each value of a row. */
static void norm_terms(const float *x, unsigned n, const ve__norm_rule *rule, float *shift, float *factor)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < n; i++)
        sum += (double)x[i];
    float mean = (float)(sum / n);
    float about = rule->about_mean ? mean : 0.0f;
    for (unsigned i = 0; i < n; i++)
        squares += (double)(x[i] - about) * (double)(x[i] - about);
    *shift = rule->subtract_mean ? mean : 0.0f;
    *factor = (float)(1.0 / sqrt(squares * (double)rule->inverse_count + (double)rule->eps));
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       const float *factor, void *panel)
{
    row_terms *terms = panel;
    int8_t *codes = (int8_t *)(terms + rows);
    for (unsigned r = 0; r < rows; r++, codes += k) {
        row_source row = {x + r * stride, 0.0f, 1.0f, factor};
        norm_terms(row.x, k, rule, &row.shift, &row.factor);
        terms[r] = write_row(&row, k, range_of(&row, k), codes);
    }
}

/* One output of one row. */
static float dense_one(const row_terms *terms, const int8_t *codes, unsigned k, const void *packed, unsigned n,
                       unsigned j)
{
    const float *scales = packed, *biases = scales + n;
    const int32_t *sums = (const int32_t *)(biases + n);
    const int8_t *w = (const int8_t *)(sums + n) + (size_t)j * k;
    int32_t sum = -terms->zero * sums[j];
    for (unsigned i = 0; i < k; i++)
        sum += codes[i] * w[i];
    return fmaf((float)sum, terms->scale * scales[j], biases[j]);
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    const row_terms *terms = panel;
    const int8_t *codes = (const int8_t *)(terms + rows);
    for (unsigned r = 0; r < rows; r++, codes += k) {
        for (unsigned j = 0; j < n; j++) {
            float value = dense_one(terms + r, codes, k, packed, n, j);
            out[r][j] = residual ? value + residual[r][j] : value;
        }
        for (unsigned j = n; j < ve__padded(n); j++)
            out[r][j] = 0.0f;
    }
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          float *out, size_t stride, ve__range *ranges, float *square_sums)
{
    const row_terms *terms = panel;
    const int8_t *codes = (const int8_t *)(terms + rows);
    for (unsigned r = 0; r < rows; r++, codes += k, out += stride) {
        for (unsigned j = 0; j < n; j++) {
            out[j] = gelu_i8(dense_one(terms + r, codes, k, packed, n, j));
            if (square_sums)
                square_sums[j] += out[j] * out[j];
        }
        for (unsigned j = n; j < ve__padded(n); j++)
            out[j] = 0.0f;
        row_source row = {out, 0.0f, 1.0f, NULL};
        if (ranges)
            ranges[r] = range_of(&row, n);
    }
}

void ve__i8_from_row(const float *weights, unsigned k, int8_t *codes, float *scale)
{
    float largest = 0;
    for (unsigned i = 0; i < k; i++)
        largest = fabsf(weights[i]) > largest ? fabsf(weights[i]) : largest;
    int is_zero = largest < VE__I8_SMALLEST;
    float inverse = is_zero ? 0.0f : 127.0f / largest;
    *scale = is_zero ? 1.0f : largest / 127.0f;
    for (unsigned i = 0; i < k; i++)
        codes[i] = (int8_t)nearest(weights[i] * inverse);
}

void ve__i8_fill_scalar(ve__dense_i8 *table)
{
    static const ve__dense_i8 scalar = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, multiply, multiply_gelu, 1, 0};
    *table = scalar;
}
