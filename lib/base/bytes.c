/* SPDX-License-Identifier: MIT */
/* Half floats in integer arithmetic, for machines and places without the instruction. */
#include "base/bytes.h"

float ve__half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f)
        return ve__bits_float(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) {
        /* A denormal is fraction * 2^-24, exact in a float. */
        float value = (float)fraction * 5.9604644775390625e-8f;
        return ve__bits_float(ve__float_bits(value) | sign);
    }
    return ve__bits_float(sign | (exponent + 112) << 23 | fraction << 13);
}

/* bits >> shift, to nearest, ties to even. */
static uint32_t shift_to_even(uint32_t bits, unsigned shift)
{
    uint32_t kept = bits >> shift, rest = bits & ((1u << shift) - 1), half = 1u << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t ve__float_to_half(float value)
{
    uint32_t bits = ve__float_bits(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00); /* NaN stays NaN */
    if (magnitude >= 0x47800000)
        return (uint16_t)(sign | 0x7c00); /* 65536 and more; 65520 ... rounds up below */
    if (magnitude >= 0x38800000)
        return (uint16_t)(sign | shift_to_even(magnitude - 0x38000000, 13)); /* 2^-14 and more: normal */
    if (magnitude < 0x33000000)
        return sign; /* less than half of 2^-24 */
    unsigned shift = 126 - (magnitude >> 23);
    return (uint16_t)(sign | shift_to_even((magnitude & 0x7fffff) | 0x800000, shift));
}
