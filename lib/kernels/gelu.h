/* SPDX-License-Identifier: MIT */
/*
 * GELU over vectors: x * Phi(x) = max(x, 0) - t * Phi(-t) with t = |x|, and Phi(-t) = r(t)^4 with a polynomial
 * r.
 *
 * tools/fit-gelu.py made the coefficients. r(GELU_END) is 0 exactly, and t stops there: large negative
 * arguments, -inf among them, give 0. The largest error of the whole, in f32, is 6e-7. The operands of min and
 * max stand in the order that lets NaN through.
 *
 * To be included after a vec_*.h.
 */
#ifndef VE_KERNELS_GELU_H
#define VE_KERNELS_GELU_H

#define GELU_END 5.5f

#define GELU_0 0x1.ae894p-1f           /* 0.840890884 */
#define GELU_1 -0x1.5762fc0000000p-3f  /* -0.167669266 */
#define GELU_2 -0x1.9d38dc0000000p-5f  /* -0.0504421517 */
#define GELU_3 0x1.4cdb9e0000000p-8f   /* 0.00507900817 */
#define GELU_4 0x1.bcafb20000000p-9f   /* 0.0033926873 */
#define GELU_5 0x1.75cb1a0000000p-13f  /* 0.000178238566 */
#define GELU_6 -0x1.851d4p-12f         /* -0.000371088274 */
#define GELU_7 0x1.1ea7fc0000000p-14f  /* 6.83441613e-05 */
#define GELU_8 -0x1.0e489a0000000p-18f /* -4.02753949e-06 */

#if VEC_LANES == 4

/* FMLA adds to its own operand, so that a Horner step needs a copy of its coefficient. By pairs,
 *     r = (c0 + c1 t) + u ((c2 + c3 t) + u ((c4 + c5 t) + u ((c6 + c7 t) + u c8)))    u = t^2
 * takes four copies instead of eight; the odd coefficients are elements of one register. */
typedef struct gelu_constants {
    vec c0, c2, c4, c6, odd, c8;
} gelu_constants;

static VE__INLINE gelu_constants gelu_load_constants(void)
{
    static const float odd[4] = {GELU_1, GELU_3, GELU_5, GELU_7};
    gelu_constants g = {vec_set1(GELU_0), vec_set1(GELU_2), vec_set1(GELU_4),
                        vec_set1(GELU_6), vec_load(odd),    vec_set1(GELU_8)};
    __asm__(""
            : "+w"(g.c0), "+w"(g.c2), "+w"(g.c4), "+w"(g.c6), "+w"(g.odd), "+w"(g.c8)); /* stay in registers */
    return g;
}

static VE__INLINE vec gelu_of(vec x, const gelu_constants *g, vec end)
{
    vec t = vec_min(vec_abs(x), end), u = vec_mul(t, t);
    vec r = vfmaq_laneq_f32(g->c6, t, g->odd, 3);
    r = vec_fma(u, g->c8, r);
    r = vec_fma(u, r, vfmaq_laneq_f32(g->c4, t, g->odd, 2));
    r = vec_fma(u, r, vfmaq_laneq_f32(g->c2, t, g->odd, 1));
    r = vec_fma(u, r, vfmaq_laneq_f32(g->c0, t, g->odd, 0));
    r = vec_mul(r, r);
    r = vec_mul(r, r);
    return vec_fnma(t, r, vec_max(x, vec_zero()));
}

static VE__INLINE vec vec_gelu(vec x)
{
    gelu_constants g = gelu_load_constants();
    return gelu_of(x, &g, vec_set1(GELU_END));
}

/* `count` values, a multiple of 16. */
static VE__INLINE void gelu_vectors(float *x, size_t count)
{
    gelu_constants g = gelu_load_constants();
    vec end = vec_set1(GELU_END);
    __asm__("" : "+w"(end));
    for (; count > 0; count -= 16, x += 16) {
        float32x4x4_t v = vld1q_f32_x4(x);
        v.val[0] = gelu_of(v.val[0], &g, end);
        v.val[1] = gelu_of(v.val[1], &g, end);
        v.val[2] = gelu_of(v.val[2], &g, end);
        v.val[3] = gelu_of(v.val[3], &g, end);
        vst1q_f32_x4(x, v);
    }
}

#else

static VE__INLINE vec vec_gelu(vec x)
{
    vec t = vec_min(vec_set1(GELU_END), vec_abs(x));
    vec r = vec_fma(vec_set1(GELU_8), t, vec_set1(GELU_7));
    r = vec_fma(r, t, vec_set1(GELU_6));
    r = vec_fma(r, t, vec_set1(GELU_5));
    r = vec_fma(r, t, vec_set1(GELU_4));
    r = vec_fma(r, t, vec_set1(GELU_3));
    r = vec_fma(r, t, vec_set1(GELU_2));
    r = vec_fma(r, t, vec_set1(GELU_1));
    r = vec_fma(r, t, vec_set1(GELU_0));
    r = vec_mul(r, r);
    r = vec_mul(r, r);
    return vec_fnma(t, r, vec_max(vec_zero(), x));
}

#endif

#endif
