/* SPDX-License-Identifier: MIT */
/* A set of pictures of people: a folder that holds a folder for each person. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "complain.h"
#include "set.h"

int set_is_picture(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tga"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot != name && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

/* "folder/name", to be freed. */
static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Room for one more element in an array of elements of `size` bytes. */
static int grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t larger = *capacity ? 2 * *capacity : 256;
    void *moved = realloc(*array, larger * size);
    if (!moved || larger > UINT32_MAX / 2)
        return complain_memory("the list of pictures");
    *array = moved;
    *capacity = larger;
    return 0;
}

int set_begin(picture_set *set, const char *folder)
{
    memset(set, 0, sizeof *set);
    set->folder = strdup(folder);
    return set->folder ? 0 : complain_memory("a path");
}

int set_add_person(picture_set *set, const char *name, uint32_t *number)
{
    if (grow((void **)&set->people, set->person_count, &set->person_capacity, sizeof *set->people) != 0)
        return -1;
    if (!(set->people[set->person_count] = strdup(name)))
        return complain_memory("a name");
    *number = (uint32_t)set->person_count++;
    return 0;
}

int set_add(picture_set *set, const char *name, uint32_t person, uint32_t *number)
{
    if (grow((void **)&set->pictures, set->picture_count, &set->picture_capacity, sizeof *set->pictures) != 0)
        return -1;
    set_picture *picture = &set->pictures[set->picture_count];
    if (!(picture->name = strdup(name)))
        return complain_memory("a name");
    picture->person = person;
    *number = (uint32_t)set->picture_count++;
    return 0;
}

char *set_path(const picture_set *set, size_t picture)
{
    return join(set->folder, set->pictures[picture].name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* The names in a folder, sorted by their bytes, those that begin with a dot left out. */
static int list_folder(const char *path, char ***names, size_t *count)
{
    size_t capacity = 0;
    struct dirent *entry;
    DIR *folder = opendir(path);
    *names = NULL;
    *count = 0;
    if (!folder)
        return complain("%s: %s", path, strerror(errno));
    int result = 0;
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        result = grow((void **)names, *count, &capacity, sizeof **names);
        if (result == 0 && !((*names)[*count] = strdup(entry->d_name)))
            result = complain_memory("a name");
        if (result == 0)
            ++*count;
    }
    closedir(folder);
    if (*count)
        qsort(*names, *count, sizeof **names, compare_names);
    return result;
}

static int add_picture_of(picture_set *set, const char *person_name, const char *file, uint32_t person)
{
    uint32_t number;
    char *name = join(person_name, file);
    int result = name ? set_add(set, name, person, &number) : complain_memory("a name");
    free(name);
    return result;
}

static int scan_person(picture_set *set, const char *person_name, const char *path)
{
    char **files;
    size_t count, taken = 0;
    uint32_t person = 0;
    int result = list_folder(path, &files, &count);
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (!set_is_picture(files[i]))
            continue;
        if (taken++ == 0)
            result = set_add_person(set, person_name, &person);
        if (result == 0)
            result = add_picture_of(set, person_name, files[i], person);
    }
    if (result == 0 && taken == 0)
        set->empty_folders++;
    free_names(files, count);
    return result;
}

int set_scan(picture_set *set, const char *folder)
{
    char **names = NULL;
    size_t count = 0;
    struct stat about;
    int result = set_begin(set, folder);
    if (result == 0)
        result = list_folder(folder, &names, &count);
    for (size_t i = 0; result == 0 && i < count; i++) {
        char *path = join(folder, names[i]);
        if (!path)
            result = complain_memory("a path");
        else if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            result = scan_person(set, names[i], path);
        free(path);
    }
    free_names(names, count);
    if (result == 0 && set->picture_count == 0)
        return complain("%s: no picture in it: it must hold a folder for each person", folder);
    return result;
}

void set_free(picture_set *set)
{
    for (size_t i = 0; i < set->picture_count; i++)
        free(set->pictures[i].name);
    free(set->pictures);
    free_names(set->people, set->person_count);
    free(set->folder);
    memset(set, 0, sizeof *set);
}
