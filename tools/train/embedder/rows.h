/* SPDX-License-Identifier: MIT */
/* LayerNorm without its affine part, on rows of channels, and sums over rows. */
#ifndef TRAIN_ROWS_H
#define TRAIN_ROWS_H

#include <math.h>

#include "gemm.h"
#include "shape.h"

#define NORM_EPS 1e-6f

INLINE __mmask16 last_lanes(int channels)
{
    return (__mmask16)(channels % 16 ? (1 << (channels % 16)) - 1 : 0xffff);
}

/* normalised = (row - mean) / deviation as a matrix operand of k numbers, padding zero. Returns 1 / deviation.
 */
INLINE float row_normalise(const float *row, int channels, operand *normalised, int k)
{
    v16 v[LAST / 16], sum = zeros(), squares = zeros();
    int vectors = (channels + 15) / 16, i;
    for (i = 0; i < vectors; i++) {
        v[i] = load(row + i * 16);
        sum = _mm512_add_ps(sum, v[i]);
    }
    v16 mean = spread(_mm512_reduce_add_ps(sum) / (float)channels);
    for (i = 0; i < vectors; i++) {
        v[i] = _mm512_sub_ps(v[i], mean);
        if (i == vectors - 1)
            v[i] = _mm512_maskz_mov_ps(last_lanes(channels), v[i]);
        squares = _mm512_fmadd_ps(v[i], v[i], squares);
    }
    float inverse = 1 / sqrtf(_mm512_reduce_add_ps(squares) / (float)channels + NORM_EPS);
    v16 factor = spread(inverse);
    for (i = 0; i + 1 < vectors; i += 2)
        operand_store32(normalised + i * 16, _mm512_mul_ps(v[i], factor), _mm512_mul_ps(v[i + 1], factor));
    if (i < vectors) {
        operand_store16(normalised + i * 16, _mm512_mul_ps(v[i], factor));
        i++;
    }
    for (; i < k / 16; i++)
        operand_store16(normalised + i * 16, zeros());
    return inverse;
}

/* out = inverse * (d - mean(d) - n * mean(d * n)): the gradient before normalising, padding zero. */
INLINE void row_normalise_backward(const float *d, const operand *n, float inverse, int channels, float *out)
{
    v16 sum = zeros(), product = zeros();
    int vectors = (channels + 15) / 16;
    for (int i = 0; i < vectors; i++) {
        v16 v = load(d + i * 16);
        sum = _mm512_add_ps(sum, v);
        product = _mm512_fmadd_ps(v, operand_load(n + i * 16), product);
    }
    v16 mean = spread(_mm512_reduce_add_ps(sum) / (float)channels);
    v16 slope = spread(_mm512_reduce_add_ps(product) / (float)channels), factor = spread(inverse);
    for (int i = 0; i < vectors; i++) {
        v16 v = _mm512_fnmadd_ps(operand_load(n + i * 16), slope, _mm512_sub_ps(load(d + i * 16), mean));
        v = _mm512_mul_ps(v, factor);
        store(out + i * 16, i == vectors - 1 ? _mm512_maskz_mov_ps(last_lanes(channels), v) : v);
    }
}

/* sums [stride] += the sum of a panel's rows. */
INLINE void panel_sums(const float *rows, int stride, float *sums)
{
    for (int j = 0; j < stride; j += 16) {
        v16 sum = load(sums + j);
        for (int r = 0; r < PANEL; r++)
            sum = _mm512_add_ps(sum, load(rows + r * stride + j));
        store(sums + j, sum);
    }
}

/* Adds a vector to every row of a panel. */
INLINE void panel_add(float *rows, int stride, const float *bias)
{
    for (int r = 0; r < PANEL; r++)
        for (int j = 0; j < stride; j += 16)
            store(rows + r * stride + j, _mm512_add_ps(load(rows + r * stride + j), load(bias + j)));
}

#endif
