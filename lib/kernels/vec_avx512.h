/* SPDX-License-Identifier: MIT */
/* vec.h for AVX-512: 16 lanes, and halves of 8 for what is left over of rows padded to 8. */
#ifndef VE_KERNELS_VEC_AVX512_H
#define VE_KERNELS_VEC_AVX512_H

#include <immintrin.h>

#include "kernels/vec.h"

/* The two functions that norm_template.h shares between files. */
#define VE__NORM(name) ve__norm_avx512_##name

#define VEC_LANES 16u
typedef __m512 vec;

static VE__INLINE vec vec_zero(void)
{
    return _mm512_setzero_ps();
}
static VE__INLINE vec vec_set1(float x)
{
    return _mm512_set1_ps(x);
}
static VE__INLINE vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static VE__INLINE void vec_store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}
static VE__INLINE vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
static VE__INLINE vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}
static VE__INLINE vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
static VE__INLINE vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}
static VE__INLINE vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
static VE__INLINE vec vec_abs(vec a)
{
    return _mm512_abs_ps(a);
}
static VE__INLINE vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static VE__INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}
static VE__INLINE float vec_sum(vec v)
{
    return _mm512_reduce_add_ps(v);
}

static VE__INLINE __mmask16 vec_mask(unsigned n)
{
    return (__mmask16)((1u << n) - 1u);
}
static VE__INLINE vec vec_load_part(const float *p, unsigned n)
{
    return _mm512_maskz_loadu_ps(vec_mask(n), p);
}
static VE__INLINE void vec_store_part(float *p, vec v, unsigned n)
{
    _mm512_mask_storeu_ps(p, vec_mask(n), v);
}
static VE__INLINE vec vec_keep(vec v, unsigned n)
{
    return _mm512_maskz_mov_ps(vec_mask(n), v);
}

static VE__INLINE vec vec_load_u8(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

static VE__INLINE vec vec_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* Eight lanes. */
typedef __m256 half;
static VE__INLINE half half_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static VE__INLINE void half_store(float *p, half v)
{
    _mm256_storeu_ps(p, v);
}
static VE__INLINE half half_set1(float x)
{
    return _mm256_set1_ps(x);
}
static VE__INLINE half half_fma(half a, half b, half c)
{
    return _mm256_fmadd_ps(a, b, c);
}
/* The half with zeros behind it. */
static VE__INLINE vec half_widen(half v)
{
    return _mm512_castpd_ps(_mm512_insertf64x4(_mm512_setzero_pd(), _mm256_castps_pd(v), 0));
}

#endif
