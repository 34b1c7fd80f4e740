/* SPDX-License-Identifier: MIT */
/* The public functions on pictures: arguments are checked here, the work is done in lib/image. */
#include "image/image.h"
#include "base/status.h"

ve_status ve_image_load(const char *path, ve_image **image)
{
    VE_CHECK_ARG(path != NULL);
    VE_CHECK_ARG(image != NULL);
    return ve__image_read(path, image);
}

ve_status ve_image_decode(const void *bytes, size_t size, ve_image **image)
{
    VE_CHECK_ARG(bytes != NULL || size == 0);
    VE_CHECK_ARG(image != NULL);
    return ve__image_decode(bytes, size, image);
}

ve_status ve_image_from_pixels(const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride_bytes,
                               ve_pixel_format format, ve_image **image)
{
    VE_CHECK_ARG(pixels != NULL);
    VE_CHECK_ARG(width > 0);
    VE_CHECK_ARG(height > 0);
    VE_CHECK_ARG(image != NULL);
    return ve__image_copy(pixels, width, height, stride_bytes, format, image);
}

uint32_t ve_image_width(const ve_image *image)
{
    return image ? image->width : 0;
}

uint32_t ve_image_height(const ve_image *image)
{
    return image ? image->height : 0;
}

const uint8_t *ve_image_pixels(const ve_image *image)
{
    return image ? image->pixels : NULL;
}

void ve_image_free(ve_image *image)
{
    ve__image_free(image);
}
