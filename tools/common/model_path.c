/* SPDX-License-Identifier: MIT */
/* Which weight files a program opens when it was not told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/model_path.h"

#ifndef VE_DATADIR
#define VE_DATADIR "/usr/local/share/visembed"
#endif

static int take(const char *from, char *path, size_t capacity)
{
    int length = snprintf(path, capacity, "%s", from);
    return length >= 0 && (size_t)length < capacity ? 0 : -1;
}

/* A program of a source tree lies in TREE/build/VARIANT/bin: cuts four components off its own path. Systems
 * without /proc have only the installed file. */
static int source_tree_path(const char *name, char *path, size_t capacity)
{
    static const char folder[] = "/weights/";
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
    if (strlen(path) + strlen(folder) + strlen(name) >= capacity)
        return -1;
    strcat(strcat(path, folder), name);
    return access(path, R_OK);
}

static int find_file(const char *given, const char *variable, const char *name, char *path, size_t capacity)
{
    const char *set = getenv(variable);
    if (given)
        return take(given, path, capacity);
    if (set && *set)
        return take(set, path, capacity);
    int length = snprintf(path, capacity, "%s/%s", VE_DATADIR, name);
    if (length > 0 && (size_t)length < capacity && access(path, R_OK) == 0)
        return 0;
    return source_tree_path(name, path, capacity);
}

int model_path_find(const char *given, char *path, size_t capacity)
{
    return find_file(given, "VE_MODEL", "face-atto.vew", path, capacity);
}

int detector_path_find(const char *given, char *path, size_t capacity)
{
    return find_file(given, "VE_DETECTOR", "face-detector.vew", path, capacity);
}

const char *model_path_data_folder(void)
{
    return VE_DATADIR;
}
