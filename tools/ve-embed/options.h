/* SPDX-License-Identifier: MIT */
/* The command line of ve-embed. */
#ifndef VE_EMBED_OPTIONS_H
#define VE_EMBED_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

typedef enum embed_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NPY } embed_format;

/* What to embed, in the order of the command line. */
typedef struct embed_input {
    const char *path; /* "-": standard input (pictures only) */
    int is_tensor;
} embed_input;

typedef struct embed_options {
    const char *model;  /* NULL: the default one */
    const char *output; /* NULL: standard output */
    embed_format format;
    uint32_t threads;
    uint32_t width, height; /* 0: the model's own, or the tensor's */
    int is_raw;
    embed_input *inputs;
    size_t input_count;
} embed_options;

/* What main should do next. */
typedef enum next_step { NEXT_RUN, NEXT_DONE, NEXT_USAGE_ERROR } next_step;

/* Reads the command line; --help and --version print and give NEXT_DONE, mistakes print and give
 * NEXT_USAGE_ERROR. options_free in every case. */
next_step options_read(int argc, char **argv, embed_options *options);
void options_free(embed_options *options);

#endif
