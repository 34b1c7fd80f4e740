/* SPDX-License-Identifier: MIT */
/*
 * Products of rows with queries, over the vec_* names of the instruction set that includes it. The including
 * file defines before:
 *
 *     SEARCH_ROWS, SEARCH_QUERIES    the tile: SEARCH_ROWS x SEARCH_QUERIES sums stay in registers
 *     SEARCH_STREAMS                 rows that a single query is compared with at a time
 *     CODE_STREAMS                   the same for codes
 *     code_vec  code_zero  code_fma(sum, codes, query)  code_sum  CODE_STEP    what vec_* are, for 8-bit codes
 *     code_round(x, codes)           floats to codes, and the codes as floats
 *
 * Every product is one vector of sums along the row, added up over its lanes at the end, whatever the tile:
 * that is why the bits do not depend on it. The rows of a tile do not follow each other but come from as many
 * places of the block, each of which is read in order; rows side by side would confuse the processor's own
 * prefetching (measured: 0.4 of the bandwidth). With several queries the next block is fetched meanwhile, a
 * line or a few at every step: in bursts the processor would drop most of them.
 */
#include "kernels/search.h"
#include "kernels/vec.h"

/* What is fetched into the cache meanwhile: `lines` of 64 bytes for every VEC_LANES floats of a tile's rows. */
typedef struct search_ahead {
    const char *from;
    unsigned every; /* steps between two lines, a power of two less one */
    unsigned lines;
} search_ahead;

/* row_count rows `apart` floats apart, query_count queries: all constants once this is inlined. `last` is the
 * last query that there is: those behind it are that one again. */
static VE__INLINE void search_tile(const float *rows, size_t apart, unsigned row_count, const float *queries,
                                   size_t query_stride, unsigned query_count, unsigned last, unsigned length,
                                   float *scores, size_t scores_apart, size_t scores_stride,
                                   search_ahead *ahead)
{
    vec sums[8][8];
    size_t at[8];
    VE__UNROLL
    for (unsigned q = 0; q < query_count; q++)
        at[q] = (q < last ? q : last) * query_stride;
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++) {
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            sums[r][q] = vec_zero();
    }
    for (unsigned i = 0; i < length; i += VEC_LANES) {
        VE__FORGET(queries);
        if (query_count > 1 && (i / VEC_LANES & ahead->every) == 0)
            for (unsigned line = 0; line < ahead->lines; line++, ahead->from += 64)
                __builtin_prefetch(ahead->from, 0, 2);
        vec query[8];
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            query[q] = vec_load(queries + at[q] + i);
        VE__UNROLL
        for (unsigned r = 0; r < row_count; r++) {
            vec row = vec_load(rows + r * apart + i);
            VE__UNROLL
            for (unsigned q = 0; q < query_count; q++)
                sums[r][q] = vec_fma(row, query[q], sums[r][q]);
        }
    }
    vec done[64]; /* the sums again, for a loop that is not unrolled: vec_sum is long */
    VE__UNROLL
    for (unsigned r = 0; r < row_count; r++) {
        VE__UNROLL
        for (unsigned q = 0; q < query_count; q++)
            done[q * row_count + r] = sums[r][q];
    }
    for (unsigned q = 0, i = 0; q < query_count; q++)
        for (unsigned r = 0; r < row_count; r++, i++)
            scores[(q < last ? q : last) * scores_stride + r * scores_apart] = vec_sum(done[i]);
}

/* Rows that do not fill a tile: few, so one at a time, by code that is there once. */
static __attribute__((noinline)) void search_rest(const float *rows, size_t stride, unsigned row_count,
                                                  const float *queries, size_t query_stride,
                                                  unsigned query_count, unsigned length, float *scores,
                                                  size_t scores_stride)
{
    search_ahead none = {NULL, 0, 0};
    for (unsigned r = 0; r < row_count; r++)
        for (unsigned q = 0; q < query_count; q++)
            search_tile(rows + r * stride, 0, 1, queries + q * query_stride, 0, 1, 0, length,
                        scores + q * scores_stride + r, 0, 0, &none);
}

/* All rows against query_count queries (a constant), `streams` rows at a time. */
static VE__INLINE void search_strip(const float *rows, size_t stride, unsigned row_count, const float *queries,
                                    size_t query_stride, unsigned query_count, unsigned last, unsigned streams,
                                    unsigned length, float *scores, size_t scores_stride, search_ahead *ahead)
{
    unsigned each = row_count / streams, done = each * streams;
    for (unsigned i = 0; i < each; i++) {
        search_tile(rows + i * stride, each * stride, streams, queries, query_stride, query_count, last, length,
                    scores + i, each, scores_stride, ahead);
    }
    if (done < row_count)
        search_rest(rows + done * stride, stride, row_count - done, queries, query_stride, last + 1, length,
                    scores + done, scores_stride);
}

/* Strips of QUERIES queries; query_count of them are there. */
#define SEARCH_STRIP(NAME, QUERIES, STREAMS, LAST)                                                             \
    static void NAME(const float *rows, size_t stride, unsigned row_count, const float *queries,               \
                     size_t query_stride, unsigned query_count, unsigned length, float *scores,                \
                     size_t scores_stride, search_ahead *ahead)                                                \
    {                                                                                                          \
        (void)query_count;                                                                                     \
        search_strip(rows, stride, row_count, queries, query_stride, QUERIES, LAST, STREAMS, length, scores,   \
                     scores_stride, ahead);                                                                    \
    }

SEARCH_STRIP(search_strip_1, 1, SEARCH_STREAMS, 0)
#if SEARCH_QUERIES > 4
SEARCH_STRIP(search_strip_4, 4, SEARCH_ROWS, query_count - 1)
SEARCH_STRIP(search_strip_5, 5, SEARCH_ROWS, query_count - 1)
SEARCH_STRIP(search_strip_6, 6, SEARCH_ROWS, query_count - 1)
#else
SEARCH_STRIP(search_pair, 2, SEARCH_STREAMS, 1)
SEARCH_STRIP(search_strip_2, 2, SEARCH_ROWS, 1)
SEARCH_STRIP(search_strip_3, 3, SEARCH_ROWS, 2)
#if SEARCH_QUERIES > 3
SEARCH_STRIP(search_strip_4, 4, SEARCH_ROWS, 3)
#endif
#endif

typedef void search_strip_function(const float *, size_t, unsigned, const float *, size_t, unsigned, unsigned,
                                   float *, size_t, search_ahead *);

/* Queries are dealt out evenly to as few strips as possible: a strip of one behind full ones would read all
 * rows for little work, and more queries would not cost more. While the block is in the cache and the strips
 * compute, the block behind it is fetched, a share by every tile: computing and reading go on together. */
static void search_dot_rows(const float *rows, size_t stride, unsigned row_count, const float *queries,
                            size_t query_stride, unsigned query_count, unsigned length, float *scores,
                            size_t scores_stride)
{
#if SEARCH_QUERIES > 4
    static search_strip_function *const strips[] = {search_strip_1, search_strip_4, search_strip_4,
                                                    search_strip_4, search_strip_5, search_strip_6};
    /* Two to five as if they were six: they would compute faster than memory delivers, and what is fetched
     * ahead would come in bursts. Six compute as long as their rows take to arrive. */
    unsigned few = query_count > 1 && query_count < 6 ? 6 : 0;
#else
    static search_strip_function *const strips[] = {
        search_strip_1,
        search_strip_2,
        search_strip_3,
#if SEARCH_QUERIES > 3
        search_strip_4,
#endif
    };
    unsigned few = 0;
    /* Two queries compute so little that reading alone counts: rows in the order that a single query likes. */
    if (query_count == 2) {
        search_ahead none = {NULL, 0, 0};
        search_pair(rows, stride, row_count, queries, query_stride, 2, length, scores, scores_stride, &none);
        return;
    }
#endif
    unsigned groups = (query_count + SEARCH_QUERIES - 1) / SEARCH_QUERIES;
    /* A tile's step reads SEARCH_ROWS * VEC_LANES floats; so much has to be fetched in `groups` steps. */
    unsigned per_group = SEARCH_ROWS * VEC_LANES / 16;
    search_ahead ahead = {(const char *)(rows + row_count * stride), 0,
                          per_group > groups ? (per_group + groups - 1) / groups : 1};
    while (ahead.every + 1 < groups / per_group)
        ahead.every = ahead.every * 2 + 1;
    for (unsigned group = 0, q = 0; group < groups; group++) {
        unsigned size = (query_count - q + (groups - group) - 1) / (groups - group);
        strips[(few ? few : size) - 1](rows, stride, row_count, queries + q * query_stride, query_stride, size,
                                       length, scores + q * scores_stride, scores_stride, &ahead);
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
    unsigned each = row_count / CODE_STREAMS;
    for (unsigned i = 0; i < each; i++)
        search_codes_tile(codes + i * stride, each * stride, CODE_STREAMS, query, length, sums + i, each);
    for (unsigned r = each * CODE_STREAMS; r < row_count; r++)
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
