/* SPDX-License-Identifier: MIT */
/* Small .vew files made in memory, record by record and apart from the exporter's writer, so that tests can
 * break one rule at a time. */
#ifndef VE_TESTS_SUPPORT_VEW_FILE_H
#define VE_TESTS_SUPPORT_VEW_FILE_H

#include "weights/vew.h"

typedef struct vew_file {
    unsigned char *bytes;
    size_t size;
    size_t tensors_at; /* where the first tensor entry lies */
    size_t header_bytes;
} vew_file;

/* The smallest networks: one block a stage, two channels; V1, a patch stem, 8 x 6 pixels. */
ve__description vew_file_about(void);

/* A field that is put in behind the known ones. */
typedef struct vew_extra {
    const char *name;
    uint8_t type, flags;
    uint32_t count, value_bytes;
    const void *value;
} vew_extra;

/* The file that belongs to a description, with that element type for every tensor (I8: for matrices, the others
 * are F32); element i of tensor t is vew_file_value(t, i). extras NULL: none. Free bytes. */
vew_file vew_file_make(const ve__description *about, ve__type type, const vew_extra *extras,
                       size_t extra_count);
/* Matrices I8, tensors of rank 4 of type `four`. */
vew_file vew_file_make_i8(const ve__description *about, ve__type four);
/* A value that f16 holds exactly, never the same in neighbours. */
float vew_file_value(size_t tensor, size_t element);

/* The place of a known field's record; of a tensor's entry. Fails the test when there is none. */
size_t vew_file_field(const vew_file *file, const char *name);
size_t vew_file_entry(const vew_file *file, size_t index);
/* Writes the header's checksum anew, after a change that is to be seen behind it. */
void vew_file_seal(vew_file *file);

#endif
