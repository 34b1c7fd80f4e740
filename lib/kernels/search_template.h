/* SPDX-License-Identifier: MIT */
/*
 * Products of rows with queries, over the vec_* names of the instruction set that includes it. The including
 * file defines before:
 *
 *     SEARCH_ROWS, SEARCH_QUERIES    the tile: SEARCH_ROWS x SEARCH_QUERIES sums stay in registers
 *     SEARCH_STREAMS                 rows that one query is compared with at a time
 *     code_vec  code_zero  code_fma(sum, codes, query)  code_sum  CODE_STEP    the same for 8-bit codes
 *
 * Every product is one vector of sums along the row, added up over its lanes at the end, whatever the tile:
 * that is why the bits do not depend on it. The rows of a tile do not follow each other but come from as many
 * places of the block: memory delivers several streams faster than one.
 */
#include "kernels/search.h"
#include "kernels/vec.h"

/* row_count rows `apart` floats apart, query_count queries: all constants once this is inlined. */
static VE__INLINE void search_tile(const float *rows, size_t apart, unsigned row_count, const float *queries,
                                   size_t query_stride, unsigned query_count, unsigned length, float *scores,
                                   size_t scores_apart, size_t scores_stride)
{
    vec sums[8][8];
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++) {
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            sums[r][q] = vec_zero();
    }
    for (unsigned i = 0; i < length; i += VEC_LANES) {
        vec query[8];
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            query[q] = vec_load(queries + q * query_stride + i);
        VE__UNROLL
        for (unsigned r = 0; r < row_count; r++) {
            vec row = vec_load(rows + r * apart + i);
            VE__UNROLL
            for (unsigned q = 0; q < query_count; q++)
                sums[r][q] = vec_fma(row, query[q], sums[r][q]);
        }
    }
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++) {
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            scores[q * scores_stride + r * scores_apart] = vec_sum(sums[r][q]);
    }
}

/* All rows against query_count queries (a constant), streams rows at a time. */
static VE__INLINE void search_strip(const float *rows, size_t stride, unsigned row_count, const float *queries,
                                    size_t query_stride, unsigned query_count, unsigned streams,
                                    unsigned length, float *scores, size_t scores_stride)
{
    unsigned each = row_count / streams;
    for (unsigned i = 0; i < each; i++)
        search_tile(rows + i * stride, each * stride, streams, queries, query_stride, query_count, length,
                    scores + i, each, scores_stride);
    for (unsigned r = each * streams; r < row_count; r++)
        search_tile(rows + r * stride, 0, 1, queries, query_stride, query_count, length, scores + r, 0,
                    scores_stride);
}

#define SEARCH_STRIP(NAME, QUERIES, STREAMS)                                                                   \
    static void NAME(const float *rows, size_t stride, unsigned row_count, const float *queries,               \
                     size_t query_stride, unsigned length, float *scores, size_t scores_stride)                \
    {                                                                                                          \
        search_strip(rows, stride, row_count, queries, query_stride, QUERIES, STREAMS, length, scores,         \
                     scores_stride);                                                                           \
    }

SEARCH_STRIP(search_strip_1, 1, SEARCH_STREAMS)
SEARCH_STRIP(search_strip_2, 2, SEARCH_ROWS)
SEARCH_STRIP(search_strip_3, 3, SEARCH_ROWS)
SEARCH_STRIP(search_strip_4, 4, SEARCH_ROWS)
#if SEARCH_QUERIES > 4
SEARCH_STRIP(search_strip_5, 5, SEARCH_ROWS)
SEARCH_STRIP(search_strip_6, 6, SEARCH_ROWS)
#endif

/* Queries are dealt out evenly to as few strips as possible: a strip of one behind full ones would read all
 * rows for little work, and more queries would not cost more. */
static void search_dot_rows(const float *rows, size_t stride, unsigned row_count, const float *queries,
                            size_t query_stride, unsigned query_count, unsigned length, float *scores,
                            size_t scores_stride)
{
    static void (*const strips[])(const float *, size_t, unsigned, const float *, size_t, unsigned, float *,
                                  size_t) = {
        search_strip_1,
        search_strip_2,
        search_strip_3,
        search_strip_4,
#if SEARCH_QUERIES > 4
        search_strip_5,
        search_strip_6,
#endif
    };
    unsigned groups = (query_count + SEARCH_QUERIES - 1) / SEARCH_QUERIES;
    for (unsigned group = 0, q = 0; group < groups; group++) {
        unsigned size = (query_count - q + (groups - group) - 1) / (groups - group);
        strips[size - 1](rows, stride, row_count, queries + q * query_stride, query_stride, length,
                         scores + q * scores_stride, scores_stride);
        q += size;
    }
}

static VE__INLINE void search_codes_tile(const int8_t *codes, size_t apart, unsigned row_count,
                                         const int16_t *query, unsigned length, int32_t *sums,
                                         size_t sums_apart)
{
    code_vec parts[8];
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++)
        parts[r] = code_zero();
    for (unsigned i = 0; i < length; i += CODE_STEP) {
        VE__UNROLL
        for (unsigned r = 0; r < row_count; r++)
            parts[r] = code_fma(parts[r], codes + r * apart + i, query + i);
    }
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++)
        sums[r * sums_apart] = code_sum(parts[r]);
}

static void search_dot_codes(const int8_t *codes, size_t stride, unsigned row_count, const int16_t *query,
                             unsigned length, int32_t *sums)
{
    unsigned each = row_count / SEARCH_STREAMS;
    for (unsigned i = 0; i < each; i++)
        search_codes_tile(codes + i * stride, each * stride, SEARCH_STREAMS, query, length, sums + i, each);
    for (unsigned r = each * SEARCH_STREAMS; r < row_count; r++)
        search_codes_tile(codes + r * stride, 0, 1, query, length, sums + r, 0);
}
