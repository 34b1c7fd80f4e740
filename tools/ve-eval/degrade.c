/* SPDX-License-Identifier: MIT */
/* Bad conditions, made of good pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "degrade.h"

#define GAMMA        2.2
#define DARK_LIGHT   (1.0 / 16) /* four stops less light */
#define DARK_SHOT    2e-4       /* variance of the light, per unit of light: photons are counted */
#define DARK_READ    5e-4       /* standard deviation of what the sensor adds */
#define BRIGHT_LIGHT 4.0        /* two stops too many */
#define NOISE_LEVELS 25.0
#define BLUR_SIDE    32u
#define COVER_FROM   0.57 /* of the height: above the tip of the nose of an aligned face */
#define COVER_LEVEL  128

static const char *const names[CONDITION_COUNT] = {"none", "dark",   "bright", "noise",
                                                   "gray", "blur32", "covered"};

const char *condition_name(condition which)
{
    return names[which];
}

int condition_find(const char *name, condition *which)
{
    for (int i = 0; i < CONDITION_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *which = (condition)i;
            return 0;
        }
    return -1;
}

static uint64_t mixed(uint64_t x) /* splitmix64's output step */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t seed_of(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return mixed(hash);
}

/* Nearly normal, mean 0, variance 1: the sum of twelve uniform 16-bit numbers, which every machine adds alike.
 */
static double normal(uint64_t seed, size_t number)
{
    uint32_t sum = 0;
    for (uint64_t word = 0; word < 3; word++) {
        uint64_t bits = mixed(seed + 3 * (uint64_t)number + word);
        for (int i = 0; i < 4; i++)
            sum += (uint32_t)(bits >> 16 * i & 0xFFFFu);
    }
    return (double)sum / 65536 - 6 + 6.0 / 65536;
}

static uint8_t to_level(double value)
{
    return (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : floor(value + 0.5));
}

/* Light from 0 to 1 that makes a level, and back. */
static double light_of(uint8_t level)
{
    return pow(level / 255.0, GAMMA);
}

static uint8_t level_of(double light)
{
    return to_level(light <= 0 ? 0 : 255 * pow(light, 1 / GAMMA));
}

static void make_dark(uint8_t *rgb, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        double light = light_of(rgb[i]) * DARK_LIGHT;
        rgb[i] = level_of(light + sqrt(light * DARK_SHOT + DARK_READ * DARK_READ) * normal(seed, i));
    }
}

static void make_bright(uint8_t *rgb, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rgb[i] = level_of(light_of(rgb[i]) * BRIGHT_LIGHT);
}

static void add_noise(uint8_t *rgb, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        rgb[i] = to_level(rgb[i] + NOISE_LEVELS * normal(seed, i));
}

static void make_gray(uint8_t *rgb, size_t count)
{
    for (size_t i = 0; i + 2 < count; i += 3) {
        uint8_t level = to_level(0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2]);
        rgb[i] = rgb[i + 1] = rgb[i + 2] = level;
    }
}

static void cover(uint8_t *rgb, uint32_t width, uint32_t height)
{
    uint32_t from = (uint32_t)floor(COVER_FROM * height);
    memset(rgb + 3 * (size_t)width * from, COVER_LEVEL, 3 * (size_t)width * (height - from));
}

/* One row or column, `count` values `step` apart, to `new_count` values: weights form a triangle that is as
 * wide as two pixels of the coarser grid, as Pillow's bilinear filter has it. */
static void resample_line(const float *from, uint32_t count, size_t step, float *to, uint32_t new_count,
                          size_t new_step)
{
    double ratio = (double)count / new_count, reach = ratio > 1 ? ratio : 1;
    for (uint32_t i = 0; i < new_count; i++) {
        double centre = (i + 0.5) * ratio, sum = 0, weights = 0;
        long first = (long)floor(centre - reach), last = (long)ceil(centre + reach);
        for (long k = first < 0 ? 0 : first; k < last && k < (long)count; k++) {
            double weight = 1 - fabs((double)k + 0.5 - centre) / reach;
            if (weight <= 0)
                continue;
            sum += weight * (double)from[(size_t)k * step];
            weights += weight;
        }
        to[i * new_step] = (float)(sum / weights);
    }
}

/* from (width x height) to `to`, through `between` (new_width x height). */
static void resample(const float *from, uint32_t width, uint32_t height, float *between, float *to,
                     uint32_t new_width, uint32_t new_height)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t c = 0; c < 3; c++)
            resample_line(from + 3 * (size_t)width * y + c, width, 3, between + 3 * (size_t)new_width * y + c,
                          new_width, 3);
    for (size_t x = 0; x < 3 * (size_t)new_width; x++)
        resample_line(between + x, height, 3 * (size_t)new_width, to + x, new_height, 3 * (size_t)new_width);
}

static uint32_t scaled_side(uint32_t side, uint32_t longer)
{
    uint32_t scaled = (side * BLUR_SIDE + longer / 2) / longer;
    return scaled ? scaled : 1;
}

/* Down to 32 pixels on the longer side and up again. Smaller pictures stay as they are. */
static int blur(uint8_t *rgb, uint32_t width, uint32_t height)
{
    uint32_t longer = width > height ? width : height;
    if (longer <= BLUR_SIDE)
        return 0;
    uint32_t small_width = scaled_side(width, longer), small_height = scaled_side(height, longer);
    size_t count = 3 * (size_t)width * height;
    float *values = calloc(3 * count, sizeof *values);
    if (!values)
        return -1;
    float *between = values + count, *small = between + count;
    for (size_t i = 0; i < count; i++)
        values[i] = rgb[i];
    resample(values, width, height, between, small, small_width, small_height);
    /* The small picture has whole levels, as one from a camera would. */
    for (size_t i = 0; i < 3 * (size_t)small_width * small_height; i++)
        small[i] = (float)to_level((double)small[i]);
    resample(small, small_width, small_height, between, values, width, height);
    for (size_t i = 0; i < count; i++)
        rgb[i] = to_level((double)values[i]);
    free(values);
    return 0;
}

int degrade(condition which, const char *name, uint8_t *rgb, uint32_t width, uint32_t height)
{
    size_t count = 3 * (size_t)width * height;
    if (which == CONDITION_BLUR32)
        return blur(rgb, width, height);
    if (which == CONDITION_DARK)
        make_dark(rgb, count, seed_of(name));
    else if (which == CONDITION_BRIGHT)
        make_bright(rgb, count);
    else if (which == CONDITION_NOISE)
        add_noise(rgb, count, seed_of(name));
    else if (which == CONDITION_GRAY)
        make_gray(rgb, count);
    else if (which == CONDITION_COVERED)
        cover(rgb, width, height);
    return 0;
}
