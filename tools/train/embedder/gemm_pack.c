/* SPDX-License-Identifier: MIT */
/* The bfloat16 layouts of gemm.h: tiles of 16 columns by 16 pairs of K. */
#include "gemm.h"

/* Transposes 16 x 16 lanes of 32 bits in four rounds of pairwise exchanges. */
INLINE void transpose16(__m512i *r)
{
    __m512i t[16];
    UNROLL(8)
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    UNROLL(4)
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLL(4)
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLL(4)
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

INLINE void store_tile(operand *to, const __m512i *rows)
{
    for (int i = 0; i < 16; i++)
        _mm512_storeu_si512(to + i * 32, rows[i]);
}

INLINE __m512i pairs_of_operands(const operand *a, const operand *b)
{
    __m512i x = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)a));
    __m512i y = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)b));
    return _mm512_or_si512(x, _mm512_slli_epi32(y, 16));
}

void gemm_pack_kn(operand *packed, const float *source, long source_stride, long k, long n)
{
    for (long tile = 0; tile < n / 16; tile++)
        for (long step = 0; step < k / 32; step++) {
            operand *to = packed + (tile * (k / 32) + step) * TILE;
            for (long pair = 0; pair < 16; pair++) {
                const float *row = source + (step * 32 + 2 * pair) * source_stride + tile * 16;
                _mm512_storeu_si512(to + pair * 32, operand_pairs(load(row), load(row + source_stride)));
            }
        }
}

void gemm_pack_nk(operand *packed, const float *source, long source_stride, long k, long n)
{
    __m512i t[16];
    for (long tile = 0; tile < n / 16; tile++)
        for (long step = 0; step < k / 32; step++) {
            for (long i = 0; i < 16; i++) {
                const float *row = source + (tile * 16 + i) * source_stride + step * 32;
                t[i] = operand_pack(load(row), load(row + 16));
            }
            transpose16(t);
            store_tile(packed + (tile * (k / 32) + step) * TILE, t);
        }
}

void gemm_left_floats(operand *left, long panels, long panel, long m, const float *source, long source_stride)
{
    __m512i t[16];
    for (long tile = 0; tile < m / 16; tile++) {
        for (long i = 0; i < 16; i++) {
            const float *row = source + 2 * i * source_stride + tile * 16;
            t[i] = operand_pairs(load(row), load(row + source_stride));
        }
        transpose16(t);
        store_tile(left + (tile * panels + panel) * TILE, t);
    }
}

void gemm_left_operands(operand *left, long panels, long panel, long m, const operand *source,
                        long source_stride)
{
    __m512i t[16];
    for (long tile = 0; tile < m / 16; tile++) {
        for (long i = 0; i < 16; i++) {
            const operand *row = source + 2 * i * source_stride + tile * 16;
            t[i] = pairs_of_operands(row, row + source_stride);
        }
        transpose16(t);
        store_tile(left + (tile * panels + panel) * TILE, t);
    }
}

void gemm_right_operands(operand *right, long n, long panel, const operand *source, long source_stride)
{
    operand *to = right + panel * PANEL * n;
    for (long tile = 0; tile < n / 16; tile++, to += TILE)
        for (long i = 0; i < 16; i++) {
            const operand *row = source + 2 * i * source_stride + tile * 16;
            _mm512_storeu_si512(to + i * 32, pairs_of_operands(row, row + source_stride));
        }
}
