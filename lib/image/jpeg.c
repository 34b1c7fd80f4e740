/* SPDX-License-Identifier: MIT */
/* Walks the segments of a JPEG file and checks the rules whose breach stb_image 2.27 does not survive: a
 * Huffman table has at most 256 codes (stb_image adds up the sixteen counts and writes that many entries into
 * arrays of 257), and no scan uses a table that was never defined. */
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

/* What has been seen of a file. */
typedef struct tables {
    unsigned defined[2]; /* bit i: table i, of DC and of AC coefficients */
    int is_progressive;
} tables;

/* A DHT segment: tables of a class and number, sixteen counts and as many symbols as they add up to. */
static ve_status read_huffman(const ve__jpeg_segment *segment, tables *seen)
{
    const uint8_t *at = segment->payload;
    size_t left = segment->size;
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
        if (at[0] >> 4 > 1 || (at[0] & 15) > 3)
            return ve__fail(VE_ERR_FORMAT, "JPEG: a Huffman table is numbered 0x%02x", at[0]);
        seen->defined[at[0] >> 4] |= 1u << (at[0] & 15);
        at += 1 + HUFFMAN_LENGTHS + codes;
        left -= 1 + HUFFMAN_LENGTHS + codes;
    }
    return VE_OK;
}

/* An SOS segment: a count, for each component its number and its tables (DC in the upper half), then the first
 * and the last coefficient of the scan. Baseline scans need both tables; progressive ones one of them, or none
 * where they refine DC coefficients, but to ask for the DC table there too refuses no file that an encoder
 * writes. */
static ve_status check_scan(const ve__jpeg_segment *segment, const tables *seen)
{
    const uint8_t *at = segment->payload;
    size_t components = segment->size > 0 ? at[0] : 0;
    if (components == 0 || segment->size < 1 + 2 * components + 3)
        return ve__fail(VE_ERR_FORMAT, "JPEG: a scan's header is cut short");
    int is_dc = at[1 + 2 * components] == 0;
    for (size_t i = 0; i < components; i++) {
        unsigned used = at[2 + 2 * i];
        int needs_dc = !seen->is_progressive || is_dc, needs_ac = !seen->is_progressive || !is_dc;
        if ((needs_dc && !(seen->defined[0] >> (used >> 4) & 1)) ||
            (needs_ac && !(seen->defined[1] >> (used & 15) & 1)))
            return ve__fail(VE_ERR_FORMAT, "JPEG: a scan uses a Huffman table that is not defined");
    }
    return VE_OK;
}

/* stb_image finds its markers by the same walk or gives up earlier, so every table and every scan that it would
 * read is seen here. */
ve_status ve__jpeg_check(const uint8_t *bytes, size_t size)
{
    size_t position = 0;
    ve__jpeg_segment segment;
    tables seen = {{0, 0}, 0};
    while (ve__jpeg_next(bytes, size, &position, &segment)) {
        if (segment.marker == VE__JPEG_SOF2)
            seen.is_progressive = 1;
        if (segment.marker == VE__JPEG_DHT)
            VE_TRY(read_huffman(&segment, &seen));
        if (segment.marker == VE__JPEG_SOS)
            VE_TRY(check_scan(&segment, &seen));
    }
    return VE_OK;
}
