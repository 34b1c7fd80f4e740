/* SPDX-License-Identifier: MIT */
/* What the files of faceauth share: the command line's settings and a command's outcome.
 *
 *   main.c       reads the command line
 *   commands.c   register, login, identify, list, remove
 *   recognize.c  pictures to templates (model and session)
 *   people.c     templates in the store
 *   decide.c     thresholds and names: what is accepted
 *   report.c     all text, for people and as JSON
 */
#ifndef FACEAUTH_H
#define FACEAUTH_H

#include <stddef.h>

/* Exit statuses. */
typedef enum auth_outcome { ACCEPTED = 0, REJECTED = 1, TROUBLE = 2 } auth_outcome;

typedef struct auth_settings {
    const char *command;
    const char *name; /* the person, NULL where the command takes none */
    char **pictures;  /* what follows the name */
    size_t picture_count;
    const char *store; /* NULL: the user's own */
    const char *model; /* NULL: the default one */
    float threshold;   /* with has_threshold */
    int has_threshold;
    int add; /* register: one more picture of somebody who is registered */
    int as_json, is_quiet, is_debug;
} auth_settings;

/* A person's templates; each one more is one more chance for a stranger. */
#define MAX_TEMPLATES 16u

auth_outcome command_register(const auth_settings *settings);
auth_outcome command_login(const auth_settings *settings);
auth_outcome command_identify(const auth_settings *settings);
auth_outcome command_list(const auth_settings *settings);
auth_outcome command_remove(const auth_settings *settings);

#endif
