/* SPDX-License-Identifier: MIT */
/* Test pictures that C and tools/reference/make-image-fixtures.py draw alike, and helpers around them. */
#ifndef VE_TESTS_SUPPORT_PICTURE_H
#define VE_TESTS_SUPPORT_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/* noise: any bytes; extreme: 0 or 255, where filters that swing over have to be clipped; ramp: smooth. */
typedef enum picture_kind { PICTURE_NOISE = 0, PICTURE_EXTREME = 1, PICTURE_RAMP = 2 } picture_kind;

/* RGB, height rows of 3 * width bytes, into memory of that size. */
void picture_draw(picture_kind kind, uint32_t seed, uint32_t width, uint32_t height, uint8_t *pixels);
/* The same in new memory; free() it. */
uint8_t *picture_make(picture_kind kind, uint32_t seed, uint32_t width, uint32_t height);

/* CRC-32 as in zlib, gzip and PNG. */
uint32_t picture_crc(const void *bytes, size_t size);

/* A file read whole into memory of just that size (so that a checker sees reads behind its end); free() it.
 * Fails the running test when it cannot be read. */
uint8_t *picture_file(const char *path, size_t *size);

#define PICTURE_FIXTURES "tests/fixtures/image/"

#endif
