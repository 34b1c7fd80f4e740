/* SPDX-License-Identifier: MIT */
/* vec.h for NEON (ARMv8.0): 4 lanes. */
#ifndef VE_KERNELS_VEC_NEON_H
#define VE_KERNELS_VEC_NEON_H

#include <arm_neon.h>

#include "kernels/vec.h"

#define VEC_LANES 4u
typedef float32x4_t vec;

static VE__INLINE vec vec_zero(void)
{
    return vdupq_n_f32(0.0f);
}
static VE__INLINE vec vec_set1(float x)
{
    return vdupq_n_f32(x);
}
static VE__INLINE vec vec_load(const float *p)
{
    return vld1q_f32(p);
}
static VE__INLINE void vec_store(float *p, vec v)
{
    vst1q_f32(p, v);
}
static VE__INLINE vec vec_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}
static VE__INLINE vec vec_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}
static VE__INLINE vec vec_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}
static VE__INLINE vec vec_min(vec a, vec b)
{
    return vminq_f32(a, b);
}
static VE__INLINE vec vec_max(vec a, vec b)
{
    return vmaxq_f32(a, b);
}
static VE__INLINE vec vec_abs(vec a)
{
    return vabsq_f32(a);
}
static VE__INLINE vec vec_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static VE__INLINE vec vec_fnma(vec a, vec b, vec c)
{
    return vfmsq_f32(c, a, b);
}
static VE__INLINE float vec_sum(vec v)
{
    return vaddvq_f32(v);
}

static VE__INLINE vec vec_load_part(const float *p, unsigned n)
{
    float lanes[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < n; i++)
        lanes[i] = p[i];
    return vld1q_f32(lanes);
}

static VE__INLINE void vec_store_part(float *p, vec v, unsigned n)
{
    float lanes[4];
    vst1q_f32(lanes, v);
    for (unsigned i = 0; i < n; i++)
        p[i] = lanes[i];
}

static VE__INLINE vec vec_keep(vec v, unsigned n)
{
    static const uint32_t index[4] = {0, 1, 2, 3};
    uint32x4_t kept = vcltq_u32(vld1q_u32(index), vdupq_n_u32(n));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), kept));
}

/* Two vectors and a pointer moved behind them, by one instruction, which compilers do not make of it. */
static VE__INLINE void vec_next_two(const float **p, vec *a, vec *b)
{
    __asm__("ldp %q0, %q1, [%2], #32" : "=&w"(*a), "=&w"(*b), "+r"(*p) : "m"(*(const float(*)[8]) * p));
}
static VE__INLINE void vec_put_two(float **p, vec a, vec b)
{
    __asm__("stp %q2, %q3, [%0], #32" : "+r"(*p), "=m"(*(float(*)[8]) * p) : "w"(a), "w"(b));
}

static VE__INLINE vec vec_load_u8(const uint8_t *p)
{
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))));
}

static VE__INLINE vec vec_load_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

#endif
