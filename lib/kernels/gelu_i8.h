/* SPDX-License-Identifier: MIT */
/*
 * A shorter GELU than gelu.h's, for outputs that are rounded to 8 bits:
 *
 *     gelu(x) = max(x, 0) - t * p(t)^2,    t = min(|x|, GELU_I8_END),    p(t) ~ sqrt(Phi(-t)) of degree 4
 *
 * within VE__I8_GELU_ERROR of the exact value everywhere; 0 gives 0. Every table takes this one, and every one
 * with vectors in the same steps, so that they agree to the last bit. tools/fit-gelu-i8.py made the
 * coefficients. To be included after a vec_*.h, or without one.
 */
#ifndef VE_KERNELS_GELU_I8_H
#define VE_KERNELS_GELU_I8_H

#define GELU_I8_END 3.8f
#define GELU_I8_0   0.70857226f
#define GELU_I8_1   -0.28309011f
#define GELU_I8_2   -0.068397544f
#define GELU_I8_3   0.046888088f
#define GELU_I8_4   -0.0058278680f

#ifndef VEC_LANES /* plain C */

static inline float gelu_i8(float x)
{
    float t = x < 0 ? -x : x;
    t = t > GELU_I8_END ? GELU_I8_END : t;
    float p = GELU_I8_4 * t + GELU_I8_3;
    p = p * t + GELU_I8_2;
    p = p * t + GELU_I8_1;
    p = p * t + GELU_I8_0;
    return (x > 0 ? x : 0) - t * (p * p);
}

#elif VEC_LANES == 4

typedef struct gelu_i8_constants {
    vec c0, c1, c2, c3, c4, end;
} gelu_i8_constants;

static VE__INLINE gelu_i8_constants gelu_i8_load(void)
{
    gelu_i8_constants g = {vec_set1(GELU_I8_0), vec_set1(GELU_I8_1), vec_set1(GELU_I8_2),
                           vec_set1(GELU_I8_3), vec_set1(GELU_I8_4), vec_set1(GELU_I8_END)};
    /* stay in registers */
    __asm__("" : "+w"(g.c0), "+w"(g.c1), "+w"(g.c2), "+w"(g.c3), "+w"(g.c4), "+w"(g.end));
    return g;
}

static VE__INLINE vec gelu_i8(vec x, const gelu_i8_constants *g)
{
    vec t = vec_min(vec_abs(x), g->end);
    vec p = vec_fma(g->c4, t, g->c3);
    p = vec_fma(p, t, g->c2);
    p = vec_fma(p, t, g->c1);
    p = vec_fma(p, t, g->c0);
    return vec_fnma(t, vec_mul(p, p), vec_max(x, vec_zero()));
}

#else

static VE__INLINE vec gelu_i8(vec x)
{
    vec t = vec_min(vec_set1(GELU_I8_END), vec_abs(x));
    vec p = vec_fma(vec_set1(GELU_I8_4), t, vec_set1(GELU_I8_3));
    p = vec_fma(p, t, vec_set1(GELU_I8_2));
    p = vec_fma(p, t, vec_set1(GELU_I8_1));
    p = vec_fma(p, t, vec_set1(GELU_I8_0));
    return vec_fnma(t, vec_mul(p, p), vec_max(vec_zero(), x));
}

#endif

#endif
