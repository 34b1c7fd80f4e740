/* SPDX-License-Identifier: MIT */
/*
 * The dense layers through cblas_sgemm (builds with GEMM=openblas): for comparison, and for machines whose BLAS
 * is better than our kernels.
 *
 * packed = bias [n], weights [n][k]; panel = rows x k, row-major. Two promises of kernels.h are not kept,
 * because sgemm does not make them: a row's bits may depend on the number of rows in the call, and the
 * additions' order is sgemm's. The number of threads is OpenBLAS's own business (OPENBLAS_NUM_THREADS).
 */
#include <cblas.h>
#include <string.h>

#include "kernels/kernels.h"

/* Norms and GELU come from the table that is filled; the best one is filled last, and any will do for all. */
static void (*norm_rows)(const float *x, size_t stride, unsigned rows, unsigned channels,
                         const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                         size_t out_stride);
static void (*gelu)(float *x, size_t count);

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
    for (unsigned r = 0; r < rows; r++)
        memcpy((float *)panel + (size_t)r * k, x + r * stride, k * sizeof(float));
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       void *panel)
{
    norm_rows(x, stride, rows, k, rule, NULL, NULL, panel, k);
}

static void panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    float *at = panel;
    for (unsigned r = 0; r < rows; r++, at += k)
        for (unsigned i = 0; i < k; i++)
            at[i] *= scale[i];
}

/* out [rows][stride] += panel * weights^T */
static void add_product(const float *panel, unsigned rows, unsigned k, const float *weights, unsigned n,
                        float *out, size_t stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)n, (blasint)k, 1.0f, panel,
                (blasint)k, weights, (blasint)k, 1.0f, out, (blasint)stride);
}

/* How many rows from the first on lie at the same distance, and that distance: one call serves them all. */
static unsigned even_rows(float *const *out, unsigned rows, unsigned n, size_t *stride)
{
    unsigned count = 1;
    *stride = n;
    if (rows > 1 && (uintptr_t)out[1] >= (uintptr_t)(out[0] + n))
        *stride = (size_t)((uintptr_t)out[1] - (uintptr_t)out[0]) / sizeof(float);
    while (count < rows && (uintptr_t)out[count] == (uintptr_t)out[count - 1] + *stride * sizeof(float))
        count++;
    return count;
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    const float *bias = packed, *weights = bias + n, *from = panel;
    for (unsigned r = 0; r < rows; r++) {
        for (unsigned j = 0; j < n; j++)
            out[r][j] = bias[j] + (residual ? residual[r][j] : 0.0f);
        for (unsigned j = n; j < ve__padded(n); j++)
            out[r][j] = 0.0f;
    }
    for (unsigned r = 0, count; r < rows; r += count) {
        size_t stride;
        count = even_rows(out + r, rows - r, n, &stride);
        add_product(from + (size_t)r * k, count, k, weights, n, out[r], stride);
    }
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums)
{
    const float *bias = packed;
    float *to = panel_out;
    for (unsigned r = 0; r < rows; r++)
        memcpy(to + (size_t)r * n, bias, n * sizeof(float));
    add_product(panel, rows, k, bias + n, n, to, n);
    gelu(to, (size_t)rows * n);
    for (unsigned r = 0; square_sums && r < rows; r++, to += n)
        for (unsigned j = 0; j < n; j++)
            square_sums[j] += to[j] * to[j];
}

void ve__kernels_fill_openblas(ve__kernels *table)
{
    static const ve__dense dense = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, panel_scale, multiply, multiply_gelu, 1};
    norm_rows = table->norm_rows;
    gelu = table->gelu;
    table->dense_f32 = dense;
}
