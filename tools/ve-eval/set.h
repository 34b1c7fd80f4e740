/* SPDX-License-Identifier: MIT */
/* A set of pictures of people: a folder that holds a folder for each person. */
#ifndef VE_EVAL_SET_H
#define VE_EVAL_SET_H

#include <stddef.h>
#include <stdint.h>

typedef struct set_picture {
    char *name;      /* "PERSON/FILE", below the set's folder */
    uint32_t person; /* index into people */
} set_picture;

typedef struct picture_set {
    char *folder;
    set_picture *pictures;
    size_t picture_count, picture_capacity;
    char **people;
    size_t person_count, person_capacity;
    size_t empty_folders; /* folders of people without a picture */
} picture_set;

/* All functions print what is wrong and return -1 then. set_free in every case. */

/* Takes every picture FOLDER/PERSON/FILE whose name ends as a picture's does, sorted by name, so that the order
 * is the same everywhere. */
int set_scan(picture_set *set, const char *folder);
/* An empty set, to be filled by set_add. */
int set_begin(picture_set *set, const char *folder);
/* Number of a picture that is not yet in the set; a person's pictures need not follow each other, but people
 * must be numbered by the caller through set_add_person. */
int set_add(picture_set *set, const char *name, uint32_t person, uint32_t *number);
int set_add_person(picture_set *set, const char *name, uint32_t *number);
/* FOLDER/NAME, to be freed; NULL without memory. */
char *set_path(const picture_set *set, size_t picture);
/* Whether a file's name ends in .jpg, .jpeg, .png, .ppm, .pgm, .bmp, .gif or .tga, in any case. */
int set_is_picture(const char *name);
void set_free(picture_set *set);

#endif
