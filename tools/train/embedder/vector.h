/* SPDX-License-Identifier: MIT */
/* Sixteen floats at a time (AVX-512), and the element type of matrix operands: bfloat16, or float where the
 * program is built with TRAIN_F32 to be compared with PyTorch. */
#ifndef TRAIN_VECTOR_H
#define TRAIN_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#ifdef TRAIN_F32
typedef float operand;
#else
typedef uint16_t operand; /* bfloat16 */
#endif

typedef __m512 v16;

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL(n) _Pragma("unroll")
#else
#define UNROLL_TEXT(text) _Pragma(#text)
#define UNROLL(n)         UNROLL_TEXT(GCC unroll n)
#endif

INLINE v16 load(const float *p)
{
    return _mm512_loadu_ps(p);
}

INLINE void store(float *p, v16 v)
{
    _mm512_storeu_ps(p, v);
}

INLINE v16 spread(float x)
{
    return _mm512_set1_ps(x);
}

INLINE v16 zeros(void)
{
    return _mm512_setzero_ps();
}

/* exp(x) to about 1e-7 relative: 2^n times a polynomial (Cephes) on [-ln 2 / 2, ln 2 / 2]. */
INLINE v16 exp_of(v16 x)
{
    v16 n = _mm512_roundscale_ps(_mm512_mul_ps(x, spread(1.44269504f)), 8);
    v16 r = _mm512_fnmadd_ps(n, spread(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, spread(-2.12194440e-4f), r);
    v16 p = spread(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, spread(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, spread(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, spread(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, spread(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, spread(5.0000001201e-1f));
    p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, spread(1)));
    return _mm512_scalef_ps(p, n);
}

/* The erf form of GELU to about 2e-7 (Abramowitz and Stegun 7.1.26); *slope gets its derivative. */
INLINE v16 gelu(v16 v, v16 *slope)
{
    v16 u = _mm512_abs_ps(v);
    v16 e = exp_of(_mm512_mul_ps(_mm512_mul_ps(v, v), spread(-0.5f)));
    v16 q = _mm512_fmadd_ps(u, spread(0.3275911f * 0.70710678f), spread(1));
    v16 t = _mm512_rcp14_ps(q);
    t = _mm512_mul_ps(t, _mm512_fnmadd_ps(q, t, spread(2))); /* one step of Newton */
    v16 p = spread(0.5f * 1.061405429f);
    p = _mm512_fmadd_ps(p, t, spread(0.5f * -1.453152027f));
    p = _mm512_fmadd_ps(p, t, spread(0.5f * 1.421413741f));
    p = _mm512_fmadd_ps(p, t, spread(0.5f * -0.284496736f));
    p = _mm512_fmadd_ps(p, t, spread(0.5f * 0.254829592f));
    p = _mm512_mul_ps(_mm512_mul_ps(p, t), e); /* the upper tail of |v| */
    v16 below = _mm512_mask_sub_ps(p, _mm512_cmp_ps_mask(v, zeros(), _CMP_GE_OQ), spread(1), p);
    *slope = _mm512_fmadd_ps(_mm512_mul_ps(v, spread(0.39894228f)), e, below);
    return _mm512_mul_ps(v, below);
}

/* ---- operands */

#ifdef TRAIN_F32
INLINE void operand_store32(operand *p, v16 low, v16 high)
{
    store(p, low);
    store(p + 16, high);
}

INLINE void operand_store16(operand *p, v16 v)
{
    store(p, v);
}

INLINE v16 operand_load(const operand *p)
{
    return load(p);
}
#else
INLINE __m512i operand_pack(v16 low, v16 high)
{
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

INLINE void operand_store32(operand *p, v16 low, v16 high)
{
    _mm512_storeu_si512(p, operand_pack(low, high));
}

INLINE void operand_store16(operand *p, v16 v)
{
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(v));
}

INLINE v16 operand_load(const operand *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* Lanes (a0, b0, a1, b1 ...): what a dot product of pairs wants where a and b are two rows of K. */
INLINE __m512i operand_pairs(v16 a, v16 b)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                           22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, operand_pack(a, b));
}
#endif

#endif
