/* SPDX-License-Identifier: MIT */
/* A picture's life: size limits, memory, and copies from the pixel formats that callers have. */
#include "image/image.h"

#include <string.h>

ve_status ve__image_check_size(uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return ve__fail(VE_ERR_FORMAT, "an empty picture: %llu x %llu pixels", (unsigned long long)width,
                        (unsigned long long)height);
    if (width > VE_MAX_IMAGE_SIDE || height > VE_MAX_IMAGE_SIDE)
        return ve__fail(VE_ERR_TOO_LARGE, "a picture of %llu x %llu pixels: a side may have %u",
                        (unsigned long long)width, (unsigned long long)height, VE_MAX_IMAGE_SIDE);
    if (width * height > VE_MAX_IMAGE_PIXELS)
        return ve__fail(VE_ERR_TOO_LARGE, "a picture of %llu x %llu pixels: it may have %u in all",
                        (unsigned long long)width, (unsigned long long)height, VE_MAX_IMAGE_PIXELS);
    return VE_OK;
}

ve_status ve__image_create(uint32_t width, uint32_t height, ve_image **image)
{
    VE_TRY(ve__image_check_size(width, height));
    size_t bytes = (size_t)3 * width * height;
    ve_image *made = ve__allocate_zeroed(sizeof *made);
    if (made)
        made->pixels = ve__allocate(bytes);
    if (!made || !made->pixels) {
        ve__image_free(made);
        return ve__fail(VE_ERR_MEMORY, "no memory for a picture of %u x %u pixels", width, height);
    }
    made->width = width;
    made->height = height;
    *image = made;
    return VE_OK;
}

void ve__image_free(ve_image *image)
{
    if (!image)
        return;
    ve__release(image->pixels);
    ve__release(image);
}

/* Where a format keeps red, green and blue in a pixel of `bytes` bytes. */
typedef struct layout {
    unsigned bytes, red, green, blue;
} layout;

static layout layout_of(ve_pixel_format format)
{
    switch (format) {
    case VE_PIXELS_RGB:
        return (layout){3, 0, 1, 2};
    case VE_PIXELS_BGR:
        return (layout){3, 2, 1, 0};
    case VE_PIXELS_RGBA:
        return (layout){4, 0, 1, 2};
    case VE_PIXELS_BGRA:
        return (layout){4, 2, 1, 0};
    case VE_PIXELS_GRAY:
        return (layout){1, 0, 0, 0};
    }
    return (layout){0, 0, 0, 0};
}

static void copy_row(const uint8_t *from, uint32_t width, layout from_layout, uint8_t *to)
{
    if (from_layout.bytes == 3 && from_layout.red == 0) {
        memcpy(to, from, (size_t)3 * width);
        return;
    }
    for (uint32_t x = 0; x < width; x++, from += from_layout.bytes, to += 3) {
        to[0] = from[from_layout.red];
        to[1] = from[from_layout.green];
        to[2] = from[from_layout.blue];
    }
}

ve_status ve__image_copy(const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride_bytes,
                         ve_pixel_format format, ve_image **image)
{
    ve_image *made = NULL;
    layout from_layout = layout_of(format);
    if (from_layout.bytes == 0)
        return ve__fail(VE_ERR_ARGUMENT, "unknown pixel format %d", (int)format);
    VE_TRY(ve__image_check_size(width, height));
    size_t row_bytes = (size_t)width * from_layout.bytes;
    if (stride_bytes == 0)
        stride_bytes = row_bytes;
    if (stride_bytes < row_bytes)
        return ve__fail(VE_ERR_ARGUMENT, "a stride of %zu bytes for rows of %zu", stride_bytes, row_bytes);
    VE_TRY(ve__image_create(width, height, &made));
    for (uint32_t y = 0; y < height; y++)
        copy_row(pixels + y * stride_bytes, width, from_layout, made->pixels + (size_t)3 * width * y);
    *image = made;
    return VE_OK;
}
