/* SPDX-License-Identifier: MIT */
/* Walks the segments of a JPEG file and checks the one rule whose breach stb_image 2.27 does not survive: a
 * Huffman table has at most 256 codes (stb_image adds up the sixteen counts and writes that many entries into
 * arrays of 257). */
#include "image/jpeg.h"

#include <string.h>

enum { MARKER_SOI = 0xd8, MARKER_EOI = 0xd9, MARKER_TEM = 0x01, HUFFMAN_LENGTHS = 16, HUFFMAN_CODES = 256 };

/* stb_image allows fill bytes before SOI, so they must not lead a file past the check. */
int ve__jpeg_is(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && bytes[at] == 0xff)
        at++;
    return at > 0 && at < size && bytes[at] == MARKER_SOI;
}

/* Markers without a length: stuffed zero bytes, restarts (0xd0 ... 0xd7), SOI and TEM. */
static int stands_alone(unsigned marker)
{
    return marker == 0 || marker == MARKER_TEM || (marker >= 0xd0 && marker <= MARKER_SOI);
}

int ve__jpeg_next(const uint8_t *bytes, size_t size, size_t *position, ve__jpeg_segment *segment)
{
    size_t at = *position;
    for (;;) {
        const uint8_t *found = at < size ? memchr(bytes + at, 0xff, size - at) : NULL;
        if (!found)
            return 0;
        at = (size_t)(found - bytes);
        while (at < size && bytes[at] == 0xff) /* any number of fill bytes */
            at++;
        if (at == size || bytes[at] == MARKER_EOI)
            return 0;
        segment->marker = bytes[at++];
        if (!stands_alone(segment->marker))
            break;
    }
    if (size - at < 2)
        return 0;
    size_t length = (size_t)bytes[at] << 8 | bytes[at + 1];
    if (length < 2)
        return 0;
    if (length > size - at)
        length = size - at;
    segment->payload = bytes + at + 2;
    segment->size = length - 2;
    *position = at + length;
    return 1;
}

/* A DHT segment: tables of a class byte, sixteen counts and as many symbols as they add up to. */
static ve_status check_huffman(const uint8_t *at, size_t left)
{
    while (left > 0) {
        size_t codes = 0;
        if (left < 1 + HUFFMAN_LENGTHS)
            return ve__fail(VE_ERR_FORMAT, "JPEG: a Huffman table is cut short");
        for (unsigned i = 1; i <= HUFFMAN_LENGTHS; i++)
            codes += at[i];
        if (codes > HUFFMAN_CODES)
            return ve__fail(VE_ERR_FORMAT, "JPEG: a Huffman table of %zu codes", codes);
        if (left - 1 - HUFFMAN_LENGTHS < codes)
            return ve__fail(VE_ERR_FORMAT, "JPEG: a Huffman table is longer than its segment");
        at += 1 + HUFFMAN_LENGTHS + codes;
        left -= 1 + HUFFMAN_LENGTHS + codes;
    }
    return VE_OK;
}

/* stb_image finds its markers by the same walk or gives up earlier, so every table that it would read is seen
 * here. */
ve_status ve__jpeg_check(const uint8_t *bytes, size_t size)
{
    size_t position = 0;
    ve__jpeg_segment segment;
    while (ve__jpeg_next(bytes, size, &position, &segment))
        if (segment.marker == VE__JPEG_DHT)
            VE_TRY(check_huffman(segment.payload, segment.size));
    return VE_OK;
}
