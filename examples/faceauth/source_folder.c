/* SPDX-License-Identifier: MIT */
/* Frames from a folder of pictures, in the order of their names. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source.h"

typedef struct folder {
    char *path;
    struct dirent **entries;
    int count, next;
} folder;

static int is_picture(const struct dirent *entry)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".gif",
                                          ".tga", ".ppm",  ".pgm", ".pnm"};
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot && dot != entry->d_name && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

static frame_state next(frame_source *source, long wait_ms, ve_image **image)
{
    folder *pictures = source->own;
    char path[PATH_MAX];
    (void)wait_ms;
    if (pictures->next == pictures->count)
        return FRAME_OVER;
    const char *name = pictures->entries[pictures->next++]->d_name;
    int length = snprintf(path, sizeof path, "%s/%s", pictures->path, name);
    return length > 0 && (size_t)length < sizeof path && ve_image_load(path, image) == VE_OK ? FRAME_READY
                                                                                             : FRAME_DAMAGED;
}

static void close_folder(frame_source *source)
{
    folder *pictures = source->own;
    for (int i = 0; i < pictures->count; i++)
        free(pictures->entries[i]);
    free(pictures->entries);
    free(pictures->path);
    free(pictures);
}

int source_open_folder(frame_source *source, const char *path)
{
    folder *pictures = calloc(1, sizeof *pictures);
    char *copy = malloc(strlen(path) + 1);
    if (!pictures || !copy) {
        free(pictures);
        free(copy);
        snprintf(source->problem, sizeof source->problem, "no memory for reading %s", path);
        return -1;
    }
    pictures->path = strcpy(copy, path);
    source->own = pictures;
    source->next = next;
    source->close = close_folder;
    pictures->count = scandir(path, &pictures->entries, is_picture, alphasort);
    if (pictures->count < 0) {
        pictures->count = 0;
        snprintf(source->problem, sizeof source->problem, "%s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}
