/* SPDX-License-Identifier: MIT */
/* Any bytes as a picture file: decoded, turned, and prepared for a network. */
#include "image/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Larger pictures would only make the fuzzer slow. */
#define MOST_PIXELS (512u * 512u)
#define SIDE        24u

/* The first bytes of the file also choose how it is prepared. */
static void prepare(const ve_image *image, unsigned choice)
{
    static float input[3 * SIDE * SIDE];
    ve__preprocess preprocess = {SIDE, SIDE, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}, 0, 0, 0.875f, 0};
    ve__prepare *made = NULL;
    preprocess.filter = VE__FILTER_NEAREST + choice % 6;
    preprocess.crop = VE__CROP_CENTER + choice / 6 % 3;
    if (ve__prepare_create(&preprocess, &made) != VE_OK || ve__prepare_run(made, image, input) != VE_OK)
        abort();
    ve__prepare_free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint32_t width, height;
    ve_image *image = NULL;
    if (ve__image_peek(bytes, size, &width, &height) != VE_OK || (uint64_t)width * height > MOST_PIXELS)
        return 0;
    if (ve__image_decode(bytes, size, &image) != VE_OK)
        return 0;
    prepare(image, size > 20 ? bytes[size / 2] : 0u);
    ve__image_free(image);
    return 0;
}
