/* SPDX-License-Identifier: MIT */
/* Little-endian numbers at unaligned addresses, half floats, and the bits of a float. */
#ifndef VE_BASE_BYTES_H
#define VE_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t ve__load_u16(const void *at)
{
    const unsigned char *b = at;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t ve__load_u32(const void *at)
{
    const unsigned char *b = at;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t ve__load_u64(const void *at)
{
    return (uint64_t)ve__load_u32(at) | (uint64_t)ve__load_u32((const unsigned char *)at + 4) << 32;
}

static inline void ve__store_u16(void *at, uint16_t value)
{
    unsigned char *b = at;
    b[0] = (unsigned char)(value & 0xff);
    b[1] = (unsigned char)(value >> 8);
}

static inline void ve__store_u32(void *at, uint32_t value)
{
    ve__store_u16(at, (uint16_t)(value & 0xffff));
    ve__store_u16((unsigned char *)at + 2, (uint16_t)(value >> 16));
}

static inline void ve__store_u64(void *at, uint64_t value)
{
    ve__store_u32(at, (uint32_t)(value & 0xffffffff));
    ve__store_u32((unsigned char *)at + 4, (uint32_t)(value >> 32));
}

static inline uint32_t ve__float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float ve__bits_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16 to float, exact (denormals, infinities and NaN included). */
float ve__half_to_float(uint16_t half);
/* Float to binary16, to nearest even; overflow gives infinity. */
uint16_t ve__float_to_half(float value);

#endif
