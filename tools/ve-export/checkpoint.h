/* SPDX-License-Identifier: MIT */
/* A checkpoint: one safetensors file, or the several that a model.safetensors.index.json names. */
#ifndef VE_EXPORT_CHECKPOINT_H
#define VE_EXPORT_CHECKPOINT_H

#include "progress.h"
#include "safetensors.h"

#include <sys/types.h>

#define CHECKPOINT_MAX_FILES   64u
#define CHECKPOINT_MAX_TENSORS 16384u

typedef struct checkpoint {
    char path[4096];   /* the file or the index; a folder has been replaced by what was found in it */
    char folder[4096]; /* where it lies, "." at least: its config files lie there too */
    char *file_paths[CHECKPOINT_MAX_FILES];
    safetensors files[CHECKPOINT_MAX_FILES];
    size_t file_count;
    size_t tensor_count;
    size_t size_bytes; /* of all files */
} checkpoint;

/* path: a .safetensors file, an index (a name that ends in .json), or a folder that has one of them. Fills *c,
 * which must be zeroed and later be closed in any case. */
ve_status checkpoint_open(const char *path, checkpoint *c);
/* Borrows the bytes of a single file. */
ve_status checkpoint_open_memory(const void *bytes, size_t size, checkpoint *c);
void checkpoint_close(checkpoint *c);

/* Tensor index 0 ... tensor_count-1 over all files, and the file it lies in. */
const safetensors_tensor *checkpoint_tensor(const checkpoint *c, size_t index, const safetensors **file);

/* 64 hex digits of the SHA-256 of the file; of several files: of their bytes one after the other, the files
 * sorted by name. */
ve_status checkpoint_sha256(const checkpoint *c, progress *p, char hex[65]);

/* Whether path is one of the checkpoint's files (by device and inode, so through links as well). */
int checkpoint_has_file(const checkpoint *c, const char *path);

/* The last component of a path. */
const char *checkpoint_base_name(const char *path);

#endif
