/* SPDX-License-Identifier: MIT */
/*
 * A shorter GELU than gelu.h's, for outputs that are rounded to 8 bits:
 *
 *     gelu(x) = max(x, 0) - t * p(t)^2,    t = min(|x|, GELU_I8_END),    p(t) ~ sqrt(Phi(-t)) of degree 4
 *
 * within VE__I8_GELU_ERROR of the exact value everywhere; 0 gives 0. Every table takes this one, so that all
 * agree to the last bits. tools/fit-gelu-i8.py made the coefficients. To be included after a vec_*.h, or
 * without one.
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

/* By pairs, as in gelu.h: p = (c0 + c1 t) + u ((c2 + c3 t) + u c4), u = t^2. */
typedef struct gelu_i8_constants {
    vec c0, c2, odd, end;
} gelu_i8_constants;

static VE__INLINE gelu_i8_constants gelu_i8_load(void)
{
    static const float odd[4] = {GELU_I8_1, GELU_I8_3, GELU_I8_4, 0.0f};
    gelu_i8_constants g = {vec_set1(GELU_I8_0), vec_set1(GELU_I8_2), vec_load(odd), vec_set1(GELU_I8_END)};
    __asm__("" : "+w"(g.c0), "+w"(g.c2), "+w"(g.odd), "+w"(g.end)); /* stay in registers */
    return g;
}

static VE__INLINE vec gelu_i8(vec x, const gelu_i8_constants *g)
{
    vec t = vec_min(vec_abs(x), g->end), u = vec_mul(t, t);
    vec p = vfmaq_laneq_f32(g->c2, t, g->odd, 1);
    p = vfmaq_laneq_f32(p, u, g->odd, 2);
    p = vec_fma(u, p, vfmaq_laneq_f32(g->c0, t, g->odd, 0));
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
