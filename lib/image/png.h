/* SPDX-License-Identifier: MIT */
/* The chunks of a PNG file (RFC 2083, section 3), for what stb_image does not look at. */
#ifndef VE_IMAGE_PNG_H
#define VE_IMAGE_PNG_H

#include "base/status.h"

int ve__png_is(const uint8_t *bytes, size_t size);
/* VE_ERR_FORMAT when a chunk runs over the file's end or IEND is missing, VE_ERR_UNSUPPORTED for an unknown
 * critical chunk. */
ve_status ve__png_check(const uint8_t *bytes, size_t size);
/* The size in the first chunk, checked against the limits (stb_image's own limit gives no reason). */
ve_status ve__png_peek(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);

#endif
