/* SPDX-License-Identifier: MIT */
/*
 * The kernels that walk along rows: sums, GELU, conversions. Included once per instruction set, after
 * its vec_*.h.
 */
#include <math.h>

#include "base/bytes.h"
#include "kernels/gelu.h"

#ifndef WHOLE
#define WHOLE(n) ((n) / VEC_LANES * VEC_LANES)
#endif

/* Four vectors of channels at a time stay in registers while the rows pass. */
static void sum_rows(const float *x, unsigned count, unsigned channels, float *sum)
{
    size_t padded = ve__padded(channels);
    unsigned c = 0;
    for (; c + 4 * VEC_LANES <= channels; c += 4 * VEC_LANES) {
        vec s[4];
        VE__UNROLL
        for (unsigned i = 0; i < 4; i++)
            s[i] = vec_load(sum + c + i * VEC_LANES);
        for (unsigned p = 0; p < count; p++)
            VE__UNROLL
        for (unsigned i = 0; i < 4; i++)
            s[i] = vec_add(s[i], vec_load(x + p * padded + c + i * VEC_LANES));
        VE__UNROLL
        for (unsigned i = 0; i < 4; i++)
            vec_store(sum + c + i * VEC_LANES, s[i]);
    }
    for (; c < channels; c += VEC_LANES) {
        unsigned n = channels - c < VEC_LANES ? channels - c : VEC_LANES;
        vec s = n < VEC_LANES ? vec_load_part(sum + c, n) : vec_load(sum + c);
        for (unsigned p = 0; p < count; p++) {
            const float *from = x + p * padded + c;
            s = vec_add(s, n < VEC_LANES ? vec_load_part(from, n) : vec_load(from));
        }
        if (n < VEC_LANES)
            vec_store_part(sum + c, s, n);
        else
            vec_store(sum + c, s);
    }
}

static void gelu(float *x, size_t count)
{
    size_t whole = WHOLE(count);
    unsigned rest = (unsigned)(count - whole);
    for (size_t i = 0; i < whole; i += VEC_LANES)
        vec_store(x + i, vec_gelu(vec_load(x + i)));
    if (rest)
        vec_store_part(x + whole, vec_gelu(vec_load_part(x + whole, rest)), rest);
}

/* Three vectors hold a whole number of pixels, so three vectors of scales and shifts serve the whole row. */
static void pixels(const uint8_t *rgb, size_t count, const float scale[3], const float shift[3], float *out)
{
    float table[2][3 * VEC_LANES];
    size_t n = 3 * count, i = 0;
    for (unsigned j = 0; j < 3 * VEC_LANES; j++) {
        table[0][j] = scale[j % 3];
        table[1][j] = shift[j % 3];
    }
    for (; i + 3 * VEC_LANES <= n; i += 3 * VEC_LANES)
        VE__UNROLL
    for (unsigned v = 0; v < 3 * VEC_LANES; v += VEC_LANES)
        vec_store(out + i + v,
                  vec_fma(vec_load_u8(rgb + i + v), vec_load(table[0] + v), vec_load(table[1] + v)));
    for (; i < n; i++)
        out[i] = fmaf((float)rgb[i], scale[i % 3], shift[i % 3]);
}

static void half_to_float(const uint16_t *x, size_t count, float *out)
{
    size_t whole = WHOLE(count);
    for (size_t i = 0; i < whole; i += VEC_LANES)
        vec_store(out + i, vec_load_f16(x + i));
    for (size_t i = whole; i < count; i++)
        out[i] = ve__half_to_float(x[i]);
}

static float dot(const float *a, const float *b, size_t count)
{
    vec s[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
    size_t i = 0;
    for (; i + 4 * VEC_LANES <= count; i += 4 * VEC_LANES)
        VE__UNROLL
    for (unsigned j = 0; j < 4; j++)
        s[j] = vec_fma(vec_load(a + i + j * VEC_LANES), vec_load(b + i + j * VEC_LANES), s[j]);
    for (; i + VEC_LANES <= count; i += VEC_LANES)
        s[0] = vec_fma(vec_load(a + i), vec_load(b + i), s[0]);
    unsigned rest = (unsigned)(count - i);
    if (rest)
        s[1] = vec_fma(vec_load_part(a + i, rest), vec_load_part(b + i, rest), s[1]);
    return vec_sum(vec_add(vec_add(s[0], s[1]), vec_add(s[2], s[3])));
}
