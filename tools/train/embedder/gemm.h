/* SPDX-License-Identifier: MIT */
/* Matrix products of the trainer, and the layouts of their operands.
 *
 * Rows of activations come in panels of 32. A weight operand is a K x N matrix. A weight gradient multiplies a
 * "left" operand, a [rows, M] matrix used transposed, by a "right" one, [rows, N]; both are filled panel by
 * panel. K and rows are multiples of 32, M and N of 16. In bfloat16 a tile holds 16 columns and 16 pairs of K
 * (1 KiB), which both AMX tiles and AVX-512 dot products of pairs read as it is. */
#ifndef TRAIN_GEMM_H
#define TRAIN_GEMM_H

#include "vector.h"

enum { PANEL = 32, TILE = 512 };

typedef struct gemm_kernels {
    const char *name;
    void (*start_thread)(void); /* once in every thread that multiplies */
    /* out [32, n] = rows [32, k] x packed [k, n]. Of k only the first used_k are not zero. */
    void (*panel)(const operand *rows, long row_stride, const operand *packed, long k, long used_k, long n,
                  float *out, long out_stride);
    /* sum [m, n] += left^T x right over rows rows. */
    void (*gradient)(const operand *left, const operand *right, long m, long n, long rows, float *sum);
} gemm_kernels;

/* The fastest that this CPU has, or the named one: amx, bf16; f32 in the program built with TRAIN_F32. NULL
 * where there is none. */
const gemm_kernels *gemm_choose(const char *name);

/* Packs a weight operand from a matrix [k][n], or from its transpose [n][k]. */
void gemm_pack_kn(operand *packed, const float *source, long source_stride, long k, long n);
void gemm_pack_nk(operand *packed, const float *source, long source_stride, long k, long n);

/* Panel number `panel` of a left operand of m columns and `panels` panels. */
void gemm_left_floats(operand *left, long panels, long panel, long m, const float *source, long source_stride);
void gemm_left_operands(operand *left, long panels, long panel, long m, const operand *source,
                        long source_stride);
/* Panel number `panel` of a right operand of n columns. */
void gemm_right_operands(operand *right, long n, long panel, const operand *source, long source_stride);

/* Columns column .. column + 31 of rows row and row + 1 (even) of a panel of a right operand of n columns. */
INLINE void gemm_right_pair(operand *right, long n, long panel, long row, long column, v16 first_low,
                            v16 first_high, v16 second_low, v16 second_high)
{
#ifdef TRAIN_F32
    operand *to = right + (panel * PANEL + row) * n + column;
    operand_store32(to, first_low, first_high);
    operand_store32(to + n, second_low, second_high);
#else
    operand *to = right + panel * PANEL * n + column * PANEL + row * 16;
    _mm512_storeu_si512(to, operand_pairs(first_low, second_low));
    _mm512_storeu_si512(to + TILE, operand_pairs(first_high, second_high));
#endif
}

/* For gemm_choose alone. */
extern const gemm_kernels gemm_amx, gemm_bf16, gemm_f32;
int gemm_amx_is_usable(void);

#endif
