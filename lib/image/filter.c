/* SPDX-License-Identifier: MIT */
/* Pillow's filters. Each expression keeps Pillow's order of operations: all is double, nothing is fused, so
 * that the weights come out equal to the last bit. */
#include "image/filter.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* 0.54 and 0.46 are floats in Pillow. */
static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0)
        return 1.0;
    if (x >= 1.0)
        return 0.0;
    x *= pi;
    return sin(x) / x * ((double)0.54f + (double)0.46f * cos(x));
}

/* Keys' cubic with a = -1/2. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0)
        return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static double sinc(double x)
{
    if (x == 0.0)
        return 1.0;
    x *= pi;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

static double filter_value(ve__filter filter, double x)
{
    switch (filter) {
    case VE__FILTER_BILINEAR:
        return bilinear(x);
    case VE__FILTER_BICUBIC:
        return bicubic(x);
    case VE__FILTER_HAMMING:
        return hamming(x);
    case VE__FILTER_LANCZOS:
        return lanczos(x);
    case VE__FILTER_BOX:
    case VE__FILTER_NEAREST:
        break;
    }
    return box(x);
}

double ve__filter_support(ve__filter filter)
{
    switch (filter) {
    case VE__FILTER_BOX:
        return 0.5;
    case VE__FILTER_BILINEAR:
    case VE__FILTER_HAMMING:
        return 1.0;
    case VE__FILTER_BICUBIC:
        return 2.0;
    case VE__FILTER_LANCZOS:
        return 3.0;
    case VE__FILTER_NEAREST:
        break;
    }
    return 0.0;
}

size_t ve__filter_taps(ve__filter filter, double ratio)
{
    double support = ve__filter_support(filter) * (ratio < 1.0 ? 1.0 : ratio);
    return 2 * (size_t)ceil(support) + 1;
}

/* Where an output position lies in the source. */
typedef struct place {
    double centre, inverse_ratio;
    ve__span span;
} place;

static place find_place(ve__filter filter, uint32_t source, uint32_t scaled, uint32_t position)
{
    place found;
    double ratio = (double)source / scaled, widened = ratio < 1.0 ? 1.0 : ratio;
    double support = ve__filter_support(filter) * widened;
    found.centre = (position + 0.5) * ratio;
    found.inverse_ratio = 1.0 / widened;
    /* Truncation, not floor: what is cut to 0 afterwards may be negative. */
    int64_t first = (int64_t)(found.centre - support + 0.5);
    int64_t end = (int64_t)(found.centre + support + 0.5);
    if (first < 0)
        first = 0;
    if (end > source)
        end = source;
    found.span.first = (uint32_t)first;
    found.span.count = (uint32_t)(end - first);
    return found;
}

ve__span ve__filter_span(ve__filter filter, uint32_t source, uint32_t scaled, uint32_t position)
{
    return find_place(filter, source, scaled, position).span;
}

static int32_t to_fixed(double weight)
{
    return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << VE__FILTER_BITS));
}

ve__span ve__filter_weights(ve__filter filter, uint32_t source, uint32_t scaled, uint32_t position,
                            double *scratch, int32_t *weights)
{
    place at = find_place(filter, source, scaled, position);
    double sum = 0.0;
    for (uint32_t i = 0; i < at.span.count; i++) {
        scratch[i] = filter_value(filter, (i + at.span.first - at.centre + 0.5) * at.inverse_ratio);
        sum += scratch[i];
    }
    for (uint32_t i = 0; i < at.span.count; i++)
        weights[i] = to_fixed(sum != 0.0 ? scratch[i] / sum : scratch[i]);
    return at.span;
}
