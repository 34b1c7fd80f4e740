/* SPDX-License-Identifier: MIT */
/*
 * The kernel table: every inner loop of the library, once per instruction set.
 *
 * Each entry is described here, once: what it computes, layouts, sizes, aliasing. kernels_scalar.c is the
 * specification in plain C; every other table is tested against it (tests/kernels). All entries are pure
 * functions on pointers: no allocation, no locks, no errors. They read and write nothing outside the sizes
 * given, not even when they would not use it.
 *
 * Rows. An activation is a row of `channels` floats per pixel (NHWC). Rows lie in scratch memory with the
 * channels padded to a multiple of VE__LANES; the padding belongs to the row: it is zero in every input, and
 * every kernel that writes a row writes zeros there. ve__padded(channels) is a row's length. Rows are aligned
 * to 32 bytes at least where the net makes them, but no kernel demands alignment.
 *
 * Order of additions. A sum over the input channels k of a dense layer, or over the taps of a convolution, is
 * made in one fixed order for each output element, whatever the number of rows in the call: the same picture
 * gives the same bits however the work is cut into bands and threads.
 */
#ifndef VE_KERNELS_KERNELS_H
#define VE_KERNELS_KERNELS_H

#include "base/status.h"
#include "kernels/dense_i8.h"
#include "kernels/search.h"

#define VE__LANES 8u

static inline unsigned ve__padded(unsigned channels)
{
    return (channels + VE__LANES - 1) / VE__LANES * VE__LANES;
}

/* How a row x of n values is normalised, before any weight (tables with vectors add up 16 partial sums, of the
 * values whose index is the same modulo 16, the row's last n % 16 values first, and join them by halves: i and
 * i + 8, i and i + 4, i and i + 2, the last two):
 *     m   = sum x / n
 *     v   = inverse_count * sum (x - (about_mean ? m : 0))^2        in two passes, never E[x^2] - E[x]^2
 *     out = (x - (subtract_mean ? m : 0)) / sqrt(v + eps)
 * Layer norm: 1, 1, 1/n. RMS norm: 0, 0, 1/n. timm's "simple" norm: 1, 0, 1/(n - 1). */
typedef struct ve__norm_rule {
    int about_mean;
    int subtract_mean;
    float inverse_count;
    float eps;
} ve__norm_rule;

/*
 * Dense layers: out[r][j] = bias[j] + sum_k in[r][k] * weights[j][k], for one element type of the weights.
 *
 * Two layouts are private to a table, so that it can read memory in just the order in which it computes:
 * `packed` weights (made once per model) and a `panel`, the input rows of one call. A panel is made by
 * panel_write, panel_norm or multiply_gelu and used up by multiply or multiply_gelu of the same table, with
 * the same rows and k. Both are VE__ALIGN-aligned.
 */
typedef struct ve__dense {
    /* Bytes of the packed form of weights[n][k] and bias[n]. */
    size_t (*packed_bytes)(unsigned k, unsigned n);
    /* weights: [n][k] row-major, bias: [n] or NULL (zeros). */
    void (*pack)(const float *weights, const float *bias, unsigned k, unsigned n, void *packed);

    size_t (*panel_bytes)(unsigned rows, unsigned k);
    /* panel <- rows of k floats, `stride` floats apart. Only k floats of a row are read. */
    void (*panel_write)(const float *x, size_t stride, unsigned rows, unsigned k, void *panel);
    /* panel <- normalised rows (no weight, no bias: they are folded into the next layer). */
    void (*panel_norm)(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       void *panel);
    /* panel[r][j] *= scale[j]. */
    void (*panel_scale)(void *panel, unsigned rows, unsigned k, const float *scale);

    /* out[r][j] = dense(panel)[r][j] + (residual ? residual[r][j] : 0) for j < n; zeros in the padding behind
     * n. residual and out are `rows` pointers to rows of ve__padded(n) floats; residual[r] == out[r] is
     * allowed, any other overlap is not. */
    void (*multiply)(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out);
    /* panel_out[r][j] = gelu(dense(panel)[r][j]), a panel of rows x n. Where square_sums is not NULL,
     * square_sums[j] += sum over r of panel_out[r][j]^2 (n floats), the rows added in a fixed order. */
    void (*multiply_gelu)(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums);

    /* Rows in the tallest tile: calls whose rows are a multiple of it waste nothing. 1: any number is as good.
     */
    unsigned tile_rows;
} ve__dense;

typedef struct ve__kernels {
    const char
        *name; /* "scalar", "neon", "avx2", "avx512" and, with 8-bit dot products, "neon-dot", "avx512-vnni" */
    ve__dense dense_f32;

    /* Depthwise 7x7 convolution, stride 1: for p < count and every channel c
     *     out[p][c] = bias[c] + sum over ky_first <= ky < ky_end, 0 <= kx < 7 of
     *                 x[(ky - 3) * row_stride + (p + kx - 3) * padded + c] * weights[ky][kx][c]
     * x points at the first output's own pixel; row_stride in floats. Rows of the kernel that lie above or
     * below the picture are left out by ky_first and ky_end; to the left and right the caller keeps three zero
     * pixels. packed: weights [7][7][c] and bias [c] in the table's own order. */
    size_t (*depthwise_bytes)(unsigned channels);
    void (*depthwise_pack)(const float *weights, const float *bias, unsigned channels, void *packed);
    void (*depthwise)(const float *x, ptrdiff_t row_stride, unsigned ky_first, unsigned ky_end,
                      unsigned channels, const void *packed, unsigned count, float *out);

    /* out[r][c] = norm(x[r])[c] * (weight ? weight[c] : 1) + (bias ? bias[c] : 0), rows `stride` and
     * `out_stride` floats apart, both `channels` at least; padding is not written. weight and bias are
     * `channels` floats. out == x with the same stride is allowed. */
    void (*norm_rows)(const float *x, size_t stride, unsigned rows, unsigned channels,
                      const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                      size_t out_stride);
    /* sum[c] += x[p][c] for p = 0 ... count-1 in this order; rows one after the other. */
    void (*sum_rows)(const float *x, unsigned count, unsigned channels, float *sum);
    /* x[i] = x[i] * Phi(x[i]), the erf form: within 2e-6 of the exact value; gelu(-inf) = 0, gelu(inf) = inf,
     * gelu(NaN) = NaN. */
    void (*gelu)(float *x, size_t count);
    /* out[3i + c] = rgb[3i + c] * scale[c] + shift[c] for i < count. */
    void (*pixels)(const uint8_t *rgb, size_t count, const float scale[3], const float shift[3], float *out);
    /* out[3i + c] = planes[c * count + i] for i < count. Returns whether all values are finite. */
    int (*interleave)(const float *planes, size_t count, float *out);
    /* IEEE binary16 to float, exact. */
    void (*half_to_float)(const uint16_t *x, size_t count, float *out);
    /* sum of a[i] * b[i]. */
    float (*dot)(const float *a, const float *b, size_t count);

    /* The dense layers in 8 bits (dense_i8.h). */
    ve__dense_i8 dense_i8;
    /* The store's search (search.h). */
    ve__search_kernels search;
} ve__kernels;

/* The table for this process: the best that the CPU has, or the one that the environment variable
 * VE_FORCE_ISA names ("scalar", "neon", "neon-dot", "avx2", "avx512", "avx512-vnni"). VE_ERR_UNSUPPORTED,
 * naming it, when that one is unknown or this CPU lacks it. Decided once, by the first call. */
ve_status ve__kernels_select(const ve__kernels **kernels);
/* For tests and benchmarks: the tables that this CPU can run, scalar first; NULL past the end. */
const ve__kernels *ve__kernels_available(unsigned index);

/* One per instruction set; each overwrites the entries that it has. */
void ve__kernels_fill_scalar(ve__kernels *table);
void ve__kernels_fill_neon(ve__kernels *table);
void ve__kernels_fill_avx2(ve__kernels *table);
void ve__kernels_fill_avx512(ve__kernels *table);
/* GEMM=openblas builds: replaces the dense kernels by calls of cblas_sgemm. */
void ve__kernels_fill_openblas(ve__kernels *table);

#endif
