/* SPDX-License-Identifier: MIT */
/* The walk through a folder. */
#include "pictures.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_DEPTH 8u

static int is_picture(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tga"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

static ve_status add(pictures *p, const char *path)
{
    if (p->count == p->capacity) {
        size_t larger = p->capacity ? 2 * p->capacity : 256;
        char **moved = realloc(p->paths, larger * sizeof *moved);
        if (!moved)
            return ve__fail(VE_ERR_MEMORY, "no memory for a list of pictures");
        p->paths = moved;
        p->capacity = larger;
    }
    if (!(p->paths[p->count] = strdup(path)))
        return ve__fail(VE_ERR_MEMORY, "no memory for a path");
    p->count++;
    return VE_OK;
}

static ve_status walk(pictures *p, const char *folder, unsigned depth)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    ve_status status = VE_OK;
    if (!directory)
        return ve__fail_errno("cannot open", folder);
    while (status == VE_OK && (entry = readdir(directory))) {
        char path[4096];
        struct stat about;
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path ||
            stat(path, &about) != 0)
            continue;
        if (S_ISDIR(about.st_mode) && depth < MAX_DEPTH)
            status = walk(p, path, depth + 1);
        else if (S_ISREG(about.st_mode) && is_picture(entry->d_name))
            status = add(p, path);
    }
    closedir(directory);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

ve_status pictures_find(const char *path, pictures *p)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return ve__fail_errno("cannot open", path);
    VE_TRY(S_ISDIR(about.st_mode) ? walk(p, path, 0) : add(p, path));
    if (p->count == 0)
        return ve__fail(VE_ERR_NOT_FOUND, "no pictures in %s", path);
    qsort(p->paths, p->count, sizeof *p->paths, by_name);
    return VE_OK;
}

void pictures_thin(pictures *p, size_t count)
{
    if (p->count <= count)
        return;
    for (size_t i = 0; i < count; i++) { /* what is taken lies at or behind i */
        size_t from = i * p->count / count;
        char *kept = p->paths[from];
        p->paths[from] = p->paths[i];
        p->paths[i] = kept;
    }
    for (size_t i = count; i < p->count; i++)
        free(p->paths[i]);
    p->count = count;
}

void pictures_free(pictures *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->paths[i]);
    free(p->paths);
}
