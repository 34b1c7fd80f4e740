/* SPDX-License-Identifier: MIT */
/* EXIF orientation. Cameras store the sensor's rows and note in tag 0x0112 of the first image file directory
 * how to turn them (EXIF 2.32, 4.6.2 and 4.6.4 A). The parser reads that one tag and believes nothing: offsets
 * and counts are checked against the block before they are used. */
#include "image/orientation.h"

#include <string.h>

#include "image/image.h"
#include "image/jpeg.h"

enum { EXIF_HEADER = 6, TIFF_HEADER = 8, ENTRY_BYTES = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

/* The TIFF block within the EXIF segment, in its own byte order. */
typedef struct block {
    const uint8_t *bytes;
    size_t size;
    int is_little;
} block;

static unsigned read_u16(const block *tiff, size_t at)
{
    unsigned first = tiff->bytes[at], second = tiff->bytes[at + 1];
    return tiff->is_little ? second << 8 | first : first << 8 | second;
}

static size_t read_u32(const block *tiff, size_t at)
{
    size_t first = read_u16(tiff, at), second = read_u16(tiff, at + 2);
    return tiff->is_little ? second << 16 | first : first << 16 | second;
}

/* The value of an entry: tag, type, count and a value that is left-aligned in four bytes. */
static unsigned entry_orientation(const block *tiff, size_t at)
{
    unsigned value = read_u16(tiff, at + 8);
    if (read_u16(tiff, at + 2) != TYPE_SHORT || read_u32(tiff, at + 4) != 1 || value < 1 || value > 8)
        return 1;
    return value;
}

static unsigned directory_orientation(const block *tiff)
{
    size_t at = read_u32(tiff, 4);
    if (at < TIFF_HEADER || at > tiff->size - 2)
        return 1;
    size_t count = read_u16(tiff, at);
    at += 2;
    if (count > (tiff->size - at) / ENTRY_BYTES)
        return 1;
    for (size_t i = 0; i < count; i++, at += ENTRY_BYTES)
        if (read_u16(tiff, at) == TAG_ORIENTATION)
            return entry_orientation(tiff, at);
    return 1;
}

static unsigned block_orientation(const uint8_t *bytes, size_t size)
{
    block tiff = {bytes, size, 0};
    if (size < TIFF_HEADER + 2)
        return 1;
    if (memcmp(bytes, "II", 2) == 0)
        tiff.is_little = 1;
    else if (memcmp(bytes, "MM", 2) != 0)
        return 1;
    return read_u16(&tiff, 2) == 42 ? directory_orientation(&tiff) : 1;
}

unsigned ve__orientation_find(const uint8_t *bytes, size_t size)
{
    size_t position = 0;
    ve__jpeg_segment segment;
    if (!ve__jpeg_is(bytes, size))
        return 1;
    while (ve__jpeg_next(bytes, size, &position, &segment))
        if (segment.marker == VE__JPEG_APP1 && segment.size >= EXIF_HEADER &&
            memcmp(segment.payload, "Exif\0", EXIF_HEADER) == 0)
            return block_orientation(segment.payload + EXIF_HEADER, segment.size - EXIF_HEADER);
    return 1;
}

/* Where the upright picture's first pixel lies, and how far it is from a pixel to the next one to the right and
 * to the next one below, in pixels of the stored picture. */
typedef struct walk {
    ptrdiff_t first, right, down;
} walk;

static walk walk_for(unsigned orientation, ptrdiff_t width, ptrdiff_t height)
{
    ptrdiff_t top_right = width - 1, bottom_left = width * (height - 1), bottom_right = width * height - 1;
    switch (orientation) {
    case 2: /* mirrored */
        return (walk){top_right, -1, width};
    case 3: /* half a turn */
        return (walk){bottom_right, -1, -width};
    case 4: /* upside down mirrored */
        return (walk){bottom_left, 1, -width};
    case 5: /* mirrored along the main diagonal */
        return (walk){0, width, 1};
    case 6: /* stored a quarter turn anticlockwise */
        return (walk){bottom_left, -width, 1};
    case 7: /* mirrored along the other diagonal */
        return (walk){bottom_right, -width, -1};
    case 8: /* stored a quarter turn clockwise */
        return (walk){top_right, width, -1};
    default:
        return (walk){0, 1, width};
    }
}

static void turn(const uint8_t *from, walk way, uint32_t width, uint32_t height, uint8_t *to)
{
    for (uint32_t y = 0; y < height; y++) {
        ptrdiff_t at = way.first + (ptrdiff_t)y * way.down;
        for (uint32_t x = 0; x < width; x++, at += way.right, to += 3)
            memcpy(to, from + 3 * at, 3);
    }
}

ve_status ve__orientation_apply(ve_image *image, unsigned orientation)
{
    if (orientation <= 1 || orientation > 8)
        return VE_OK;
    int is_transposed = orientation >= 5;
    uint32_t width = is_transposed ? image->height : image->width;
    uint32_t height = is_transposed ? image->width : image->height;
    uint8_t *turned = ve__allocate((size_t)3 * width * height);
    if (!turned)
        return ve__fail(VE_ERR_MEMORY, "no memory to turn a picture of %u x %u pixels", width, height);
    turn(image->pixels, walk_for(orientation, image->width, image->height), width, height, turned);
    ve__release(image->pixels);
    image->pixels = turned;
    image->width = width;
    image->height = height;
    return VE_OK;
}
