/* SPDX-License-Identifier: MIT */
/* Arrays in numpy's files, mapped. */
#ifndef TRAIN_NPY_H
#define TRAIN_NPY_H

#include <stddef.h>

typedef struct npy {
    const void *data;
    long rows, width; /* the first axis, and the product of the others */
    void *map;
    size_t map_bytes;
} npy;

/* Opens an array of little-endian elements of this type ("u1", "f2", "i4"). Returns 0, or -1 with a message in
 * *problem. */
int npy_open(const char *path, const char *type, npy *array, const char **problem);
/* The same, but ends the program with the message. */
void npy_need(const char *path, const char *type, npy *array);
void npy_close(npy *array);

#endif
