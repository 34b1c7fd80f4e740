/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files, format 1.0 (numpy/lib/format.py describes it): a magic number, the length of a header,
 * the header (a Python dictionary as text), the data. */
#ifndef VE_EMBED_NPY_H
#define VE_EMBED_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A network input: float32, [3][height][width]. */
typedef struct npy_tensor {
    uint32_t width, height;
    float *values; /* to be freed by the caller */
} npy_tensor;

/* Reads a C-ordered little-endian float32 array of shape (1, 3, H, W) or (3, H, W). 0; or -1, and error (at
 * least 160 bytes) says what is wrong. */
int npy_read_tensor(const char *path, npy_tensor *tensor, char *error, size_t error_size);

/* Writes rows x columns floats. The caller checks file for write errors. */
void npy_write(FILE *file, const float *values, size_t rows, size_t columns);

#endif
