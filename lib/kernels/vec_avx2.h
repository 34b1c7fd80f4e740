/* SPDX-License-Identifier: MIT */
/* vec.h for AVX2 with FMA and F16C: 8 lanes. */
#ifndef VE_KERNELS_VEC_AVX2_H
#define VE_KERNELS_VEC_AVX2_H

#include <immintrin.h>

#include "kernels/vec.h"

/* The two functions that norm_template.h shares between files. */
#define VE__NORM(name) ve__norm_avx2_##name

#define VEC_LANES 8u
typedef __m256 vec;

static VE__INLINE vec vec_zero(void)
{
    return _mm256_setzero_ps();
}
static VE__INLINE vec vec_set1(float x)
{
    return _mm256_set1_ps(x);
}
static VE__INLINE vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static VE__INLINE void vec_store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}
static VE__INLINE vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
static VE__INLINE vec vec_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}
static VE__INLINE vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}
static VE__INLINE vec vec_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}
static VE__INLINE vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
static VE__INLINE vec vec_abs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
static VE__INLINE vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static VE__INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

static VE__INLINE float vec_sum(vec v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* Ones in the first n lanes. */
static VE__INLINE __m256i vec_mask(unsigned n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static VE__INLINE vec vec_load_part(const float *p, unsigned n)
{
    return _mm256_maskload_ps(p, vec_mask(n));
}
static VE__INLINE void vec_store_part(float *p, vec v, unsigned n)
{
    _mm256_maskstore_ps(p, vec_mask(n), v);
}
static VE__INLINE vec vec_keep(vec v, unsigned n)
{
    return _mm256_and_ps(v, _mm256_castsi256_ps(vec_mask(n)));
}

static VE__INLINE vec vec_load_u8(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

static VE__INLINE vec vec_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

#endif
