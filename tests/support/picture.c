/* SPDX-License-Identifier: MIT */
/* Test pictures: integer formulas only, so that every language draws the same. */
#include "support/picture.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/cmocka_all.h"

static uint32_t hash(uint32_t index, uint32_t seed)
{
    uint32_t h = index * 2654435761u + seed * 40503u + 1u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    h *= 3266489917u;
    return h ^ h >> 16;
}

static uint8_t level(picture_kind kind, uint32_t seed, uint32_t index, uint32_t x, uint32_t y, uint32_t channel)
{
    if (kind == PICTURE_RAMP)
        return (uint8_t)(x * 3 + y * 2 + channel * 85 + seed);
    if (kind == PICTURE_EXTREME)
        return hash(index, seed) & 1 ? 255 : 0;
    return (uint8_t)hash(index, seed);
}

void picture_draw(picture_kind kind, uint32_t seed, uint32_t width, uint32_t height, uint8_t *pixels)
{
    uint32_t index = 0;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t channel = 0; channel < 3; channel++, index++)
                pixels[index] = level(kind, seed, index, x, y, channel);
}

uint8_t *picture_make(picture_kind kind, uint32_t seed, uint32_t width, uint32_t height)
{
    uint8_t *pixels = malloc((size_t)3 * width * height);
    assert_non_null(pixels);
    picture_draw(kind, seed, width, height, pixels);
    return pixels;
}

uint32_t picture_crc(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

uint8_t *picture_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: cannot be opened (tests run in the repository's root)", path);
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    assert_true(length >= 0);
    uint8_t *bytes = malloc(length ? (size_t)length : 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    fclose(file);
    *size = (size_t)length;
    return bytes;
}
