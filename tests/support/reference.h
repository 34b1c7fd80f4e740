/* SPDX-License-Identifier: MIT */
/* PyTorch's results in tests/fixtures/CASE (made by tools/reference/make-fixtures.py, which describes the
 * files) and the pictures that they belong to. */
#ifndef VE_TESTS_SUPPORT_REFERENCE_H
#define VE_TESTS_SUPPORT_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#define REFERENCE_MAPS       5 /* after the stem and after each stage */
#define REFERENCE_KINDS      3
#define REFERENCE_MAX_INPUTS 16

typedef struct reference_map {
    uint32_t height, width, channels;
    size_t count; /* samples */
    float max;    /* largest magnitude of the whole map */
    const float *samples;
} reference_map;

typedef struct reference_embedding {
    uint32_t dim; /* 0: the model has none of this kind */
    const float *values;
} reference_embedding;

typedef struct reference_input {
    uint32_t width, height;
    int is_whole; /* every value of every map was kept */
    reference_map maps[REFERENCE_MAPS];
    reference_embedding embeddings[REFERENCE_KINDS]; /* by ve_embedding_kind - 1 */
} reference_input;

typedef struct reference {
    size_t count;
    reference_input inputs[REFERENCE_MAX_INPUTS];
    float *values;
} reference;

/* Reads CASE/reference.txt and .npy below `folder`; 0 on failure, with the reason on stderr. */
int reference_read(const char *folder, const char *name, reference *result);
void reference_free(reference *result);

/* "pooled", "norm", "head" -> ve_embedding_kind; 0 for anything else. */
uint32_t reference_kind(const char *name);

/* The picture of tools/reference/inputs.py: value of channel c, row y, column x. */
float reference_pixel(uint32_t width, uint32_t height, uint32_t c, uint32_t y, uint32_t x);

/* Whether the value with this index of [height][width][channels] was kept of a map. */
int reference_keeps(const reference_map *map, int is_whole, size_t index);

#endif
