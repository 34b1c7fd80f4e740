/* SPDX-License-Identifier: MIT */
/* The pictures that a user names to calibrate on or to report about. */
#ifndef VE_EXPORT_PICTURES_H
#define VE_EXPORT_PICTURES_H

#include "base/status.h"

#include <stddef.h>

typedef struct pictures {
    char **paths;
    size_t count, capacity;
} pictures;

/* path: a picture, or a folder of which all pictures are taken, at any depth, sorted by name. Zero *p before;
 * free it in any case. VE_ERR_NOT_FOUND when there is none. */
ve_status pictures_find(const char *path, pictures *p);
void pictures_free(pictures *p);

/* Leaves `count` of them at most, evenly spread. */
void pictures_thin(pictures *p, size_t count);

#endif
