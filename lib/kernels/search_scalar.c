/* SPDX-License-Identifier: MIT */
/* The store's search in plain C. */
#include "kernels/search.h"

/* Four sums at a time: the additions of one would wait for each other. */
static float dot(const float *a, const float *b, unsigned length)
{
    float sums[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < length; i += 4)
        for (unsigned lane = 0; lane < 4; lane++)
            sums[lane] += a[i + lane] * b[i + lane];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static void dot_rows(const float *rows, size_t stride, unsigned row_count, const float *queries,
                     size_t query_stride, unsigned query_count, unsigned length, float *scores,
                     size_t scores_stride)
{
    for (unsigned r = 0; r < row_count; r++)
        for (unsigned q = 0; q < query_count; q++)
            scores[q * scores_stride + r] = dot(rows + r * stride, queries + q * query_stride, length);
}

static void dot_codes(const int8_t *codes, size_t stride, unsigned row_count, const int16_t *query,
                      unsigned length, int32_t *sums)
{
    for (unsigned r = 0; r < row_count; r++) {
        const int8_t *row = codes + r * stride;
        int32_t sum = 0;
        for (unsigned i = 0; i < length; i++)
            sum += row[i] * query[i];
        sums[r] = sum;
    }
}

void ve__search_fill_scalar(ve__search_kernels *table)
{
    table->dot_rows = dot_rows;
    table->dot_codes = dot_codes;
}
