/* SPDX-License-Identifier: MIT */
/* The store's search for AVX-512. */
#include <immintrin.h>

#include "kernels/vec_avx512.h"

#define SEARCH_ROWS    4
#define SEARCH_QUERIES 6
#define SEARCH_STREAMS 1

#define CODE_STEP    32
#define CODE_STREAMS 4
typedef __m512i code_vec;

static VE__INLINE code_vec code_zero(void)
{
    return _mm512_setzero_si512();
}

static VE__INLINE code_vec code_fma(code_vec sum, const int8_t *codes, const int16_t *query)
{
    __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)codes));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(wide, _mm512_loadu_si512(query)));
}

static VE__INLINE int32_t code_sum(code_vec sum)
{
    return _mm512_reduce_add_epi32(sum);
}

/* The nearest integers of VEC_LANES floats, as codes and as floats again. */
static VE__INLINE vec code_round(vec x, int8_t *codes)
{
    __m512i whole = _mm512_cvtps_epi32(x);
    _mm_storeu_si128((__m128i *)(void *)codes, _mm512_cvtsepi32_epi8(whole));
    return _mm512_cvtepi32_ps(whole);
}

#include "kernels/search_template.h"

void ve__search_fill_avx512(ve__search_kernels *table)
{
    table->dot_rows = search_dot_rows;
    table->dot_codes = search_dot_codes;
    table->encode = search_encode;
}
