/* SPDX-License-Identifier: MIT */
/*
 * Products of rows with queries, over the vec_* names of the instruction set that includes it. The including
 * file defines before:
 *
 *     SEARCH_ROWS, SEARCH_QUERIES    the tile: SEARCH_ROWS x SEARCH_QUERIES sums stay in registers
 *     SEARCH_STREAMS                 rows that one query is compared with at a time
 *     code_vec  code_zero  code_fma(sum, codes, query)  code_sum  CODE_STEP    the same for 8-bit codes
 *     code_round(x, codes)                                                    floats to codes, and the codes as
 * floats
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
        VE__FORGET(queries);
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

/* What a strip fetches ahead: `bytes` for each of its tiles, from `from` on. */
typedef struct search_ahead {
    const char *from;
    size_t bytes;
} search_ahead;

static VE__INLINE void search_fetch(search_ahead *ahead)
{
    for (size_t at = 0; at < ahead->bytes; at += 64)
        __builtin_prefetch(ahead->from + at, 0, 2);
    ahead->from += ahead->bytes;
}

/* All rows against query_count queries (a constant), `streams` rows at a time. */
static VE__INLINE void search_strip(const float *rows, size_t stride, unsigned row_count, const float *queries,
                                    size_t query_stride, unsigned query_count, unsigned streams,
                                    unsigned length, float *scores, size_t scores_stride, search_ahead *ahead)
{
    unsigned each = row_count / streams;
    for (unsigned i = 0; i < each; i++) {
        search_fetch(ahead);
        search_tile(rows + i * stride, each * stride, streams, queries, query_stride, query_count, length,
                    scores + i, each, scores_stride);
    }
    for (unsigned r = each * streams; r < row_count; r++)
        search_tile(rows + r * stride, 0, 1, queries, query_stride, query_count, length, scores + r, 0,
                    scores_stride);
}

#define SEARCH_STRIP(NAME, QUERIES, STREAMS)                                                                   \
    static void NAME(const float *rows, size_t stride, unsigned row_count, const float *queries,               \
                     size_t query_stride, unsigned length, float *scores, size_t scores_stride,                \
                     search_ahead *ahead)                                                                      \
    {                                                                                                          \
        search_strip(rows, stride, row_count, queries, query_stride, QUERIES, STREAMS, length, scores,         \
                     scores_stride, ahead);                                                                    \
    }

SEARCH_STRIP(search_strip_1, 1, SEARCH_STREAMS)
SEARCH_STRIP(search_strip_2, 2, SEARCH_ROWS)
SEARCH_STRIP(search_strip_3, 3, SEARCH_ROWS)
#if SEARCH_QUERIES > 3
SEARCH_STRIP(search_strip_4, 4, SEARCH_ROWS)
#endif
#if SEARCH_QUERIES > 4
SEARCH_STRIP(search_strip_5, 5, SEARCH_ROWS)
SEARCH_STRIP(search_strip_6, 6, SEARCH_ROWS)
#endif

typedef void search_strip_function(const float *, size_t, unsigned, const float *, size_t, unsigned, float *,
                                   size_t, search_ahead *);

/* Queries are dealt out evenly to as few strips as possible: a strip of one behind full ones would read all
 * rows for little work, and more queries would not cost more. While the block is in the cache and the strips
 * compute, the block behind it is fetched, a share by every tile: computing and reading go on together. */
static void search_dot_rows(const float *rows, size_t stride, unsigned row_count, const float *queries,
                            size_t query_stride, unsigned query_count, unsigned length, float *scores,
                            size_t scores_stride)
{
    static search_strip_function *const strips[] = {
        search_strip_1,
        search_strip_2,
        search_strip_3,
#if SEARCH_QUERIES > 3
        search_strip_4,
#endif
#if SEARCH_QUERIES > 4
        search_strip_5,
        search_strip_6,
#endif
    };
    unsigned groups = (query_count + SEARCH_QUERIES - 1) / SEARCH_QUERIES,
             tiles = row_count / SEARCH_ROWS * groups;
    search_ahead ahead = {(const char *)(rows + row_count * stride), 0};
    if (groups > 1 && tiles > 0)
        ahead.bytes = (row_count * stride * sizeof *rows / tiles + 63) / 64 * 64;
    for (unsigned group = 0, q = 0; group < groups; group++) {
        unsigned size = (query_count - q + (groups - group) - 1) / (groups - group);
        strips[size - 1](rows, stride, row_count, queries + q * query_stride, query_stride, length,
                         scores + q * scores_stride, scores_stride, &ahead);
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

static void search_encode(const float *vector, unsigned length, int8_t *codes, float *scale, float *squares,
                          float *lost)
{
    vec largest = vec_zero(), sum = vec_zero(), errors = vec_zero();
    float lanes[VEC_LANES], most = 0;
    for (unsigned i = 0; i < length; i += VEC_LANES)
        largest = vec_max(largest, vec_abs(vec_load(vector + i)));
    vec_store(lanes, largest);
    for (unsigned i = 0; i < VEC_LANES; i++)
        most = lanes[i] > most ? lanes[i] : most;
    *scale = most >= VE__SEARCH_SMALLEST ? most / 127 : 0;
    vec scales = vec_set1(*scale), inverse = vec_set1(*scale > 0 ? 1 / *scale : 0);
    for (unsigned i = 0; i < length; i += VEC_LANES) {
        vec x = vec_load(vector + i), error = vec_fnma(scales, code_round(vec_mul(x, inverse), codes + i), x);
        sum = vec_fma(x, x, sum);
        errors = vec_fma(error, error, errors);
    }
    *squares = vec_sum(sum);
    *lost = vec_sum(errors);
}
