/* SPDX-License-Identifier: MIT */
/* The store's search in plain C. */
#include "kernels/search.h"

#include <math.h>

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

static void encode(const float *vector, unsigned length, int8_t *codes, float *scale, float *squares,
                   float *lost)
{
    float largest = 0, sums[4] = {0, 0, 0, 0}, errors[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < length; i++)
        largest = fabsf(vector[i]) > largest ? fabsf(vector[i]) : largest;
    *scale = largest >= VE__SEARCH_SMALLEST ? largest / 127 : 0;
    float inverse = *scale > 0 ? 1 / *scale : 0;
    for (unsigned i = 0; i < length; i++) {
        float code = rintf(vector[i] * inverse), error = vector[i] - *scale * code;
        codes[i] = (int8_t)code;
        sums[i % 4] += vector[i] * vector[i];
        errors[i % 4] += error * error;
    }
    *squares = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    *lost = (errors[0] + errors[1]) + (errors[2] + errors[3]);
}

void ve__search_fill_scalar(ve__search_kernels *table)
{
    table->dot_rows = dot_rows;
    table->dot_codes = dot_codes;
    table->encode = encode;
}
