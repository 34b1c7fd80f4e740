/* SPDX-License-Identifier: MIT */
/* See degrade.h. */
#include "degrade.h"

#include <math.h>
#include <string.h>

#include "base.h"
#include "shape.h"

enum { LEAST_SIDE = 18, MOST_LOW_SIDE = 50 };

static uint8_t byte_of(float v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static float between(uint64_t *state, float low, float high)
{
    return low + (high - low) * uniform(state);
}

/* ---- geometry */

/* The colour at (x, y) of a side x side picture of 3 floats a pixel, edges continued. */
static void sample(const float *pixels, int side, float x, float y, float *colour)
{
    float most = (float)(side - 1);
    x = x < 0 ? 0 : x > most ? most : x;
    y = y < 0 ? 0 : y > most ? most : y;
    int left = (int)x, top = (int)y;
    int right = left + (left + 1 < side), bottom = top + (top + 1 < side);
    float fx = x - (float)left, fy = y - (float)top;
    for (int c = 0; c < 3; c++) {
        float above =
            (1 - fx) * pixels[(top * side + left) * 3 + c] + fx * pixels[(top * side + right) * 3 + c];
        float below =
            (1 - fx) * pixels[(bottom * side + left) * 3 + c] + fx * pixels[(bottom * side + right) * 3 + c];
        colour[c] = (1 - fy) * above + fy * below;
    }
}

/* out(x, y) = picture(a x - b y + tx, b x + a y + ty), counted from the centres. */
static void transform(const float *picture, int side, float a, float b, float tx, float ty, uint8_t *out)
{
    float middle = (float)(CROP - 1) / 2, source_middle = (float)(side - 1) / 2, colour[3];
    for (int i = 0; i < CROP; i++)
        for (int j = 0; j < CROP; j++) {
            float x = (float)j - middle, y = (float)i - middle;
            sample(picture, side, a * x - b * y + tx + source_middle, b * x + a * y + ty + source_middle,
                   colour);
            for (int c = 0; c < 3; c++)
                out[(i * CROP + j) * 3 + c] = byte_of(colour[c] + 0.5f);
        }
}

/* What a detector's points get wrong: some degrees, some percent, a few pixels. */
static void misalign(uint8_t *crop, uint64_t *state)
{
    float picture[CROP_BYTES];
    float angle = between(state, -0.12f, 0.12f), scale = between(state, 0.93f, 1.07f);
    float tx = between(state, -3, 3), ty = between(state, -3, 3);
    for (int i = 0; i < CROP_BYTES; i++)
        picture[i] = crop[i];
    transform(picture, CROP, scale * cosf(angle), scale * sinf(angle), tx, ty, crop);
}

/* Down to side x side by areas, and up again by straight lines. */
static void lower_resolution(uint8_t *crop, uint64_t *state)
{
    float low[MOST_LOW_SIDE * MOST_LOW_SIDE * 3];
    int side = (int)between(state, LEAST_SIDE, MOST_LOW_SIDE);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int y0 = y * CROP / side, y1 = (y + 1) * CROP / side, x0 = x * CROP / side,
                x1 = (x + 1) * CROP / side;
            int sum[3] = {0, 0, 0};
            for (int i = y0; i < y1; i++)
                for (int j = x0; j < x1; j++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += crop[(i * CROP + j) * 3 + c];
            for (int c = 0; c < 3; c++)
                low[(y * side + x) * 3 + c] = (float)sum[c] / (float)((y1 - y0) * (x1 - x0));
        }
    transform(low, side, (float)side / CROP, 0, 0, 0, crop);
}

/* A mean over 2 * reach + 1 pixels that lie step_x, step_y apart: twice across and down for a soft lens, once
 * in a direction for a moving face. */
static void smear(uint8_t *crop, int reach, int step_x, int step_y)
{
    uint8_t source[CROP_BYTES];
    memcpy(source, crop, sizeof source);
    for (int i = 0; i < CROP; i++)
        for (int j = 0; j < CROP; j++) {
            int sum[3] = {0, 0, 0};
            for (int k = -reach; k <= reach; k++) {
                int y = i + k * step_y, x = j + k * step_x;
                y = y < 0 ? 0 : y > CROP - 1 ? CROP - 1 : y;
                x = x < 0 ? 0 : x > CROP - 1 ? CROP - 1 : x;
                for (int c = 0; c < 3; c++)
                    sum[c] += source[(y * CROP + x) * 3 + c];
            }
            for (int c = 0; c < 3; c++)
                crop[(i * CROP + j) * 3 + c] = (uint8_t)((sum[c] + reach) / (2 * reach + 1));
        }
}

static void blur(uint8_t *crop, uint64_t *state)
{
    int reach = uniform(state) < 0.6f ? 1 : 2;
    if (uniform(state) < 0.5f) {
        for (int round = 0; round < 2; round++) {
            smear(crop, reach, 1, 0);
            smear(crop, reach, 0, 1);
        }
    } else {
        smear(crop, 2 * reach, 1, (int)between(state, -1, 2));
    }
}

/* ---- light and colour */

static void relight(uint8_t *crop, uint64_t *state)
{
    uint8_t table[3][256];
    float level = uniform(state) < 0.5f ? between(state, 0.12f, 0.65f) : between(state, 0.7f, 1.3f);
    float gamma = expf(between(state, -0.35f, 0.35f)),
          noise = uniform(state) < 0.5f ? between(state, 0, 14) : 0;
    for (int c = 0; c < 3; c++) {
        float tint = between(state, 0.875f, 1.125f);
        for (int i = 0; i < 256; i++)
            table[c][i] = byte_of(255 * level * tint * powf((float)i / 255, gamma));
    }
    for (int i = 0; i < CROP_BYTES; i++) {
        float v = table[i % 3][crop[i]];
        if (noise > 0) { /* the sum of three bytes is near enough to a bell */
            uint64_t h = mix64(*state + (uint64_t)i);
            v += noise * ((float)((h & 255) + (h >> 8 & 255) + (h >> 16 & 255)) / 128 - 2.99f);
        }
        crop[i] = byte_of(v);
    }
}

static void remove_colour(uint8_t *crop)
{
    for (int i = 0; i < CROP_BYTES; i += 3) {
        int luma = (77 * crop[i] + 150 * crop[i + 1] + 29 * crop[i + 2]) >> 8;
        crop[i] = crop[i + 1] = crop[i + 2] = (uint8_t)luma;
    }
}

/* ---- things in front of the face */

typedef struct box {
    int x, y, width, height;
} box;

static void paint(uint8_t *crop, box b, uint64_t *state)
{
    int is_noise = uniform(state) < 0.4f;
    uint8_t colour[3];
    for (int c = 0; c < 3; c++)
        colour[c] = (uint8_t)(255 * uniform(state));
    for (int i = b.y; i < b.y + b.height; i++)
        for (int j = b.x; j < b.x + b.width; j++)
            for (int c = 0; c < 3; c++) {
                int at = (i * CROP + j) * 3 + c;
                crop[at] = is_noise ? (uint8_t)mix64(*state + (uint64_t)at) : colour[c];
            }
}

/* A third of them a mask over the lower half, some a band over the eyes, else a patch anywhere. */
static void occlude(uint8_t *crop, uint64_t *state)
{
    float kind = uniform(state);
    box b;
    b.height = (int)(kind < 0.33f ? between(state, 36, 58) : between(state, 14, kind < 0.5f ? 26 : 48));
    b.width = (int)(kind < 0.5f ? between(state, 84, CROP) : between(state, 14, 48));
    b.y = kind < 0.33f ? CROP - b.height : kind < 0.5f ? (int)between(state, 32, 48) : 0;
    if (kind >= 0.5f)
        b.y = (int)((float)(CROP - b.height) * uniform(state));
    b.x = (int)((float)(CROP - b.width) * uniform(state));
    paint(crop, b, state);
}

void degrade(const uint8_t *crop, uint8_t *out, uint64_t *state)
{
    memcpy(out, crop, CROP_BYTES);
    if (uniform(state) < 0.25f)
        misalign(out, state);
    if (uniform(state) < 0.36f)
        lower_resolution(out, state);
    if (uniform(state) < 0.08f)
        blur(out, state);
    if (uniform(state) < 0.18f)
        relight(out, state);
    if (uniform(state) < 0.10f)
        remove_colour(out);
    if (uniform(state) < 0.18f)
        occlude(out, state);
}
