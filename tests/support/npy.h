/* SPDX-License-Identifier: MIT */
/* Reads .npy files (NumPy's array format, versions 1 to 3) of little-endian float32 in C order. */
#ifndef VE_TESTS_SUPPORT_NPY_H
#define VE_TESTS_SUPPORT_NPY_H

#include <stddef.h>

/* All values in one row, *count of them; free() it. NULL when the file is not of that kind, with the reason on
 * stderr. */
float *npy_read(const char *path, size_t *count);

#endif
