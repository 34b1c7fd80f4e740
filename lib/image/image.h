/* SPDX-License-Identifier: MIT */
/*
 * Pictures, from a file's bytes to the network's input.
 *
 *     ve__image_read / ve__image_decode / ve__image_copy    a ve_image: 8-bit RGB, upright
 *     ve__prepare_create                                    scratch memory for one preprocessing
 *     ve__prepare_run                                       picture -> resized, cropped, normalised floats
 *     ve__prepare_free, ve__image_free
 *
 * What lies behind it: decode.c (the only file that sees stb_image), jpeg.c and png.c (what stb_image does not
 * check), pnm.c, orientation.c (EXIF), crop.c (which part of which size: timm, torchvision), filter.c and
 * resize.c (Pillow's resampling, to the bit), prepare.c (all of it together).
 */
#ifndef VE_IMAGE_IMAGE_H
#define VE_IMAGE_IMAGE_H

#include "base/memory.h"
#include "base/status.h"
#include "weights/arch.h"

struct ve_image {
    uint32_t width, height;
    uint8_t *pixels; /* RGB, height rows of 3 * width bytes */
};

/* VE_ERR_FORMAT for an empty picture, VE_ERR_TOO_LARGE above VE_MAX_IMAGE_SIDE or VE_MAX_IMAGE_PIXELS. */
ve_status ve__image_check_size(uint64_t width, uint64_t height);
/* A picture of a checked size whose pixels are not set yet. */
ve_status ve__image_create(uint32_t width, uint32_t height, ve_image **image);
void ve__image_free(ve_image *image);
/* Converts rows of any pixel format; stride_bytes is at least a row's bytes. */
ve_status ve__image_copy(const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride_bytes,
                         ve_pixel_format format, ve_image **image);

/* The size that an encoded picture claims to have, before EXIF turns it; checked against the limits. Nothing is
 * decoded. */
ve_status ve__image_peek(const void *bytes, size_t size, uint32_t *width, uint32_t *height);
/* JPEG, PNG, BMP, GIF (first frame), TGA, PNM (binary). Alpha is dropped, not blended; 16-bit samples keep
 * their upper byte; gray becomes R = G = B; EXIF orientation of JPEG files is applied. */
ve_status ve__image_decode(const void *bytes, size_t size, ve_image **image);
/* The same for a file, pipes included; failures name the path. */
ve_status ve__image_read(const char *path, ve_image **image);

/* Scratch memory for preparing pictures of up to VE_MAX_IMAGE_SIDE for one input size; reserved once (most of
 * it is never touched), so that preparing allocates nothing. One thread at a time. */
typedef struct ve__prepare ve__prepare;
ve_status ve__prepare_create(const ve__preprocess *preprocess, ve__prepare **prepare);
void ve__prepare_free(ve__prepare *prepare);
/* Bytes reserved. */
size_t ve__prepare_bytes(const ve__prepare *prepare);
/* image -> input: [height][width][3] float32, resized, cropped, (v / 255 - mean) / std. A picture that already
 * has the input's size is only converted where the crop mode would resize it to just that size; a session for
 * crop_fraction < 1 still crops, as timm does. */
ve_status ve__prepare_run(ve__prepare *prepare, const struct ve_image *image, float *input);

#endif
