/* SPDX-License-Identifier: MIT */
/* Files: read whole or mapped. */
#ifndef VE_BASE_FILE_H
#define VE_BASE_FILE_H

#include "base/status.h"

/* A file mapped for reading. */
typedef struct ve__mapped {
    const unsigned char *bytes;
    size_t size;
} ve__mapped;

/* Regular files only. An empty file gives bytes == NULL, size 0. */
ve_status ve__map_file(const char *path, ve__mapped *mapped);
/* Tells the system that [offset, offset + size) will not be read again, so that it stops counting as ours. */
void ve__map_forget(const ve__mapped *mapped, size_t offset, size_t size);
void ve__unmap(ve__mapped *mapped);

#endif
