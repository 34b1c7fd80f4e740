/* SPDX-License-Identifier: MIT */
/* A strict reader of one safetensors file: eight bytes of header length, a JSON object of tensors, and a buffer
 * that the tensors tile without holes or overlaps. Elements are not looked at. */
#ifndef VE_EXPORT_SAFETENSORS_H
#define VE_EXPORT_SAFETENSORS_H

#include "base/file.h"
#include "base/status.h"

/* The format's own limit, and ours: a ConvNeXt with its text tower has a header of some 200 kB. */
#define SAFETENSORS_FORMAT_MAX_HEADER 100000000u
#define SAFETENSORS_MAX_HEADER        (16u * 1024u * 1024u)
#define SAFETENSORS_MAX_RANK          8u
#define SAFETENSORS_MAX_NAME          511u

typedef enum safetensors_kind {
    SAFETENSORS_OTHER, /* a type that we know the size of and cannot convert */
    SAFETENSORS_F32,
    SAFETENSORS_F16,
    SAFETENSORS_BF16
} safetensors_kind;

typedef struct safetensors_dtype {
    const char *name;
    unsigned bits;
    safetensors_kind kind;
} safetensors_dtype;

typedef struct safetensors_tensor {
    char *name;
    const safetensors_dtype *dtype;
    unsigned rank;
    uint64_t shape[SAFETENSORS_MAX_RANK];
    size_t count; /* elements */
    const unsigned char *data;
    size_t size_bytes;
} safetensors_tensor;

typedef struct safetensors {
    ve__mapped file;
    int is_mapped;
    safetensors_tensor *tensors; /* in the order of their data */
    size_t tensor_count;
} safetensors;

/* max_header_bytes: a longer header is refused. Fills *st, which must be zeroed and later be closed in any
 * case. */
ve_status safetensors_open(const char *path, size_t max_header_bytes, safetensors *st);
/* Borrows bytes until close. */
ve_status safetensors_open_memory(const void *bytes, size_t size, size_t max_header_bytes, safetensors *st);
void safetensors_close(safetensors *st);
/* Tells the system that a tensor's bytes will not be read again. */
void safetensors_forget(const safetensors *st, const safetensors_tensor *tensor);

#endif
