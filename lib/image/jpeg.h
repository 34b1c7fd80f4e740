/* SPDX-License-Identifier: MIT */
/* The segments of a JPEG file (ITU-T T.81, annex B), for what stb_image does not look at. */
#ifndef VE_IMAGE_JPEG_H
#define VE_IMAGE_JPEG_H

#include "base/status.h"

enum { VE__JPEG_SOF2 = 0xc2, VE__JPEG_DHT = 0xc4, VE__JPEG_SOS = 0xda, VE__JPEG_APP1 = 0xe1 };

typedef struct ve__jpeg_segment {
    unsigned marker;        /* second byte of the marker */
    const uint8_t *payload; /* what follows the length */
    size_t size;
} ve__jpeg_segment;

int ve__jpeg_is(const uint8_t *bytes, size_t size);
/* The next segment that has a length, from *position on (0 at first); false at the end of the image. Compressed
 * data between segments is skipped. A segment that the file's end cuts short is given as far as it goes. */
int ve__jpeg_next(const uint8_t *bytes, size_t size, size_t *position, ve__jpeg_segment *segment);
/* VE_ERR_FORMAT for Huffman tables that would not fit into the decoder's 256 symbols, and for scans that use a
 * table which was not defined before them. */
ve_status ve__jpeg_check(const uint8_t *bytes, size_t size);

#endif
