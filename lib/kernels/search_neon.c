/* SPDX-License-Identifier: MIT */
/* The store's search for NEON. */
#include <arm_neon.h>
#include <string.h>

#include "kernels/vec_neon.h"

#define SEARCH_ROWS    4
#define SEARCH_QUERIES 4
#define SEARCH_STREAMS 4

#define CODE_STEP    16
#define CODE_STREAMS 4
typedef int32x4_t code_vec;

static VE__INLINE code_vec code_zero(void)
{
    return vdupq_n_s32(0);
}

static VE__INLINE code_vec code_fma(code_vec sum, const int8_t *codes, const int16_t *query)
{
    int8x16_t narrow = vld1q_s8(codes);
    int16x8_t low = vmovl_s8(vget_low_s8(narrow)), high = vmovl_high_s8(narrow);
    int16x8_t first = vld1q_s16(query), second = vld1q_s16(query + 8);
    sum = vmlal_s16(sum, vget_low_s16(low), vget_low_s16(first));
    sum = vmlal_high_s16(sum, low, first);
    sum = vmlal_s16(sum, vget_low_s16(high), vget_low_s16(second));
    return vmlal_high_s16(sum, high, second);
}

static VE__INLINE int32_t code_sum(code_vec sum)
{
    return vaddvq_s32(sum);
}

/* The nearest integers of VEC_LANES floats, as codes and as floats again. */
static VE__INLINE vec code_round(vec x, int8_t *codes)
{
    int32x4_t whole = vcvtnq_s32_f32(x);
    int16x4_t half = vqmovn_s32(whole);
    int8x8_t quarter = vqmovn_s16(vcombine_s16(half, half));
    uint32_t four = vget_lane_u32(vreinterpret_u32_s8(quarter), 0);
    memcpy(codes, &four, sizeof four);
    return vcvtq_f32_s32(whole);
}

#include "kernels/search_template.h"

void ve__search_fill_neon(ve__search_kernels *table)
{
    table->dot_rows = search_dot_rows;
    table->dot_codes = search_dot_codes;
    table->encode = search_encode;
}
