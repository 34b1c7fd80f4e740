/* SPDX-License-Identifier: MIT */
/* EXIF orientation: how a picture must be turned to stand upright. */
#ifndef VE_IMAGE_ORIENTATION_H
#define VE_IMAGE_ORIENTATION_H

#include "base/status.h"

/* 1 ... 8 as the EXIF standard numbers them; 1 (leave it) for a file that is not a JPEG, has no EXIF block, or
 * has one that breaks any rule. */
unsigned ve__orientation_find(const uint8_t *bytes, size_t size);
/* Turns the picture upright: its pixels are replaced, and for 5 ... 8 width and height change places. */
ve_status ve__orientation_apply(ve_image *image, unsigned orientation);

#endif
