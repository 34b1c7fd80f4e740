/* SPDX-License-Identifier: MIT */
/* The store's search for AVX2. */
#include <immintrin.h>

#include "kernels/vec_avx2.h"

#define SEARCH_ROWS    4 /* 12 sums, 3 queries, 1 row: all 16 registers */
#define SEARCH_QUERIES 3
#define SEARCH_STREAMS 1

#define CODE_STEP    16
#define CODE_STREAMS 4
typedef __m256i code_vec;

static VE__INLINE code_vec code_zero(void)
{
    return _mm256_setzero_si256();
}

static VE__INLINE code_vec code_fma(code_vec sum, const int8_t *codes, const int16_t *query)
{
    __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)codes));
    __m256i other = _mm256_loadu_si256((const __m256i *)(const void *)query);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(wide, other));
}

static VE__INLINE int32_t code_sum(code_vec sum)
{
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
}

/* The nearest integers of VEC_LANES floats, as codes and as floats again. */
static VE__INLINE vec code_round(vec x, int8_t *codes)
{
    __m256i whole = _mm256_cvtps_epi32(x);
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64((__m128i *)(void *)codes, _mm_packs_epi16(half, half));
    return _mm256_cvtepi32_ps(whole);
}

#include "kernels/search_template.h"

void ve__search_fill_avx2(ve__search_kernels *table)
{
    table->dot_rows = search_dot_rows;
    table->dot_codes = search_dot_codes;
    table->encode = search_encode;
}
