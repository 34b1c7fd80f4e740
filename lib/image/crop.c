/* SPDX-License-Identifier: MIT */
/*
 * Sizes and crops as Python computes them: numbers in double, round() to nearest, halves to even.
 *
 *   scale         floor(side / crop_fraction) per axis, or resize_to for both
 *   center        one scale for both axes (torchvision Resize(int)): shorter side -> scale, longer side ->
 *                 int(scale * longer / shorter). Two scales (timm ResizeKeepRatio, longest = 0): both sides
 *                 divided by the smaller of width / scale_width, height / scale_height, rounded
 *   squash        both sides -> their scales
 *   border        both sides divided by the larger of the two ratios, rounded; filled with round(255 * mean)
 *   then          the centre: from round((scaled - side) / 2); a side that is too short is padded, with
 *                 (side - scaled) / 2 rounded down in front (torchvision CenterCrop, timm CenterCropOrPad)
 *
 * timm resizes for a centre crop with two scales by its default filter, bilinear, whatever the checkpoint says;
 * here the preprocessing's filter always holds.
 */
#include "image/crop.h"

#include <math.h>

typedef struct size {
    uint32_t width, height;
} size;

/* Checkpoints name the fraction in decimal, as a double; its float may lie on the wrong side of a whole
 * quotient (288 / 0.96 is 300 exactly). So the float is read as the decimal of up to six places that it stands
 * for. */
static double exact_fraction(float fraction)
{
    double decimal = rint((double)fraction * 1e6) / 1e6;
    return (float)decimal == fraction ? decimal : (double)fraction;
}

static size scale_size(const ve__preprocess *preprocess)
{
    double fraction = exact_fraction(preprocess->crop_fraction);
    if (preprocess->resize_to)
        return (size){preprocess->resize_to, preprocess->resize_to};
    return (size){(uint32_t)floor(preprocess->width / fraction),
                  (uint32_t)floor(preprocess->height / fraction)};
}

/* A side is never rounded to nothing: Pillow would refuse that, and a thin line is the better answer. */
static uint32_t at_least_one(double side)
{
    return side < 1.0 ? 1 : (uint32_t)side;
}

static size resize_shorter(size from, uint32_t scale)
{
    uint32_t shorter = from.width < from.height ? from.width : from.height;
    return (size){(uint32_t)((uint64_t)scale * from.width / shorter),
                  (uint32_t)((uint64_t)scale * from.height / shorter)};
}

static size resize_keeping_ratio(size from, size scale, int by_longest)
{
    double ratio_width = (double)from.width / scale.width, ratio_height = (double)from.height / scale.height;
    double larger = ratio_width > ratio_height ? ratio_width : ratio_height;
    double smaller = ratio_width > ratio_height ? ratio_height : ratio_width;
    double ratio = by_longest ? larger : smaller;
    return (size){at_least_one(rint(from.width / ratio)), at_least_one(rint(from.height / ratio))};
}

static size resized(const ve__preprocess *preprocess, size from)
{
    size scale = scale_size(preprocess);
    if (preprocess->crop == VE__CROP_SQUASH)
        return scale;
    if (preprocess->crop == VE__CROP_BORDER)
        return resize_keeping_ratio(from, scale, 1);
    if (scale.width == scale.height)
        return resize_shorter(from, scale.width);
    return resize_keeping_ratio(from, scale, 0);
}

/* Half of an even or odd number, halves to even. */
static uint32_t half_to_even(uint32_t number)
{
    uint32_t half = number / 2;
    return half + (number % 2 != 0 && half % 2 != 0);
}

/* Of `scaled` pixels the middle `side`; or all of them, *before pixels from the input's edge. */
static ve__axis centre(uint32_t source, uint32_t scaled, uint32_t side, uint32_t *before)
{
    if (scaled < side) {
        *before = (side - scaled) / 2;
        return (ve__axis){source, scaled, 0, scaled};
    }
    *before = 0;
    return (ve__axis){source, scaled, half_to_even(scaled - side), side};
}

void ve__crop_make(const ve__preprocess *preprocess, uint32_t width, uint32_t height, ve__crop_plan *plan)
{
    size to = resized(preprocess, (size){width, height});
    plan->horizontal = centre(width, to.width, preprocess->width, &plan->left);
    plan->vertical = centre(height, to.height, preprocess->height, &plan->top);
}

/* A side of s becomes at least s / r where r is the largest side over the smallest scale; rounding down to a
 * whole pixel (at least one) may raise the ratio to 1.5 r, and a ratio below that of s = 1.5 r to 1 is none. */
double ve__crop_max_ratio(const ve__preprocess *preprocess)
{
    size scale = scale_size(preprocess);
    uint32_t smallest = scale.width < scale.height ? scale.width : scale.height;
    return 1.5 * VE_MAX_IMAGE_SIDE / smallest;
}

void ve__crop_fill(const ve__preprocess *preprocess, uint8_t fill[3])
{
    for (int c = 0; c < 3; c++) {
        double level = preprocess->crop == VE__CROP_BORDER ? rint(255.0 * preprocess->mean[c]) : 0.0;
        fill[c] = (uint8_t)(level < 0.0 ? 0.0 : level > 255.0 ? 255.0 : level);
    }
}
