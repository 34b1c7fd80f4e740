/* SPDX-License-Identifier: MIT */
/*
 * The specification of every kernel, in plain C: no vectors, no cleverness beyond several independent sums in
 * the dense loop. The Makefile keeps compilers from vectorising this file, so that tests compare two different
 * computations.
 *
 * Layouts here: packed = bias [n], weights [n][k]; panel = rows x k, row-major.
 */
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"

static size_t packed_bytes(unsigned k, unsigned n)
{
    return ((size_t)k + 1) * n * sizeof(float);
}

static void pack(const float *weights, const float *bias, unsigned k, unsigned n, void *packed)
{
    float *to = packed;
    for (unsigned j = 0; j < n; j++)
        to[j] = bias ? bias[j] : 0.0f;
    memcpy(to + n, weights, (size_t)n * k * sizeof(float));
}

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return (size_t)rows * k * sizeof(float);
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    float *to = panel;
    for (unsigned r = 0; r < rows; r++)
        memcpy(to + (size_t)r * k, x + r * stride, k * sizeof(float));
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
                       void *panel)
{
    float *to = panel;
    for (unsigned r = 0; r < rows; r++, x += stride, to += k) {
        float shift, factor;
        norm_terms(x, k, rule, &shift, &factor);
        for (unsigned j = 0; j < k; j++)
            to[j] = (x[j] - shift) * factor;
    }
}

static void panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    float *to = panel;
    for (unsigned r = 0; r < rows; r++, to += k)
        for (unsigned j = 0; j < k; j++)
            to[j] *= scale[j];
}

/* One row times `count` <= 4 rows of weights: four sums at a time, since one would wait for itself. */
static void dense_columns(const float *a, const float *weights, const float *bias, unsigned k, unsigned count,
                          float *out)
{
    const float *w[4];
    float sum[4];
    for (unsigned j = 0; j < 4; j++) {
        unsigned column = j < count ? j : 0;
        w[j] = weights + (size_t)column * k;
        sum[j] = bias[column];
    }
    for (unsigned i = 0; i < k; i++) {
        sum[0] += a[i] * w[0][i];
        sum[1] += a[i] * w[1][i];
        sum[2] += a[i] * w[2][i];
        sum[3] += a[i] * w[3][i];
    }
    memcpy(out, sum, count * sizeof(float));
}

static void dense_row(const float *a, unsigned k, const void *packed, unsigned n, float *out)
{
    const float *bias = packed, *weights = bias + n;
    for (unsigned j = 0; j < n; j += 4)
        dense_columns(a, weights + (size_t)j * k, bias + j, k, n - j < 4 ? n - j : 4, out + j);
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    for (unsigned r = 0; r < rows; r++)
        for (unsigned j = 0; j < n; j += 4) {
            unsigned count = n - j < 4 ? n - j : 4;
            float sum[4];
            dense_columns((const float *)panel + (size_t)r * k, (const float *)packed + n + (size_t)j * k,
                          (const float *)packed + j, k, count, sum);
            for (unsigned i = 0; i < count; i++)
                out[r][j + i] = sum[i] + (residual ? residual[r][j + i] : 0.0f);
        }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned j = n; j < ve__padded(n); j++)
            out[r][j] = 0.0f;
}

static float gelu_one(float x)
{
    if (x < -8.0f) /* under 1e-14; and -inf times 0 would be NaN */
        return 0.0f;
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}

static void gelu(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = gelu_one(x[i]);
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums)
{
    float *to = panel_out;
    for (unsigned r = 0; r < rows; r++, to += n) {
        dense_row((const float *)panel + (size_t)r * k, k, packed, n, to);
        gelu(to, n);
        for (unsigned j = 0; square_sums && j < n; j++)
            square_sums[j] += to[j] * to[j];
    }
}

/* packed = bias [padded], weights [49][padded]. */
static size_t depthwise_bytes(unsigned channels)
{
    return (size_t)ve__padded(channels) * 50 * sizeof(float);
}

static void depthwise_pack(const float *weights, const float *bias, unsigned channels, void *packed)
{
    unsigned padded = ve__padded(channels);
    float *to = packed;
    memset(to, 0, depthwise_bytes(channels));
    memcpy(to, bias, channels * sizeof(float));
    for (unsigned tap = 0; tap < 49; tap++)
        memcpy(to + (size_t)(1 + tap) * padded, weights + (size_t)tap * channels, channels * sizeof(float));
}

static void depthwise(const float *x, ptrdiff_t row_stride, unsigned ky_first, unsigned ky_end,
                      unsigned channels, const void *packed, unsigned count, float *out)
{
    ptrdiff_t padded = (ptrdiff_t)ve__padded(channels);
    const float *bias = packed, *weights = bias + padded;
    for (unsigned p = 0; p < count; p++, x += padded, out += padded) {
        memcpy(out, bias, (size_t)padded * sizeof(float));
        for (unsigned ky = ky_first; ky < ky_end; ky++)
            for (unsigned kx = 0; kx < 7; kx++) {
                const float *from = x + ((ptrdiff_t)ky - 3) * row_stride + ((ptrdiff_t)kx - 3) * padded;
                const float *w = weights + (ptrdiff_t)(ky * 7 + kx) * padded;
                for (ptrdiff_t c = 0; c < padded; c++)
                    out[c] += from[c] * w[c];
            }
    }
}

static void norm_rows(const float *x, size_t stride, unsigned rows, unsigned channels,
                      const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                      size_t out_stride)
{
    for (; rows > 0; rows--, x += stride, out += out_stride) {
        float shift, factor;
        norm_terms(x, channels, rule, &shift, &factor);
        for (unsigned c = 0; c < channels; c++)
            out[c] = (x[c] - shift) * factor * (weight ? weight[c] : 1.0f) + (bias ? bias[c] : 0.0f);
    }
}

static void sum_rows(const float *x, unsigned count, unsigned channels, float *sum)
{
    for (unsigned p = 0; p < count; p++, x += ve__padded(channels))
        for (unsigned c = 0; c < channels; c++)
            sum[c] += x[c];
}

static void pixels(const uint8_t *rgb, size_t count, const float scale[3], const float shift[3], float *out)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = (float)rgb[3 * i + c] * scale[c] + shift[c];
}

static int interleave(const float *planes, size_t count, float *out)
{
    int finite = 1;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++) {
            float value = planes[c * count + i];
            out[3 * i + c] = value;
            finite &= value - value == 0.0f;
        }
    return finite;
}

static void half_to_float(const uint16_t *x, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = ve__half_to_float(x[i]);
}

static float dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

void ve__kernels_fill_scalar(ve__kernels *table)
{
    static const ve__kernels scalar = {
        .name = "scalar",
        .dense_f32 = {packed_bytes, pack, panel_bytes, panel_write, panel_norm, panel_scale, multiply,
                      multiply_gelu, 1},
        .depthwise_bytes = depthwise_bytes,
        .depthwise_pack = depthwise_pack,
        .depthwise = depthwise,
        .norm_rows = norm_rows,
        .sum_rows = sum_rows,
        .gelu = gelu,
        .pixels = pixels,
        .interleave = interleave,
        .half_to_float = half_to_float,
        .dot = dot,
    };
    *table = scalar;
}
