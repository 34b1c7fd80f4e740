/* SPDX-License-Identifier: MIT */
/* See depthwise.h. A strip of up to 14 outputs of a row stays in registers while seven input rows go by; the
 * strip's length divides the side, so each length is compiled on its own. */
#include "depthwise.h"

#include <stddef.h>

enum { MOST = 14, TAPS = 7 };

/* The strip for a side, 0 where there is none. */
INLINE int strip_of(long side)
{
    return side == 28 ? 14 : side == 24 ? 12 : side == 20 ? 10 : side == 16 ? 8 : side <= MOST ? (int)side : 0;
}

int depthwise_has_side(long side)
{
    int strip = side > 0 ? strip_of(side) : 0;
    return strip >= 2 && strip != 9 && strip != 11 && strip != 13;
}

void depthwise_pad(const float *map, long side, long stride, float *padded)
{
    for (long y = 0; y < side; y++) {
        float *row = padded + y * (side + 6) * 16;
        const float *from = map + y * side * stride;
        for (long i = 0; i < 3; i++) {
            store(row + i * 16, zeros());
            store(row + (side + 3 + i) * 16, zeros());
        }
        for (long i = 0; i < side; i++)
            store(row + (i + 3) * 16, load(from + i * stride));
    }
}

/* Rows of taps that fall into the map at output row y. */
INLINE void taps_inside(long y, long side, long *first, long *end)
{
    *first = y < 3 ? 3 - y : 0;
    *end = y > side - 4 ? side + 3 - y : TAPS;
}

INLINE void convolve_strips(const int strip, const float *padded, long side, const float *taps, v16 bias,
                            const float *base, float *out, long stride)
{
    for (long y = 0; y < side; y++)
        for (long x = 0; x < side; x += strip) {
            v16 sum[MOST];
            long at = (y * side + x) * stride, first, end;
            UNROLL(14)
            for (int t = 0; t < strip; t++)
                sum[t] = base ? load(base + at + t * stride) : bias;
            taps_inside(y, side, &first, &end);
            for (long ky = first; ky < end; ky++) {
                const float *row = padded + ((y + ky - 3) * (side + 6) + x) * 16, *w = taps + ky * TAPS * 16;
                v16 tap[TAPS];
                UNROLL(7)
                for (int k = 0; k < TAPS; k++)
                    tap[k] = load(w + k * 16);
                UNROLL(20)
                for (int i = 0; i < strip + 6; i++) {
                    v16 v = load(row + i * 16);
                    UNROLL(7)
                    for (int k = 0; k < TAPS; k++)
                        if (i >= k && i - k < strip)
                            sum[i - k] = _mm512_fmadd_ps(v, tap[k], sum[i - k]);
                }
            }
            UNROLL(14)
            for (int t = 0; t < strip; t++)
                store(out + at + t * stride, sum[t]);
        }
}

INLINE void gradient_strips(const int strip, const float *padded, long side, const float *gradient, long stride,
                            float *sums)
{
    for (long y = 0; y < side; y++)
        for (long x = 0; x < side; x += strip) {
            v16 d[MOST];
            long first, end;
            UNROLL(14)
            for (int t = 0; t < strip; t++)
                d[t] = load(gradient + (y * side + x + t) * stride);
            taps_inside(y, side, &first, &end);
            for (long ky = first; ky < end; ky++) {
                const float *row = padded + ((y + ky - 3) * (side + 6) + x) * 16;
                float *w = sums + ky * TAPS * 16;
                v16 tap[TAPS];
                UNROLL(7)
                for (int k = 0; k < TAPS; k++)
                    tap[k] = load(w + k * 16);
                UNROLL(20)
                for (int i = 0; i < strip + 6; i++) {
                    v16 v = load(row + i * 16);
                    UNROLL(7)
                    for (int k = 0; k < TAPS; k++)
                        if (i >= k && i - k < strip)
                            tap[k] = _mm512_fmadd_ps(v, d[i - k], tap[k]);
                }
                UNROLL(7)
                for (int k = 0; k < TAPS; k++)
                    store(w + k * 16, tap[k]);
            }
        }
}

#define FOR_STRIP(side, function, ...)                                                                         \
    switch (strip_of(side)) {                                                                                  \
    case 14:                                                                                                   \
        function(14, __VA_ARGS__);                                                                             \
        break;                                                                                                 \
    case 12:                                                                                                   \
        function(12, __VA_ARGS__);                                                                             \
        break;                                                                                                 \
    case 10:                                                                                                   \
        function(10, __VA_ARGS__);                                                                             \
        break;                                                                                                 \
    case 8:                                                                                                    \
        function(8, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    case 7:                                                                                                    \
        function(7, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    case 6:                                                                                                    \
        function(6, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    case 5:                                                                                                    \
        function(5, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    case 4:                                                                                                    \
        function(4, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    case 3:                                                                                                    \
        function(3, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    default:                                                                                                   \
        function(2, __VA_ARGS__);                                                                              \
        break;                                                                                                 \
    }

void depthwise_convolve(const float *padded, long side, const float *taps, v16 bias, const float *base,
                        float *out, long stride)
{
    if (base)
        FOR_STRIP(side, convolve_strips, padded, side, taps, bias, base, out, stride)
    else
        FOR_STRIP(side, convolve_strips, padded, side, taps, bias, NULL, out, stride)
}

void depthwise_taps_gradient(const float *padded, long side, const float *gradient, long stride, float *sums)
{
    FOR_STRIP(side, gradient_strips, padded, side, gradient, stride, sums)
}
