/* SPDX-License-Identifier: MIT */
/*
 * The 8-bit dense layers for NEON without SDOT (ARMv8.0: Cortex-A53, A72).
 *
 * Sixteen products of a row and a column are two instructions to 16 bits, SMULL for the lower eight and SMLAL2
 * for the upper, which fit since two products are at most 2 * 128 * 127, and a third, SADALP, that adds
 * neighbours into four sums of 32 bits. So codes of one row, and weights of one column, lie together in
 * sixteens of k, the last one filled up with zeros; where it has eight or fewer of them, SMULL alone serves it.
 * A panel's groups of four rows are [k / 16][4 rows][16], packed is for each 8 columns: scales, biases, sums of
 * weights, and for each half of them [k / 16][4 columns][16].
 *
 * A tile is four rows by four columns, 16 registers of sums and 8 of what was loaded; the sums' own four lanes
 * are added up behind it.
 */
#include "kernels/vec_neon.h"

#include "kernels/i8_rows_neon.h"

#define CODE_BYTES(k) (((size_t)(k) + 15) / 16 * 16)
#include "kernels/dense_i8_neon_parts.h"

static void pack_columns(const int8_t *weights, unsigned columns, unsigned k, int8_t *to)
{
    for (unsigned j = 0; j < columns; j++, weights += k)
        for (unsigned i = 0; i < k; i++)
            to[j / 4 * (4 * CODE_BYTES(k)) + (i / 16 * 4 + j % 4) * 16 + i % 16] = weights[i];
}

/* Eight codes of each of four rows, `to` being the first row's place. */
static VE__INLINE void put_eights(const int16x8_t codes[4], int8_t *to)
{
    VE__UNROLL
    for (unsigned r = 0; r < 4; r++)
        vst1_s8(to + 16 * r, vqmovn_s16(codes[r]));
}

/* Rows r ... r + 3 of a panel, whose groups all have the same form. is_norm is a constant, and whether there
 * are factors is known. */
static VE__INLINE void write_four(const row_sources *s, unsigned k, const float *factors, int is_norm,
                                  const panel_parts *p, unsigned rows, unsigned r)
{
    int8_t *to = p->codes + r * CODE_BYTES(k);
    row_walk walk = start_walk(s, factors);
    (void)rows;
    for (unsigned i = 0; i + 8 <= k; to += i % 16 ? 8 : 56) {
        int16x8_t codes[4];
        round_eights(&walk, is_norm, factors != NULL, codes);
        put_eights(codes, to);
        i += 8;
    }
    if (CODE_BYTES(k) > k) /* the weights there are 0, so any codes would do, if only they were set */
        for (unsigned j = 0; j < 4; j++)
            memset(p->codes + (r + 4) * CODE_BYTES(k) - 64 + 16 * j + k % 16 / 8 * 8, 0, 16 - k % 16 / 8 * 8);
    for (unsigned i = k / 8 * 8; i < k; i += 4, to += 4)
        for (unsigned j = 0; j < 4; j++)
            code_few(s, j, i, k - i < 4 ? k - i : 4, factors, is_norm, to + 16 * j);
}

/* ---- tiles */

#define LOW(t, a, b)   "smull v" #t ".8h, v" #a ".8b, v" #b ".8b\n"
#define HIGH(t, a, b)  "smlal2 v" #t ".8h, v" #a ".16b, v" #b ".16b\n"
#define GATHER(sum, t) "sadalp v" #sum ".4s, v" #t ".8h\n"
/* A row's four columns, in v4 ... v7, by way of four registers. */
#define ROW_LOW(a, t0, t1, t2, t3)                 LOW(t0, a, 4) LOW(t1, a, 5) LOW(t2, a, 6) LOW(t3, a, 7)
#define ROW_HIGH(a, t0, t1, t2, t3)                HIGH(t0, a, 4) HIGH(t1, a, 5) HIGH(t2, a, 6) HIGH(t3, a, 7)
#define ROW_GATHER(s0, s1, s2, s3, t0, t1, t2, t3) GATHER(s0, t0) GATHER(s1, t1) GATHER(s2, t2) GATHER(s3, t3)
#define FIRST_FOUR                                 8, 9, 10, 11
#define SECOND_FOUR                                12, 13, 14, 15
#define CALL(macro, ...)                           macro(__VA_ARGS__)
#define LOADS                                                                                                  \
    "ld1 {v0.16b, v1.16b, v2.16b, v3.16b}, [%[a]], #64\n ld1 {v4.16b, v5.16b, v6.16b, v7.16b}, [%[b]], #64\n"
/* clang-format off */
#define SIXTEEN                                                                                                \
    LOADS                                                                                                      \
    CALL(ROW_LOW, 0, FIRST_FOUR) CALL(ROW_LOW, 1, SECOND_FOUR)                                                 \
    CALL(ROW_HIGH, 0, FIRST_FOUR) CALL(ROW_HIGH, 1, SECOND_FOUR)                                               \
    CALL(ROW_GATHER, 16, 17, 18, 19, FIRST_FOUR) CALL(ROW_LOW, 2, FIRST_FOUR)                                  \
    CALL(ROW_GATHER, 20, 21, 22, 23, SECOND_FOUR) CALL(ROW_LOW, 3, SECOND_FOUR)                                \
    CALL(ROW_HIGH, 2, FIRST_FOUR) CALL(ROW_HIGH, 3, SECOND_FOUR)                                               \
    CALL(ROW_GATHER, 24, 25, 26, 27, FIRST_FOUR) CALL(ROW_GATHER, 28, 29, 30, 31, SECOND_FOUR)
#define EIGHT                                                                                                  \
    LOADS                                                                                                      \
    CALL(ROW_LOW, 0, FIRST_FOUR) CALL(ROW_LOW, 1, SECOND_FOUR)                                                 \
    CALL(ROW_GATHER, 16, 17, 18, 19, FIRST_FOUR) CALL(ROW_GATHER, 20, 21, 22, 23, SECOND_FOUR)                 \
    CALL(ROW_LOW, 2, FIRST_FOUR) CALL(ROW_LOW, 3, SECOND_FOUR)                                                 \
    CALL(ROW_GATHER, 24, 25, 26, 27, FIRST_FOUR) CALL(ROW_GATHER, 28, 29, 30, 31, SECOND_FOUR)
/* A row's 16 sums to four, and minus its zero point times the sums of the weights, v0, added. */
#define FINISH(s0, s1, s2, s3, lane)                                                                           \
    "addp v" #s0 ".4s, v" #s0 ".4s, v" #s1 ".4s\n addp v" #s2 ".4s, v" #s2 ".4s, v" #s3 ".4s\n"                \
    "addp v" #s0 ".4s, v" #s0 ".4s, v" #s2 ".4s\n mla v" #s0 ".4s, v0.4s, v1.s[" #lane "]\n"                   \
    "st1 {v" #s0 ".4s}, [%[to]], %[stride]\n"
#define ZERO(v) "movi v" #v ".4s, #0\n"
/* clang-format on */

/* sums [4 rows][4 columns], rows COLUMNS numbers apart */
static VE__INLINE void tile_4_by_4(const int8_t *a, const int8_t *b, size_t sixteens, size_t eights,
                                   const int32_t *column_sums, const int32_t *minus_zero, int32_t *sums)
{
    __asm__ volatile(
        ZERO(16) ZERO(17) ZERO(18) ZERO(19) ZERO(20) ZERO(21) ZERO(22) ZERO(23) ZERO(24) ZERO(25) ZERO(26)
            ZERO(27) ZERO(28) ZERO(29) ZERO(30) ZERO(31) "cbz %[sixteens], 2f\n"
                                                         "1:\n" SIXTEEN "subs %[sixteens], %[sixteens], #1\n"
                                                         "b.ne 1b\n"
                                                         "2:\n"
                                                         "cbz %[eights], 3f\n" EIGHT "3:\n"
                                                         "ld1 {v0.4s}, [%[s]]\n"
                                                         "ld1 {v1.4s}, [%[z]]\n" FINISH(16, 17, 18, 19, 0)
                                                             FINISH(20, 21, 22, 23, 1) FINISH(24, 25, 26, 27, 2)
                                                                 FINISH(28, 29, 30, 31, 3)
        : [a] "+&r"(a), [b] "+&r"(b), [sixteens] "+&r"(sixteens), [to] "+&r"(sums)
        : [eights] "r"(eights), [s] "r"(column_sums), [z] "r"(minus_zero), [stride] "r"(COLUMNS * sizeof *sums)
        : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
          "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
          "v30", "v31", "cc", "memory");
}

static VE__INLINE void tile(const panel_parts *p, unsigned rows, unsigned r, unsigned k,
                            const column_terms *columns, int32_t *sums)
{
    const int8_t *a = p->codes + r * CODE_BYTES(k), *b = (const int8_t *)(columns + 1);
    size_t eights = k % 16 > 0 && k % 16 <= 8, sixteens = CODE_BYTES(k) / 16 - eights;
    unsigned width = group_width(rows, r);
    for (unsigned i = 0; i < width; i += 4, a += 4 * CODE_BYTES(k))
        for (unsigned half = 0; half < 2; half++)
            tile_4_by_4(a, b + half * (4 * CODE_BYTES(k)), sixteens, eights, columns->sum + 4 * half,
                        p->minus_zero + r + i, sums + i * COLUMNS + 4 * half);
}

#include "kernels/dense_i8_neon_entries.h"

void ve__i8_fill_neon(ve__dense_i8 *table)
{
    static const ve__dense_i8 all = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, multiply, multiply_gelu, GROUP_ROWS, 1};
    *table = all;
}
