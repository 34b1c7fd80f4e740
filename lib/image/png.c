/* SPDX-License-Identifier: MIT */
/* Walks the chunks of a PNG file: length, type, data, CRC. stb_image believes the lengths, and it writes the
 * name of an unknown critical chunk into a static buffer, which two threads must not do at once. */
#include "image/png.h"

#include <string.h>

#include "image/image.h"

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12, HEADER_BYTES = 13 };

static const uint8_t signature[SIGNATURE_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

int ve__png_is(const uint8_t *bytes, size_t size)
{
    return size >= SIGNATURE_BYTES && memcmp(bytes, signature, SIGNATURE_BYTES) == 0;
}

static size_t big_endian(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

/* Bit 5 of the first letter: decoders may skip the chunk. */
static int is_critical(const uint8_t *type)
{
    return (type[0] & 0x20) == 0;
}

/* CgBI marks the iPhone's variant, which stb_image reads. */
static int is_known(const uint8_t *type)
{
    static const char known[][5] = {"IHDR", "PLTE", "IDAT", "IEND", "CgBI"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (memcmp(type, known[i], 4) == 0)
            return 1;
    return 0;
}

ve_status ve__png_check(const uint8_t *bytes, size_t size)
{
    size_t at = SIGNATURE_BYTES;
    while (size - at >= CHUNK_BYTES) {
        size_t length = big_endian(bytes + at);
        const uint8_t *type = bytes + at + 4;
        if (length > size - at - CHUNK_BYTES)
            return ve__fail(VE_ERR_FORMAT, "PNG: cut short within the chunk at byte %zu", at);
        if (is_critical(type) && !is_known(type))
            return ve__fail(VE_ERR_UNSUPPORTED, "PNG: unknown critical chunk at byte %zu", at);
        if (memcmp(type, "IEND", 4) == 0)
            return VE_OK;
        at += CHUNK_BYTES + length;
    }
    return ve__fail(VE_ERR_FORMAT, "PNG: cut short, there is no IEND chunk");
}

ve_status ve__png_peek(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    size_t at = SIGNATURE_BYTES;
    if (size - at >= CHUNK_BYTES && memcmp(bytes + at + 4, "CgBI", 4) == 0) /* the iPhone's mark comes first */
        at += CHUNK_BYTES + big_endian(bytes + at);
    if (at > size || size - at < CHUNK_BYTES + HEADER_BYTES || memcmp(bytes + at + 4, "IHDR", 4) != 0)
        return ve__fail(VE_ERR_FORMAT, "PNG: the first chunk is not IHDR");
    VE_TRY(ve__image_check_size(big_endian(bytes + at + 8), big_endian(bytes + at + 12)));
    *width = (uint32_t)big_endian(bytes + at + 8);
    *height = (uint32_t)big_endian(bytes + at + 12);
    return VE_OK;
}
