/* SPDX-License-Identifier: MIT */
/* What the files of faceauth share: the command line's settings and a command's outcome.
 *
 *   main.c       reads the command line
 *   commands.c   register, login, identify, list, remove, unlock
 *   calibrate.c  what the threshold means for the people who are registered
 *   prompt.c     the same commands, one after the other
 *   recognize.c  pictures to templates (model, detector, session)
 *   live.c       frames to one template
 *   source*.c    where frames come from; mailbox.c, jpeg_stream.c and multipart.c bring them
 *   attempts.c   how often somebody tried in vain, and how long they must wait
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
    const char
        *compatible; /* fingerprint of a model whose templates may be mixed with this one's; NULL: none */
    const char *detector;
    const char *camera;       /* its address; NULL: none */
    double timeout;           /* seconds to look at frames; 0: the default */
    unsigned frames;          /* good frames to wait for; 0: the default */
    double false_accept_rate; /* --far; 0: the default */
    float threshold;          /* with has_threshold */
    int has_threshold;
    int add;        /* register: one more picture of somebody who is registered */
    int is_aligned; /* pictures are aligned crops already */
    int in_prompt;  /* standard input is for commands */
    int as_json, is_quiet, is_debug;
} auth_settings;

/* A person's templates; each one more is one more chance for a stranger. */
#define MAX_TEMPLATES 16u

auth_outcome command_register(const auth_settings *settings);
auth_outcome command_login(const auth_settings *settings);
auth_outcome command_identify(const auth_settings *settings);
auth_outcome command_list(const auth_settings *settings);
auth_outcome command_remove(const auth_settings *settings);
auth_outcome command_unlock(const auth_settings *settings);
auth_outcome command_calibrate(const auth_settings *settings);

/* Reads commands and runs them until "quit" or the end of the input; how main.c runs one is handed in. */
typedef auth_outcome command_runner(char **words, size_t count, const auth_settings *settings);
auth_outcome prompt_run(const auth_settings *settings, command_runner *run);

#endif
