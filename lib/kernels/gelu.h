/* SPDX-License-Identifier: MIT */
/*
 * GELU over a vector: x * Phi(x) = max(x, 0) - t * Phi(-t) with t = |x|, and Phi(-t) = r(t)^4 with a polynomial
 * r.
 *
 * tools/fit-gelu.py made the coefficients. r(VE__GELU_END) is 0 exactly, and t stops there: large negative
 * arguments, -inf among them, give 0. The largest error of the whole, in f32, is 6e-7. The operands of min and
 * max stand in the order that lets NaN through.
 *
 * To be included after a vec_*.h.
 */
#ifndef VE_KERNELS_GELU_H
#define VE_KERNELS_GELU_H

#define VE__GELU_END 5.5f

static const float gelu_coefficients[9] = {
    0x1.ae89400000000p-1f,   /* t^0: 0.840890884 */
    -0x1.5763100000000p-3f,  /* t^1: -0.167669415 */
    -0x1.9d38d00000000p-5f,  /* t^2: -0.0504421294 */
    0x1.4cdb9c0000000p-8f,   /* t^3: 0.00507900771 */
    0x1.bcafb40000000p-9f,   /* t^4: 0.00339268753 */
    0x1.75cb1a0000000p-13f,  /* t^5: 0.000178238566 */
    -0x1.851d400000000p-12f, /* t^6: -0.000371088274 */
    0x1.1ea7fc0000000p-14f,  /* t^7: 6.83441613e-05 */
    -0x1.0e489a0000000p-18f, /* t^8: -4.02753949e-06 */
};

static VE__INLINE vec vec_gelu(vec x)
{
    const float *c = gelu_coefficients;
    vec t = vec_min(vec_set1(VE__GELU_END), vec_abs(x));
    vec r = vec_fma(vec_set1(c[8]), t, vec_set1(c[7]));
    r = vec_fma(r, t, vec_set1(c[6]));
    r = vec_fma(r, t, vec_set1(c[5]));
    r = vec_fma(r, t, vec_set1(c[4]));
    r = vec_fma(r, t, vec_set1(c[3]));
    r = vec_fma(r, t, vec_set1(c[2]));
    r = vec_fma(r, t, vec_set1(c[1]));
    r = vec_fma(r, t, vec_set1(c[0]));
    r = vec_mul(r, r);
    r = vec_mul(r, r);
    return vec_fnma(t, r, vec_max(vec_zero(), x));
}

#endif
