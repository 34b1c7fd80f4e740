/* SPDX-License-Identifier: MIT */
/*
 * The 8-bit dense layers for NEON with SDOT (ARMv8.2 with ASIMDDP: Cortex-A76 and most that came after it).
 *
 * An SDOT adds to each of four 32-bit sums four products of bytes, so everything lies in fours of k, the last
 * one filled up with zeros. A panel is the rows' scales and the negatives of their zero points, then groups of
 * 12 rows, the last one of 4, 8 or 12: [k / 4][rows of the group][4]. packed is for each 8 columns: scales [8],
 * biases [8], sums of weights [8], weights [k / 4][8][4].
 *
 * A tile is a group by 8 columns: its 24 sums stay in registers for the whole of k, columns in the lanes; a
 * step of 4 k is two loads and 24 SDOTs by element. The tile's loop is written down, as in dense_neon.h: with
 * 29 registers in use compilers spill.
 */
#include "kernels/vec_neon.h"

#include "kernels/i8_rows_neon.h"

#define FOURS(k)      (((size_t)(k) + 3) / 4)
#define CODE_BYTES(k) (FOURS(k) * 4)
#include "kernels/dense_i8_neon_parts.h"

static void pack_columns(const int8_t *weights, unsigned columns, unsigned k, int8_t *to)
{
    for (unsigned j = 0; j < columns; j++, weights += k)
        for (unsigned i = 0; i < k; i++)
            to[(i / 4 * COLUMNS + j) * 4 + i % 4] = weights[i];
}

/* Where the codes of rows r ... r + 3 begin, r a multiple of 4. */
static int8_t *four_rows(int8_t *codes, unsigned k, unsigned r)
{
    return codes + (size_t)(r / GROUP_ROWS * GROUP_ROWS) * FOURS(k) * 4 + (size_t)(r % GROUP_ROWS) * 4;
}

/* Eight codes of each of four rows to their places, the fours of a row `step` bytes apart. */
static VE__INLINE void put_eights(const int16x8_t codes[4], int8_t *to, size_t step)
{
    int32x4_t ab = vreinterpretq_s32_s8(vqmovn_high_s16(vqmovn_s16(codes[0]), codes[1]));
    int32x4_t cd = vreinterpretq_s32_s8(vqmovn_high_s16(vqmovn_s16(codes[2]), codes[3]));
    vst1q_s8(to, vreinterpretq_s8_s32(vuzp1q_s32(ab, cd)));
    vst1q_s8(to + step, vreinterpretq_s8_s32(vuzp2q_s32(ab, cd)));
}

/* Rows r ... r + 3 of a panel. is_norm is a constant, and whether there are factors is known. */
static VE__INLINE void write_four(const row_sources *s, unsigned k, const float *factors, int is_norm,
                                  const panel_parts *p, unsigned rows, unsigned r)
{
    int8_t *to = four_rows(p->codes, k, r);
    size_t step = (size_t)group_width(rows, r) * 4;
    row_walk walk = start_walk(s, factors);
    for (unsigned i = k / 8; i > 0; i--, to += 2 * step) {
        int16x8_t codes[4];
        round_eights(&walk, is_norm, factors != NULL, codes);
        put_eights(codes, to, step);
    }
    for (unsigned i = k / 8 * 8; i < k; i += 4, to += step)
        for (unsigned j = 0; j < 4; j++)
            code_few(s, j, i, k - i < 4 ? k - i : 4, factors, is_norm, to + 4 * j);
}

/* ---- tiles */

#define SDOT(sum, w, a, lane)        "sdot v" #sum ".4s, " #w ".16b, " #a ".4b[" #lane "]\n"
#define ROW(s0, s1, w0, w1, a, lane) SDOT(s0, w0, a, lane) SDOT(s1, w1, a, lane)
#define STEP(w0, w1)                                                                                           \
    "ld1 {v4.4s, v5.4s, v6.4s}, [%[a]], #48\n" ROW(8, 9, w0, w1, v4, 0) ROW(10, 11, w0, w1, v4, 1)             \
        ROW(12, 13, w0, w1, v4, 2) ROW(14, 15, w0, w1, v4, 3) ROW(16, 17, w0, w1, v5, 0)                       \
            ROW(18, 19, w0, w1, v5, 1) ROW(20, 21, w0, w1, v5, 2) ROW(22, 23, w0, w1, v5, 3)                   \
                ROW(24, 25, w0, w1, v6, 0) ROW(26, 27, w0, w1, v6, 1) ROW(28, 29, w0, w1, v6, 2)               \
                    ROW(30, 31, w0, w1, v6, 3)
#define TWO_STEPS "ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [%[b]], #64\n" STEP(v0, v1) STEP(v2, v3)

/* A row's sums begin with minus its zero point times the sums of the weights, v0 and v1. */
#define START(s0, s1, z, lane)                                                                                 \
    "mul v" #s0 ".4s, v0.4s, " #z ".s[" #lane "]\n mul v" #s1 ".4s, v1.4s, " #z ".s[" #lane "]\n"
#define START_ALL                                                                                              \
    START(8, 9, v4, 0)                                                                                         \
    START(10, 11, v4, 1)                                                                                       \
    START(12, 13, v4, 2)                                                                                       \
    START(14, 15, v4, 3)                                                                                       \
    START(16, 17, v5, 0)                                                                                       \
    START(18, 19, v5, 1)                                                                                       \
    START(20, 21, v5, 2)                                                                                       \
    START(22, 23, v5, 3) START(24, 25, v6, 0) START(26, 27, v6, 1) START(28, 29, v6, 2) START(30, 31, v6, 3)

/* sums [12 rows][8 columns], of `fours` > 0 steps */
static VE__INLINE void tile_12(const int8_t *a, const int32_t *minus_zero, size_t fours,
                               const int32_t *column_sums, const int8_t *b, int32_t *sums)
{
    size_t quads = fours / 4, rest = fours % 4;
    __asm__ volatile(
        "ld1 {v0.4s, v1.4s}, [%[s]]\n"
        "ld1 {v4.4s, v5.4s, v6.4s}, [%[z]]\n" START_ALL "cbz %[quads], 2f\n"
        "1:\n" TWO_STEPS TWO_STEPS "subs %[quads], %[quads], #1\n"
        "b.ne 1b\n"
        "2:\n"
        "cbz %[rest], 4f\n"
        "3:\n"
        "ld1 {v0.4s, v1.4s}, [%[b]], #32\n" STEP(
            v0, v1) "subs %[rest], %[rest], #1\n"
                    "b.ne 3b\n"
                    "4:\n"
                    "stp q8, q9, [%[to]]\n stp q10, q11, [%[to], #32]\n stp q12, q13, [%[to], #64]\n"
                    "stp q14, q15, [%[to], #96]\n stp q16, q17, [%[to], #128]\n stp q18, q19, [%[to], #160]\n"
                    "stp q20, q21, [%[to], #192]\n stp q22, q23, [%[to], #224]\n stp q24, q25, [%[to], #256]\n"
                    "stp q26, q27, [%[to], #288]\n stp q28, q29, [%[to], #320]\n stp q30, q31, [%[to], #352]\n"
        : [a] "+r"(a), [b] "+r"(b), [quads] "+r"(quads), [rest] "+r"(rest)
        : [s] "r"(column_sums), [z] "r"(minus_zero), [to] "r"(sums)
        : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",
          "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
          "v31", "cc", "memory");
}

/* sums [4 rows][8 columns], of a group of `width` rows */
static void tile_4(const int8_t *a, const int32_t *minus_zero, size_t fours, unsigned width,
                   const int32_t *column_sums, const int8_t *b, int32_t *sums)
{
    int32x4_t left[4], right[4], s0 = vld1q_s32(column_sums), s1 = vld1q_s32(column_sums + 4);
    for (unsigned r = 0; r < 4; r++) {
        left[r] = vmulq_n_s32(s0, minus_zero[r]);
        right[r] = vmulq_n_s32(s1, minus_zero[r]);
    }
    for (; fours > 0; fours--, a += 4 * (size_t)width, b += 32) {
        int8x16_t v = vld1q_s8(a), w0 = vld1q_s8(b), w1 = vld1q_s8(b + 16);
        left[0] = vdotq_laneq_s32(left[0], w0, v, 0);
        right[0] = vdotq_laneq_s32(right[0], w1, v, 0);
        left[1] = vdotq_laneq_s32(left[1], w0, v, 1);
        right[1] = vdotq_laneq_s32(right[1], w1, v, 1);
        left[2] = vdotq_laneq_s32(left[2], w0, v, 2);
        right[2] = vdotq_laneq_s32(right[2], w1, v, 2);
        left[3] = vdotq_laneq_s32(left[3], w0, v, 3);
        right[3] = vdotq_laneq_s32(right[3], w1, v, 3);
    }
    for (unsigned r = 0; r < 4; r++) {
        vst1q_s32(sums + 8 * r, left[r]);
        vst1q_s32(sums + 8 * r + 4, right[r]);
    }
}

/* The integer sums of the group that begins with row r, a multiple of GROUP_ROWS. */
static VE__INLINE void tile(const panel_parts *p, unsigned rows, unsigned r, unsigned k,
                            const column_terms *columns, int32_t *sums)
{
    const int8_t *a = four_rows(p->codes, k, r), *b = (const int8_t *)(columns + 1);
    unsigned width = group_width(rows, r);
    if (width == GROUP_ROWS) {
        tile_12(a, p->minus_zero + r, FOURS(k), columns->sum, b, sums);
        return;
    }
    for (unsigned i = 0; i < width; i += 4)
        tile_4(a + 4 * i, p->minus_zero + r + i, FOURS(k), width, columns->sum, b, sums + i * COLUMNS);
}

#include "kernels/dense_i8_neon_entries.h"

void ve__i8_fill_neondot(ve__dense_i8 *table)
{
    static const ve__dense_i8 all = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, multiply, multiply_gelu, GROUP_ROWS, 1};
    *table = all;
}
