/* SPDX-License-Identifier: MIT */
/* Writes embeddings as text, JSON lines or one NumPy array. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/streams.h"
#include "common/text.h"
#include "npy.h"
#include "output.h"

static int is_same_file(const struct stat *output, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && other.st_dev == output->st_dev && other.st_ino == output->st_ino;
}

/* The input that opening `path` for writing would empty, or NULL. */
static const char *overwritten_input(const embed_options *options, const char *path)
{
    struct stat output;
    if (stat(path, &output) != 0 || !S_ISREG(output.st_mode))
        return NULL;
    if (options->model && is_same_file(&output, options->model))
        return options->model;
    for (size_t i = 0; i < options->input_count; i++)
        if (is_same_file(&output, options->inputs[i].path))
            return options->inputs[i].path;
    return NULL;
}

int output_open(embed_output *output, const embed_options *options, const ve_model_info *model)
{
    memset(output, 0, sizeof *output);
    output->format = options->format;
    output->model = model;
    output->path = options->output ? options->output : "standard output";
    if (options->output && overwritten_input(options, options->output)) {
        fprintf(stderr, "ve-embed: %s: is %s, which is to be read\n", output->path,
                overwritten_input(options, options->output));
        return -1;
    }
    output->file = options->output ? fopen(options->output, "wb") : stdout;
    if (output->file)
        return 0;
    fprintf(stderr, "ve-embed: %s: %s\n", output->path, strerror(errno));
    return -1;
}

/* Nine digits bring back each float to the bit. */
static void write_values(FILE *file, const float *values, size_t count, char separator)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            putc(separator, file);
        fprintf(file, "%.9g", (double)values[i]);
    }
}

static void write_json(embed_output *output, const char *path, const float *embedding)
{
    fputs("{\"path\":", output->file);
    text_write_json(output->file, path);
    fprintf(output->file, ",\"dim\":%u,\"fingerprint\":\"%s\",\"embedding\":[", output->model->dim,
            output->model->fingerprint);
    write_values(output->file, embedding, output->model->dim, ',');
    fputs("]}\n", output->file);
}

static int keep_row(embed_output *output, const float *embedding)
{
    size_t row_bytes = output->model->dim * sizeof *embedding;
    if (output->row_count == output->row_capacity) {
        size_t capacity = output->row_capacity ? 2 * output->row_capacity : 64;
        float *rows = capacity < SIZE_MAX / row_bytes ? realloc(output->rows, capacity * row_bytes) : NULL;
        if (!rows) {
            fprintf(stderr, "ve-embed: no memory for %zu embeddings\n", capacity);
            return -1;
        }
        output->rows = rows;
        output->row_capacity = capacity;
    }
    memcpy(output->rows + output->row_count++ * output->model->dim, embedding, row_bytes);
    return 0;
}

int output_add(embed_output *output, const char *path, const float *embedding)
{
    if (output->format == FORMAT_NPY)
        return keep_row(output, embedding);
    if (output->format == FORMAT_JSON) {
        write_json(output, path, embedding);
    } else {
        write_values(output->file, embedding, output->model->dim, ' ');
        putc('\n', output->file);
    }
    /* The rest would be lost as well; output_close says why. */
    return ferror(output->file) ? -1 : 0;
}

int output_close(embed_output *output)
{
    if (output->format == FORMAT_NPY)
        npy_write(output->file, output->rows, output->row_count, output->model->dim);
    free(output->rows);
    return streams_finish("ve-embed", output->file, output->path);
}
