/* SPDX-License-Identifier: MIT */
/* The 8-bit dense layers for AVX-512 with VNNI: VPDPBUSD adds four products of an unsigned and a signed byte to
 * each sum, without saturating, so a word is four codes + 128, or four weights. */
#include "kernels/vec_avx512.h"

#define WORD_CODES  4u
#define STEPS       1u
#define MAX_VECTORS 3u
typedef uint8_t code;
typedef int8_t weight;

typedef __m512i acc;
typedef __m256i half_acc;

static VE__INLINE acc acc_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}
static VE__INLINE void acc_store(int32_t *p, acc v)
{
    _mm512_storeu_si512(p, v);
}
static VE__INLINE acc acc_word(int32_t x)
{
    return _mm512_set1_epi32(x);
}
static VE__INLINE acc acc_start(const int32_t *header)
{
    (void)header;
    return _mm512_setzero_si512();
}
static VE__INLINE acc acc_add(acc x, acc w, acc sum)
{
    return _mm512_dpbusd_epi32(sum, x, w);
}
/* sum - zero * column_sum */
static VE__INLINE acc acc_minus(acc sum, acc column_sum, int32_t zero)
{
    return _mm512_sub_epi32(sum, _mm512_mullo_epi32(column_sum, _mm512_set1_epi32(zero)));
}
static VE__INLINE vec sums_to_floats(acc sums)
{
    return _mm512_cvtepi32_ps(sums);
}

static VE__INLINE float vec_most(vec v)
{
    return _mm512_reduce_max_ps(v);
}

static VE__INLINE half_acc half_acc_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static VE__INLINE half_acc half_acc_start(const int32_t *header)
{
    (void)header;
    return _mm256_setzero_si256();
}
static VE__INLINE half_acc half_acc_add(acc x, half_acc w, half_acc sum)
{
    return _mm256_dpbusd_epi32(sum, _mm512_castsi512_si256(x), w);
}
static VE__INLINE acc half_acc_widen(half_acc v)
{
    return _mm512_inserti64x4(_mm512_setzero_si512(), v, 0);
}

static VE__INLINE int32_t stored_zero(int32_t zero)
{
    return zero + 128;
}

/* No value is below 0 here, since none was below its row's range. */
static VE__INLINE void codes_16(vec values, vec unused, int32_t zero, code *to)
{
    __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(values), _mm512_set1_epi32(zero + 128));
    (void)unused;
    _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtusepi32_epi8(whole));
}

#include "kernels/dense_i8_x86_template.h"

void ve__i8_fill_avx512vnni(ve__dense_i8 *table)
{
    static const ve__dense_i8 all = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, multiply, multiply_gelu, 2, 1};
    *table = all;
}
