/* SPDX-License-Identifier: MIT */
/*
 * The depthwise 7x7 convolution for NEON: depthwise_template.h over pairs of vectors, eight channels. To be
 * included once, after vec_neon.h.
 *
 * Seven outputs of eight channels are 14 sums, a kernel row 14 weights, an input pixel one load of two
 * registers; a second pixel is loaded while the first is worked with, and all 32 registers are taken. So a
 * kernel row costs 13 loads of inputs and 4 of weights for its 98 multiply-adds. One vector of channels and 14
 * outputs would be 20 and 2. The widths of the feature maps of a 224 or 112 pixel input are multiples of seven,
 * other widths take the template's strips for what is left over. Compilers spill, so it is written down.
 */
typedef float32x4x2_t pair;

static VE__INLINE pair pair_load(const float *p)
{
    return vld1q_f32_x2(p);
}
static VE__INLINE void pair_store(float *p, pair v)
{
    vst1q_f32_x2(p, v);
}
static VE__INLINE pair pair_fma(pair a, pair b, pair c)
{
    pair v = {{vfmaq_f32(c.val[0], a.val[0], b.val[0]), vfmaq_f32(c.val[1], a.val[1], b.val[1])}};
    return v;
}

/* The registers of sums, weights and the two input pixels. */
#define S0   18, 19
#define S1   20, 21
#define S2   22, 23
#define S3   24, 25
#define S4   26, 27
#define S5   28, 29
#define S6   30, 31
#define W0   4, 5
#define W1   6, 7
#define W2   8, 9
#define W3   10, 11
#define W4   12, 13
#define W5   14, 15
#define W6   16, 17
#define EVEN 0, 1
#define ODD  2, 3

#define TAP(sum, weight, in) TAP_(sum, weight, in)
#define TAP_(s0, s1, w0, w1, x0, x1)                                                                           \
    "fmla v" #s0 ".4s, v" #x0 ".4s, v" #w0 ".4s\n fmla v" #s1 ".4s, v" #x1 ".4s, v" #w1 ".4s\n"
#define LOAD(in)       LOAD_(in)
#define LOAD_(x0, x1)  "ld1 {v" #x0 ".4s, v" #x1 ".4s}, [%[x]], %[pixel]\n"
#define STORE(sum)     STORE_(sum)
#define STORE_(s0, s1) "st1 {v" #s0 ".4s, v" #s1 ".4s}, [%[out]], %[pixel]\n"
#define START(sum)     START_(sum)
#define START_(s0, s1) "ld1 {v" #s0 ".4s, v" #s1 ".4s}, [%[bias]]\n"

/* Input pixel i belongs to outputs i - 6 ... i, as far as they are among the seven, by weight i - output. */
/* clang-format off */
#define KERNEL_ROW                                                                                             \
    LOAD(EVEN)                                                                                                 \
    "ld1 {v4.4s, v5.4s, v6.4s, v7.4s}, [%[w]], #64\n"                                                          \
    LOAD(ODD)                                                                                                  \
    TAP(S0, W0, EVEN)                                                                                          \
    LOAD(EVEN)                                                                                                 \
    "ld1 {v8.4s, v9.4s, v10.4s, v11.4s}, [%[w]], #64\n"                                                        \
    TAP(S0, W1, ODD) TAP(S1, W0, ODD)                                                                          \
    LOAD(ODD)                                                                                                  \
    "ld1 {v12.4s, v13.4s, v14.4s, v15.4s}, [%[w]], #64\n"                                                      \
    TAP(S0, W2, EVEN) TAP(S1, W1, EVEN) TAP(S2, W0, EVEN)                                                      \
    LOAD(EVEN)                                                                                                 \
    "ld1 {v16.4s, v17.4s}, [%[w]], #32\n"                                                                      \
    TAP(S0, W3, ODD) TAP(S1, W2, ODD) TAP(S2, W1, ODD) TAP(S3, W0, ODD)                                        \
    LOAD(ODD)                                                                                                  \
    TAP(S0, W4, EVEN) TAP(S1, W3, EVEN) TAP(S2, W2, EVEN) TAP(S3, W1, EVEN) TAP(S4, W0, EVEN)                  \
    LOAD(EVEN)                                                                                                 \
    TAP(S0, W5, ODD) TAP(S1, W4, ODD) TAP(S2, W3, ODD) TAP(S3, W2, ODD) TAP(S4, W1, ODD) TAP(S5, W0, ODD)      \
    LOAD(ODD)                                                                                                  \
    TAP(S0, W6, EVEN) TAP(S1, W5, EVEN) TAP(S2, W4, EVEN) TAP(S3, W3, EVEN) TAP(S4, W2, EVEN)                  \
    TAP(S5, W1, EVEN) TAP(S6, W0, EVEN)                                                                        \
    LOAD(EVEN)                                                                                                 \
    TAP(S1, W6, ODD) TAP(S2, W5, ODD) TAP(S3, W4, ODD) TAP(S4, W3, ODD) TAP(S5, W2, ODD) TAP(S6, W1, ODD)      \
    LOAD(ODD)                                                                                                  \
    TAP(S2, W6, EVEN) TAP(S3, W5, EVEN) TAP(S4, W4, EVEN) TAP(S5, W3, EVEN) TAP(S6, W2, EVEN)                  \
    LOAD(EVEN)                                                                                                 \
    TAP(S3, W6, ODD) TAP(S4, W5, ODD) TAP(S5, W4, ODD) TAP(S6, W3, ODD)                                        \
    LOAD(ODD)                                                                                                  \
    TAP(S4, W6, EVEN) TAP(S5, W5, EVEN) TAP(S6, W4, EVEN)                                                      \
    LOAD(EVEN)                                                                                                 \
    TAP(S5, W6, ODD) TAP(S6, W5, ODD)                                                                          \
    TAP(S6, W6, EVEN)
#define ALL_SUMS(DO) DO(S0) DO(S1) DO(S2) DO(S3) DO(S4) DO(S5) DO(S6)
/* clang-format on */

/* Seven outputs of eight channels. x: the first input; `pixel` and `next` in bytes, `next` from behind the
 * thirteenth pixel of a row to the first of the next; rows > 0. */
static VE__INLINE void seven_outputs(const float *x, ptrdiff_t pixel, ptrdiff_t next, unsigned rows,
                                     const float *bias, const float *weights, float *out)
{
    __asm__ volatile(ALL_SUMS(START) "1:\n" KERNEL_ROW "add %[x], %[x], %[next]\n"
                                     "subs %w[rows], %w[rows], #1\n"
                                     "b.ne 1b\n" ALL_SUMS(STORE)
                     : [x] "+&r"(x), [w] "+&r"(weights), [rows] "+&r"(rows), [out] "+&r"(out)
                     : [bias] "r"(bias), [pixel] "r"(pixel), [next] "r"(next)
                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
                       "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
                       "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
}

#undef S0
#undef S1
#undef S2
#undef S3
#undef S4
#undef S5
#undef S6
#undef W0
#undef W1
#undef W2
#undef W3
#undef W4
#undef W5
#undef W6
#undef EVEN
#undef ODD
#undef TAP
#undef TAP_
#undef LOAD
#undef LOAD_
#undef STORE
#undef STORE_
#undef START
#undef START_
#undef KERNEL_ROW
#undef ALL_SUMS

#define DW(name)     pair_##name
#define DW_TYPE      pair
#define DW_WIDEST    7
#define DW_WRITTEN_7 seven_outputs
#include "kernels/depthwise_template.h"
