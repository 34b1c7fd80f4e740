/* SPDX-License-Identifier: MIT */
/* The command line of ve-eval. */
#ifndef VE_EVAL_OPTIONS_H
#define VE_EVAL_OPTIONS_H

#include "degrade.h"

typedef enum eval_protocol { PROTOCOL_PAIRS, PROTOCOL_IDENTITIES, PROTOCOL_CALIBRATE } eval_protocol;

typedef struct eval_options {
    eval_protocol protocol;
    const char *model;  /* NULL: the default one */
    const char *images; /* NULL: names come with the embeddings */
    const char *pairs;
    const char *name; /* of the set; NULL: the folder's */
    condition condition;
    int use_flip, allow_missing;
    int is_raw;           /* pictures as they are: faces are found and aligned first */
    const char *detector; /* NULL: the default one */
    unsigned smallest_face;
    unsigned threads, draws;
    const char *save, *load;            /* embeddings */
    const char *json, *roc, *histogram; /* files to write; NULL: none; json "-": standard output, no text */
    const char *write;                  /* calibrate: the weight file to make */
} eval_options;

typedef enum next_step { NEXT_RUN, NEXT_DONE, NEXT_USAGE_ERROR } next_step;

/* Reads the command line; --help and --version print and give NEXT_DONE, mistakes print and give
 * NEXT_USAGE_ERROR. */
next_step options_read(int argc, char **argv, eval_options *options);

#endif
