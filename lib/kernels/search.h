/* SPDX-License-Identifier: MIT */
/*
 * The kernels of the store's exact search: products of many rows with one or several queries. Part of the
 * kernel table (kernels.h), whose rules hold here, too.
 *
 * Rows and queries are padded with zeros to a `length` that is a multiple of VE__SEARCH_LANES; strides are in
 * elements. Nothing needs alignment, but rows that start at 64-byte boundaries are read faster.
 */
#ifndef VE_KERNELS_SEARCH_H
#define VE_KERNELS_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define VE__SEARCH_LANES 16u

typedef struct ve__search_kernels {
    /* scores[q * scores_stride + r] = sum over i < length of rows[r * stride + i] * queries[q * query_stride +
     * i]. A score's bits depend on its row and its query alone, not on what else is in the call: a search gives
     * the same for one query and for many. With several queries the rows behind these are fetched ahead into
     * the cache. */
    void (*dot_rows)(const float *rows, size_t stride, unsigned row_count, const float *queries,
                     size_t query_stride, unsigned query_count, unsigned length, float *scores,
                     size_t scores_stride);
    /* sums[r] = sum over i < length of codes[r * stride + i] * query[i]; the caller sees to it that no partial
     * sum leaves 32 bits. Here length is a multiple of 64. */
    void (*dot_codes)(const int8_t *codes, size_t stride, unsigned row_count, const int16_t *query,
                      unsigned length, int32_t *sums);
    /* One vector as 8-bit codes: *scale = largest |vector[i]| / 127, codes[i] = the integer nearest to
     * vector[i] / *scale (a tie may go either way); *squares = sum of vector[i]^2, *lost = sum of (vector[i] -
     * *scale * codes[i])^2, each sum within 1e-4 of itself. A vector whose largest value is below 1e-30 gets
     * scale 0 and codes 0. */
    void (*encode)(const float *vector, unsigned length, int8_t *codes, float *scale, float *squares,
                   float *lost);
} ve__search_kernels;

#define VE__SEARCH_SMALLEST 1e-30f

/* One per instruction set. */
void ve__search_fill_scalar(ve__search_kernels *table);
void ve__search_fill_neon(ve__search_kernels *table);
void ve__search_fill_avx2(ve__search_kernels *table);
void ve__search_fill_avx512(ve__search_kernels *table);

#endif
