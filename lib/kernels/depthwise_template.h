/* SPDX-License-Identifier: MIT */
/*
 * The depthwise 7x7 convolution for one vector of channels. Included once per vector type, after
 *
 *     #define DW(name) vec_##name     the vector's operations: DW(load), DW(store), DW(fma)
 *     #define DW_TYPE vec
 *
 * A strip of neighbouring outputs stays in registers, the seven weights of a kernel row too, and each input
 * vector, loaded once per kernel row, serves all the outputs that it touches. Every output adds bias, then ky
 * and kx ascending, whatever the strip.
 *
 * packed: bias [lanes], weights [49][lanes].
 */

/* `width` outputs of `rows` kernel rows; x points at the first input, weights at the first kernel row. */
static VE__INLINE void DW(strip)(unsigned width, const float *x, ptrdiff_t row_stride, ptrdiff_t padded,
                                 unsigned rows, const float *bias, const float *weights, float *out)
{
    const unsigned lanes = sizeof(DW_TYPE) / sizeof(float);
    DW_TYPE sum[14], w[7];
    VE__UNROLL
    for (unsigned o = 0; o < width; o++)
        sum[o] = DW(load)(bias);
    for (; rows > 0; rows--, x += row_stride, weights += 7 * lanes) {
        VE__UNROLL
        for (unsigned i = 0; i < 7; i++)
            w[i] = DW(load)(weights + i * lanes);
        VE__UNROLL
        for (unsigned i = 0; i < width + 6; i++) {
            DW_TYPE in = DW(load)(x + (ptrdiff_t)i * padded);
            VE__UNROLL
            for (unsigned o = 0; o < width; o++)
                if (o <= i && i < o + 7)
                    sum[o] = DW(fma)(in, w[(i - o) % 7], sum[o]);
        }
    }
    VE__UNROLL
    for (unsigned o = 0; o < width; o++)
        DW(store)(out + (ptrdiff_t)o * padded, sum[o]);
}

/* The widest strip has DW_WIDEST outputs: with 7 weights and the input they must fit the registers. */
static void DW(depthwise)(const float *x, ptrdiff_t row_stride, unsigned ky_first, unsigned ky_end,
                          ptrdiff_t padded, const float *packed, unsigned count, float *out)
{
    const unsigned lanes = sizeof(DW_TYPE) / sizeof(float);
    const float *weights = packed + (size_t)(1 + 7 * ky_first) * lanes;
    const unsigned rows = ky_end - ky_first;
    x += ((ptrdiff_t)ky_first - 3) * row_stride - 3 * padded;
    while (count > 0) {
        unsigned width;
#define STRIP(w)                                                                                               \
    if (count >= w) {                                                                                          \
        DW(strip)(w, x, row_stride, padded, rows, packed, weights, out);                                       \
        width = w;                                                                                             \
    } else
#if DW_WIDEST >= 14
        STRIP(14)
#endif
        STRIP(7) STRIP(4) STRIP(2)
        {
            DW(strip)(1, x, row_stride, padded, rows, packed, weights, out);
            width = 1;
        }
#undef STRIP
        count -= width;
        x += width * padded;
        out += width * padded;
    }
}

#undef DW
#undef DW_TYPE
#undef DW_WIDEST
