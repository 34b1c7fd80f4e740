/* SPDX-License-Identifier: MIT */
/*
 * Encoded pictures to pixels; the only file that sees stb_image (Debian's libstb-dev, public domain).
 *
 * What is added around stb_image: limits on the size before anything is decoded; the walks in jpeg.c and png.c
 * over what it does not check; a PNM reader of our own; a bound on its memory, which follows from the size that
 * the picture claims; and a reader that notices when stb_image wants more bytes than there are: by itself it
 * takes zeros, or leaves memory unset, and calls the picture whole.
 *
 * JPEG is not decoded to the same bits everywhere: stb_image's inverse DCT and its smooth chroma upsampling
 * differ from libjpeg's (Pillow, OpenCV) by a few levels in smooth parts, more along sharp coloured edges.
 */
#include "image/image.h"

#include <string.h>

#include "image/jpeg.h"
#include "image/orientation.h"
#include "image/png.h"
#include "image/pnm.h"

/* What stb_image holds while it works for this thread. Some of its error paths forget blocks, and it takes a
 * failed allocation in one format's test for "not that format"; so both are kept track of here. */
#define MOST_BLOCKS 64u
static __thread struct held {
    void *blocks[MOST_BLOCKS]; /* NULL: a free place */
    size_t largest_block;      /* that a picture of this size can need */
    int is_out_of_memory, is_overfull;
} held;

/* The place of a block (of a free place: NULL), or NULL when there is none. */
static void **held_place(const void *block)
{
    for (unsigned i = 0; i < MOST_BLOCKS; i++)
        if (held.blocks[i] == block)
            return &held.blocks[i];
    return NULL;
}

/* New memory is zeroed: stb_image uses Huffman tables that a JPEG file never defined, and components that it
 * has no data for. Zeros are harmless as the former, and black or gray as the latter. */
static void *stb_allocate(void *block, size_t size)
{
    if (size > held.largest_block) {
        held.is_overfull = 1;
        return NULL;
    }
    void **place = held_place(block), *made = place ? ve__resize(block, size) : NULL;
    if (!made) {
        held.is_out_of_memory = 1;
        return NULL;
    }
    if (!block)
        memset(made, 0, size);
    *place = made;
    return made;
}

static void stb_release(void *block)
{
    void **place = block ? held_place(block) : NULL;
    if (!place)
        return;
    *place = NULL;
    ve__release(block);
}

/* For an encoded picture of `size` bytes that claims width x height pixels. stb_image expands a PNG's
 * compressed data as far as it goes, whatever the pixels need: a megabyte may become a gigabyte for a single
 * pixel. What is rightly needed: up to 8 bytes a pixel (16-bit RGBA), in a buffer that grows by doubling; sides
 * rounded up to whole blocks of a JPEG; the compressed bytes, in such a buffer too; tables and structs. */
static void held_begin(size_t size, uint32_t width, uint32_t height)
{
    held.is_out_of_memory = held.is_overfull = 0;
    held.largest_block = ((size_t)1 << 20) + 2 * size + 16 * ((size_t)width + 64) * ((size_t)height + 64);
}

static void held_release_all(void)
{
    for (unsigned i = 0; i < MOST_BLOCKS; i++) {
        ve__release(held.blocks[i]);
        held.blocks[i] = NULL;
    }
}

/* The block is the caller's from now on. */
static void *held_give(void *block)
{
    void **place = held_place(block);
    if (place)
        *place = NULL;
    return block;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_PSD
#define STBI_NO_PIC
#define STBI_NO_PNM
#define STBI_FAILURE_USERMSG
#define STBI_MALLOC(size)         stb_allocate(NULL, size)
#define STBI_REALLOC(block, size) stb_allocate(block, size)
#define STBI_FREE(block)          stb_release(block)
/* A library must not abort; builds that look for errors want to know. */
#if defined(__SANITIZE_ADDRESS__)
#define STBI_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STBI_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#endif
#endif
#ifndef STBI_ASSERT
#define STBI_ASSERT(condition) ((void)0)
#endif
#ifdef __ARM_NEON
#define STBI_NEON
#endif
/* Warnings in system headers are silent, but for gcc's about a function that stb_image declares and never
 * defines; it comes at the end of this file. */
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>

/* The encoded picture as stb_image reads it. */
typedef struct reader {
    const uint8_t *bytes;
    size_t size, at;
    const char *window; /* stb_image's own buffer, filled ahead of what is needed */
    int is_short;       /* bytes behind the end were needed */
} reader;

static int reader_read(void *data, char *to, int count)
{
    reader *from = data;
    size_t left = from->size - from->at, wanted = count > 0 ? (size_t)count : 0;
    size_t given = wanted < left ? wanted : left;
    if (!from->window)
        from->window = to; /* the first call fills it */
    if (to == from->window ? given == 0 : given < wanted)
        from->is_short = 1;
    memcpy(to, from->bytes + from->at, given);
    from->at += given;
    return (int)given;
}

static void reader_skip(void *data, int count)
{
    reader *from = data;
    size_t left = from->size - from->at, wanted = count > 0 ? (size_t)count : 0;
    from->at += wanted < left ? wanted : left;
}

static int reader_at_end(void *data)
{
    const reader *from = data;
    return from->at == from->size;
}

static const stbi_io_callbacks reader_functions = {reader_read, reader_skip, reader_at_end};

/* stb_image's own words, which it keeps for each thread, and the status that they amount to. */
static ve_status fail_with_reason(void)
{
    const char *reason = stbi_failure_reason();
    if (held.is_overfull)
        return ve__fail(VE_ERR_FORMAT, "cannot decode: it unpacks to far more than its pixels take");
    if (held.is_out_of_memory)
        return ve__fail(VE_ERR_MEMORY, "cannot decode: out of memory");
    if (!reason)
        reason = "not a picture";
    ve_status status = strstr(reason, "not supported") != NULL ? VE_ERR_UNSUPPORTED
                       : strstr(reason, "too large") != NULL   ? VE_ERR_TOO_LARGE
                                                               : VE_ERR_FORMAT;
    return ve__fail(status, "cannot decode: %s", reason);
}

static ve_status check_bytes(const void *bytes, size_t size)
{
    if (size == 0)
        return ve__fail(VE_ERR_FORMAT, "empty, not a picture");
    if (size > VE_MAX_IMAGE_BYTES)
        return ve__fail(VE_ERR_TOO_LARGE, "an encoded picture of %zu bytes: it may have %u", size,
                        VE_MAX_IMAGE_BYTES);
    if (ve__jpeg_is(bytes, size))
        return ve__jpeg_check(bytes, size);
    return ve__png_is(bytes, size) ? ve__png_check(bytes, size) : VE_OK;
}

/* After check_bytes. */
static ve_status peek_size(const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    int stb_width = 0, stb_height = 0, channels;
    if (ve__pnm_is(bytes, size))
        return ve__pnm_peek(bytes, size, width, height);
    if (ve__png_is(bytes, size))
        return ve__png_peek(bytes, size, width, height);
    held_begin(size, 0, 0);
    int is_picture = stbi_info_from_memory(bytes, (int)size, &stb_width, &stb_height, &channels);
    held_release_all();
    if (!is_picture)
        return fail_with_reason();
    if (stb_width < 0 || stb_height < 0)
        return ve__fail(VE_ERR_FORMAT, "a picture of %d x %d pixels", stb_width, stb_height);
    VE_TRY(ve__image_check_size((uint64_t)stb_width, (uint64_t)stb_height));
    *width = (uint32_t)stb_width;
    *height = (uint32_t)stb_height;
    return VE_OK;
}

ve_status ve__image_peek(const void *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    VE_TRY(check_bytes(bytes, size));
    return peek_size(bytes, size, width, height);
}

/* The pixels, width x height as announced, in memory that ve__release takes back. */
static ve_status decode_pixels(const void *bytes, size_t size, uint32_t width, uint32_t height,
                               uint8_t **pixels)
{
    reader from = {bytes, size, 0, NULL, 0};
    int stb_width = 0, stb_height = 0, channels;
    held_begin(size, width, height);
    uint8_t *made = stbi_load_from_callbacks(&reader_functions, &from, &stb_width, &stb_height, &channels, 3);
    ve_status status = VE_OK;
    if (from.is_short)
        status = ve__fail(VE_ERR_FORMAT, "cut short: the picture goes on behind its %zu bytes", size);
    else if (!made)
        status = fail_with_reason();
    else if ((uint32_t)stb_width != width || (uint32_t)stb_height != height)
        status = ve__fail(VE_ERR_FORMAT, "announced %u x %u pixels, has %d x %d", width, height, stb_width,
                          stb_height);
    if (status == VE_OK)
        *pixels = held_give(made);
    held_release_all();
    return status;
}

static ve_status decode_with_stb(const void *bytes, size_t size, ve_image **image)
{
    uint32_t width, height;
    VE_TRY(peek_size(bytes, size, &width, &height));
    ve_image *made = ve__allocate_zeroed(sizeof *made);
    if (!made)
        return ve__fail(VE_ERR_MEMORY, "no memory for a picture of %u x %u pixels", width, height);
    made->width = width;
    made->height = height;
    ve_status status = decode_pixels(bytes, size, width, height, &made->pixels);
    if (status == VE_OK)
        status = ve__orientation_apply(made, ve__orientation_find(bytes, size));
    if (status != VE_OK)
        ve__image_free(made);
    else
        *image = made;
    return status;
}

ve_status ve__image_decode(const void *bytes, size_t size, ve_image **image)
{
    VE_TRY(check_bytes(bytes, size));
    if (ve__pnm_is(bytes, size))
        return ve__pnm_decode(bytes, size, image);
    return decode_with_stb(bytes, size, image);
}
