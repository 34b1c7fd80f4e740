/* SPDX-License-Identifier: MIT */
/* Binary PGM and PPM files (P5, P6), 8 or 16 bits a sample. */
#ifndef VE_IMAGE_PNM_H
#define VE_IMAGE_PNM_H

#include "base/status.h"

int ve__pnm_is(const uint8_t *bytes, size_t size);
/* The header's size alone. */
ve_status ve__pnm_peek(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height);
/* Samples are scaled from the file's maximum to 255. Bytes behind the picture are left alone, as the format
 * allows several pictures in a row. */
ve_status ve__pnm_decode(const uint8_t *bytes, size_t size, ve_image **image);

#endif
