/* SPDX-License-Identifier: MIT */
/* Quantisation. All norms are computed in double and rounded up, since they go into bounds. */
#include "store/codes.h"

#include <math.h>
#include <string.h>

/* More than what adding up to 4096 squares in double and rounding to float can lose. */
#define ROUND_UP 1.000001

static float largest_of(const float *vector, unsigned dim)
{
    float largest = 0;
    for (unsigned i = 0; i < dim; i++)
        largest = fabsf(vector[i]) > largest ? fabsf(vector[i]) : largest;
    return largest;
}

static long nearest(float value, double inverse_scale, long limit)
{
    double scaled = (double)value * inverse_scale;
    long rounded = (long)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    return rounded > limit ? limit : rounded < -limit ? -limit : rounded;
}

float ve__codes_make(const ve__search_kernels *kernels, const float *vector, unsigned dim, int8_t *codes,
                     float *scale, float *error)
{
    unsigned length = (unsigned)ve__round_up(dim, VE__SEARCH_LANES);
    float squares, lost;
    kernels->encode(vector, length, codes, scale, &squares, &lost);
    memset(codes + length, 0, ve__codes_bytes(dim) - length);
    /* The sums are good to 1e-4; squares below the smallest normal float may have vanished, each at most that;
     * and vector - scale * code was rounded, to 2^-23 of the vector at worst. */
    double vanished = length * 1.2e-38, norm = sqrt(squares * 1.0002 + vanished);
    *error = (float)((sqrt(lost * 1.0002 + vanished) + norm * 1.2e-7) * ROUND_UP);
    return (float)(norm * ROUND_UP);
}

void ve__codes_make_query(const float *query, unsigned dim, ve__query_codes *out)
{
    double squares = 0, lost = 0;
    for (unsigned i = 0; i < dim; i++)
        squares += (double)query[i] * query[i];
    /* By Cauchy and Schwarz no partial sum of code products exceeds |q| / scale * 127 sqrt(dim) (and the
     * rounding of the query's codes, at most 0.5 sqrt(dim) in norm): kept below 2^30. */
    double by_range = (double)largest_of(query, dim) / 32767, by_sum = sqrt(squares) * 127 * sqrt(dim) / 1.0e9;
    double scale = (by_range > by_sum ? by_range : by_sum) * ROUND_UP;
    out->scale = (float)scale;
    double inverse = out->scale > 0 ? 1 / (double)out->scale : 0;
    memset(out->codes, 0, ve__codes_bytes(dim) * sizeof *out->codes);
    for (unsigned i = 0; i < dim; i++) {
        out->codes[i] = (int16_t)nearest(query[i], inverse, 32767);
        double left = (double)query[i] - (double)out->scale * out->codes[i];
        lost += left * left;
    }
    out->error = (float)(sqrt(lost) * ROUND_UP) + 1e-37f;
    out->norm = (float)(sqrt(squares) * ROUND_UP) + 1e-37f;
}
