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

float ve__codes_make(const float *vector, unsigned dim, int8_t *codes, float *scale, float *error)
{
    float largest = largest_of(vector, dim);
    *scale = largest / 127;
    double inverse = *scale > 0 ? 1 / (double)*scale : 0, squares = 0, lost = 0;
    if (!(inverse <= 1e300))
        inverse = 0; /* all values are denormal: no code holds them, the error takes it all */
    memset(codes, 0, ve__codes_bytes(dim));
    for (unsigned i = 0; i < dim; i++) {
        codes[i] = (int8_t)nearest(vector[i], inverse, 127);
        double left = (double)vector[i] - (double)*scale * codes[i];
        squares += (double)vector[i] * vector[i];
        lost += left * left;
    }
    *error = (float)(sqrt(lost) * ROUND_UP) + 1e-37f;
    return (float)(sqrt(squares) * ROUND_UP) + 1e-37f;
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
