/* SPDX-License-Identifier: MIT */
/* The 8-bit dense layers for AVX2. VPMADDUBSW would saturate its sums of two products, so codes (less the row's
 * zero point: -255 ... 255) and weights have 16 bits and VPMADDWD multiplies them: two products a sum, all
 * exact. */
#include "kernels/vec_avx2.h"

#define WORD_CODES  2u
#define STEPS       2u
#define MAX_VECTORS 2u
typedef int16_t code;
typedef int16_t weight;

typedef __m256i acc;

static VE__INLINE acc acc_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static VE__INLINE void acc_store(int32_t *p, acc v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}
static VE__INLINE acc acc_word(int32_t x)
{
    return _mm256_set1_epi32(x);
}
static VE__INLINE acc acc_start(const int32_t *header)
{
    (void)header;
    return _mm256_setzero_si256();
}
static VE__INLINE acc acc_add(acc x, acc w, acc sum)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
    /* Integer sums may be added in any order, and GCC finds one that needs twice the registers. */
    __asm__("" : "+x"(sum));
    return sum;
}
/* The codes have no zero point left. */
static VE__INLINE acc acc_minus(acc sum, acc column_sum, int32_t zero)
{
    (void)column_sum, (void)zero;
    return sum;
}
static VE__INLINE vec sums_to_floats(acc sums)
{
    return _mm256_cvtepi32_ps(sums);
}

static VE__INLINE float vec_most(vec v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static VE__INLINE int32_t stored_zero(int32_t zero)
{
    (void)zero;
    return 0;
}

/* Less the zero point, the largest code is 127 - zero. */
static VE__INLINE void codes_16(vec low, vec high, int32_t zero, code *to)
{
    __m256i both = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    both = _mm256_permute4x64_epi64(both, 0xd8); /* packs works on halves */
    both = _mm256_min_epi16(both, _mm256_set1_epi16((int16_t)(127 - zero)));
    _mm256_storeu_si256((__m256i *)(void *)to, both);
}

#include "kernels/dense_i8_x86_template.h"

void ve__i8_fill_avx2(ve__dense_i8 *table)
{
    static const ve__dense_i8 all = {
        packed_bytes, pack, panel_bytes, panel_write, panel_norm, multiply, multiply_gelu, 2, 1};
    *table = all;
}
