/* SPDX-License-Identifier: MIT */
/* SplitMix64. */
#include "support/random.h"

uint32_t random_next(random_source *source)
{
    uint64_t z = source->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

uint32_t random_below(random_source *source, uint32_t count)
{
    return (uint32_t)((uint64_t)random_next(source) * count >> 32);
}

float random_float(random_source *source, float low, float high)
{
    return low + (high - low) * ((float)(random_next(source) >> 8) / 16777216.0f);
}

void random_floats(random_source *source, float *x, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        x[i] = random_float(source, low, high);
}
