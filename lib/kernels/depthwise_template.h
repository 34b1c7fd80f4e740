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
 *
 * DW_WRITTEN_7, where it is defined, computes seven outputs in place of the strip made here.
 */

/* Where a strip's input, weights and outputs lie; x points at its first input. */
typedef struct DW(place) {
    const float *x;
    ptrdiff_t row_stride, padded;
    unsigned ky_first, rows; /* of the kernel */
    unsigned vectors;        /* of channels, which lie side by side */
    const float *packed;
    float *out;
} DW(place);

/* `width` outputs of all the vectors. The vectors pass inside, so that the distances of the inputs, which fill
 * the integer registers, are worked out once a strip. */
static VE__INLINE void DW(strip)(unsigned width, const DW(place) * at)
{
    const unsigned lanes = sizeof(DW_TYPE) / sizeof(float);
    const ptrdiff_t padded = at->padded;
    for (unsigned v = 0; v < at->vectors; v++) {
        const float *x = at->x + v * lanes, *bias = at->packed + (size_t)v * 50 * lanes;
        const float *weights = bias + (1 + 7 * at->ky_first) * lanes;
        float *out = at->out + v * lanes;
        DW_TYPE sum[14], w[7];
        VE__UNROLL
        for (unsigned o = 0; o < width; o++)
            sum[o] = DW(load)(bias);
        for (unsigned rows = at->rows; rows > 0; rows--, x += at->row_stride, weights += 7 * lanes) {
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
}

#ifdef DW_WRITTEN_7
static VE__INLINE void DW(strip_of_7)(const DW(place) * at)
{
    const unsigned lanes = sizeof(DW_TYPE) / sizeof(float), floats = sizeof(float);
    const ptrdiff_t pixel = at->padded * (ptrdiff_t)floats;
    const ptrdiff_t next = at->row_stride * (ptrdiff_t)floats - 13 * pixel;
    const float *x = at->x, *bias = at->packed, *weights = bias + (1 + 7 * at->ky_first) * lanes;
    float *out = at->out;
    for (unsigned v = at->vectors; v > 0; v--) {
        DW_WRITTEN_7(x, pixel, next, at->rows, bias, weights, out);
        x += lanes;
        out += lanes;
        bias += 50 * lanes;
        weights += 50 * lanes;
    }
}
#endif

/* `count` outputs; x of the place points at the first output's own pixel. The widest strip has DW_WIDEST
 * outputs: with 7 weights and the input they must fit the registers. */
static void DW(depthwise)(DW(place) at, unsigned count)
{
    at.x += ((ptrdiff_t)at.ky_first - 3) * at.row_stride - 3 * at.padded;
    while (count > 0) {
        unsigned width;
#define STRIP(w)                                                                                               \
    if (count >= w) {                                                                                          \
        DW(strip)(w, &at);                                                                                     \
        width = w;                                                                                             \
    } else
#if DW_WIDEST >= 14
        STRIP(14)
#endif
#ifdef DW_WRITTEN_7
        if (count >= 7) {
            DW(strip_of_7)(&at);
            width = 7;
        } else
#else
        STRIP(7)
#endif
#ifndef DW_FEW_WIDTHS /* a vector that is seldom wanted: less code */
            STRIP(4) STRIP(2)
#endif
            {
                DW(strip)(1, &at);
                width = 1;
            }
#undef STRIP
        count -= width;
        at.x += width * at.padded;
        at.out += width * at.padded;
    }
}

#undef DW
#undef DW_TYPE
#undef DW_WIDEST
#undef DW_FEW_WIDTHS
#undef DW_WRITTEN_7
