/* SPDX-License-Identifier: MIT */
/* Which weight file a program opens when it was not told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/model_path.h"

#ifndef VE_DATADIR
#define VE_DATADIR "/usr/local/share/visembed"
#endif
#define FILE_NAME "face-atto.vew"

static int take(const char *from, char *path, size_t capacity)
{
    int length = snprintf(path, capacity, "%s", from);
    return length >= 0 && (size_t)length < capacity ? 0 : -1;
}

/* A program of a source tree lies in TREE/build/VARIANT/bin: cuts four components off its own path. Systems
 * without /proc have only the installed file. */
static int source_tree_path(char *path, size_t capacity)
{
    static const char tail[] = "/weights/" FILE_NAME;
    ssize_t length = readlink("/proc/self/exe", path, capacity);
    if (length <= 0 || (size_t)length >= capacity)
        return -1;
    path[length] = '\0';
    for (int i = 0; i < 4; i++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return -1;
        *slash = '\0';
    }
    if (strlen(path) + sizeof tail > capacity)
        return -1;
    strcat(path, tail);
    return access(path, R_OK);
}

int model_path_find(const char *given, char *path, size_t capacity)
{
    const char *set = getenv("VE_MODEL");
    if (given)
        return take(given, path, capacity);
    if (set && *set)
        return take(set, path, capacity);
    if (access(VE_DATADIR "/" FILE_NAME, R_OK) == 0)
        return take(VE_DATADIR "/" FILE_NAME, path, capacity);
    return source_tree_path(path, capacity);
}
