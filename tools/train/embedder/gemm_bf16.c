/* SPDX-License-Identifier: MIT */
/* Matrix products by AVX-512's dot products of bfloat16 pairs: 8 rows by up to 3 x 16 columns of sums in
 * registers, so that 11 loads serve 24 products. */
#include "gemm.h"

enum { ROWS = 8, WIDTH = 3 };

typedef __m512bh pairs;

/* Two neighbouring operands of a row in every lane. */
INLINE pairs spread_pair(const operand *p)
{
    int both;
    __builtin_memcpy(&both, p, sizeof both);
    return (pairs)_mm512_set1_epi32(both);
}

INLINE pairs load_pairs(const operand *p)
{
    return (pairs)_mm512_loadu_si512(p);
}

/* 8 rows by width tiles of columns; tiles lie tile_step operands apart. */
INLINE void panel_block(const int width, const operand *rows, long row_stride, const operand *packed,
                        long tile_step, long pair_count, float *out, long out_stride)
{
    v16 sum[ROWS][WIDTH];
    UNROLL(8)
    for (int r = 0; r < ROWS; r++)
        UNROLL(4)
    for (int t = 0; t < width; t++)
        sum[r][t] = zeros();
    for (long k = 0; k < pair_count; k++) {
        pairs w[WIDTH];
        UNROLL(4)
        for (int t = 0; t < width; t++)
            w[t] = load_pairs(packed + t * tile_step + k * 32);
        UNROLL(8)
        for (int r = 0; r < ROWS; r++) {
            pairs x = spread_pair(rows + r * row_stride + k * 2);
            UNROLL(4)
            for (int t = 0; t < width; t++)
                sum[r][t] = _mm512_dpbf16_ps(sum[r][t], x, w[t]);
        }
    }
    UNROLL(8)
    for (int r = 0; r < ROWS; r++)
        UNROLL(4)
    for (int t = 0; t < width; t++)
        store(out + r * out_stride + t * 16, sum[r][t]);
}

/* How many tiles to take when so many are left: 3, but 2 + 2 rather than 3 + 1. */
INLINE long next_width(long left)
{
    return left >= 3 && left != 4 ? 3 : left >= 2 ? 2 : 1;
}

static void panel(const operand *rows, long row_stride, const operand *packed, long k, long used_k, long n,
                  float *out, long out_stride)
{
    long tile_step = k / 32 * TILE, pair_count = (used_k + 1) / 2, tiles = n / 16, width;
    for (long tile = 0; tile < tiles; tile += width) {
        const operand *p = packed + tile * tile_step;
        float *o = out + tile * 16;
        width = next_width(tiles - tile);
        for (long r = 0; r < PANEL; r += ROWS) {
            const operand *a = rows + r * row_stride;
            if (width == 3)
                panel_block(3, a, row_stride, p, tile_step, pair_count, o + r * out_stride, out_stride);
            else if (width == 2)
                panel_block(2, a, row_stride, p, tile_step, pair_count, o + r * out_stride, out_stride);
            else
                panel_block(1, a, row_stride, p, tile_step, pair_count, o + r * out_stride, out_stride);
        }
    }
}

/* 8 columns of left by width tiles of columns of right. */
INLINE void gradient_block(const int width, const operand *left, const operand *right, long steps, long n,
                           float *sums)
{
    v16 sum[ROWS][WIDTH];
    UNROLL(8)
    for (int r = 0; r < ROWS; r++)
        UNROLL(4)
    for (int t = 0; t < width; t++)
        sum[r][t] = load(sums + r * n + t * 16);
    for (long step = 0; step < steps; step++, left += TILE, right += n * PANEL)
        for (long pair = 0; pair < 16; pair++) {
            pairs w[WIDTH];
            UNROLL(4)
            for (int t = 0; t < width; t++)
                w[t] = load_pairs(right + t * TILE + pair * 32);
            UNROLL(8)
            for (int r = 0; r < ROWS; r++) {
                pairs x = spread_pair(left + r * 32 + pair * 2);
                UNROLL(4)
                for (int t = 0; t < width; t++)
                    sum[r][t] = _mm512_dpbf16_ps(sum[r][t], x, w[t]);
            }
        }
    UNROLL(8)
    for (int r = 0; r < ROWS; r++)
        UNROLL(4)
    for (int t = 0; t < width; t++)
        store(sums + r * n + t * 16, sum[r][t]);
}

static void gradient(const operand *left, const operand *right, long m, long n, long rows, float *sum)
{
    long steps = rows / PANEL, tiles = n / 16, width;
    for (long tile = 0; tile < tiles; tile += width) {
        const operand *b = right + tile * TILE;
        width = next_width(tiles - tile);
        for (long column = 0; column < m; column += ROWS) {
            const operand *a = left + column / 16 * steps * TILE + column % 16 * 32;
            float *o = sum + column * n + tile * 16;
            if (width == 3)
                gradient_block(3, a, b, steps, n, o);
            else if (width == 2)
                gradient_block(2, a, b, steps, n, o);
            else
                gradient_block(1, a, b, steps, n, o);
        }
    }
}

static void start_thread(void) {}

const gemm_kernels gemm_bf16 = {"bf16", start_thread, panel, gradient};
