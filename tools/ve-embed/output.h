/* SPDX-License-Identifier: MIT */
/* Writes embeddings as text, JSON lines or one NumPy array. */
#ifndef VE_EMBED_OUTPUT_H
#define VE_EMBED_OUTPUT_H

#include <stddef.h>
#include <stdio.h>

#include "options.h"
#include "visembed.h"

typedef struct embed_output {
    FILE *file;
    const char *path; /* for messages */
    embed_format format;
    const ve_model_info *model;
    /* An array's header says how many rows follow, which is known only at the end: npy rows wait here. */
    float *rows;
    size_t row_count, row_capacity;
} embed_output;

/* All three print what is wrong and return -1 then; stop after the first failure. */
int output_open(embed_output *output, const embed_options *options, const ve_model_info *model);
/* embedding: model->dim floats; path: of the picture. */
int output_add(embed_output *output, const char *path, const float *embedding);
/* Always call it once after output_open, also after a failure. */
int output_close(embed_output *output);

#endif
