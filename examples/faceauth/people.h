/* SPDX-License-Identifier: MIT */
/* People in the store: each template is a vector, labelled with the person's name. Functions that give a
 * ve_status leave the reason in ve_last_error(). */
#ifndef FACEAUTH_PEOPLE_H
#define FACEAUTH_PEOPLE_H

#include "recognize.h"

/* The path to use: --store, else $XDG_DATA_HOME/visembed/faces.ves, else ~/.local/share/visembed/faces.ves. -1
 * when there is neither variable, or the path is too long. */
int people_path(const auth_settings *settings, char *path, size_t capacity);

typedef enum people_mode {
    PEOPLE_READ,   /* an existing store */
    PEOPLE_CHANGE, /* an existing store; nobody else writes until it is closed */
    PEOPLE_CREATE  /* the same, made if there is none (with the folders of the default path) */
} people_mode;

/* info: of the model in use, or NULL to look at names only. */
ve_status people_open(const char *path, people_mode mode, const ve_model_info *info, const char *compatible,
                      ve_store **store);

/* How many templates name has. */
ve_status people_count(ve_store *store, const char *name, size_t *count);

/* How much a template looks like name's: the best similarity to one of them, or to the mean of all of them if
 * that is higher (the mean of several pictures knows a face better than most single ones); -1 when there are
 * none. */
ve_status people_score(ve_store *store, const float *template, const char *name, float *score);

/* The most similar person but for besides (NULL: of all), and how similar. *score is -1 when there is nobody.
 */
ve_status people_nearest(ve_store *store, const float *template, const char *besides, char name[256],
                         float *score);

/* Adds count templates, all or none, with the time of day. */
ve_status people_add(ve_store *store, const char *name, const float *templates, size_t count, size_t dim);

/* When name's oldest template was added: "2026-01-31T12:00:00Z"; "" when that is not known. */
ve_status people_added(ve_store *store, const char *name, char added[32]);

#endif
