/* SPDX-License-Identifier: MIT */
/* A model and the session for the input size of the moment. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "embedder.h"
#include "npy.h"

/* Functions that open a file name it. */
static int fail_to_open(void)
{
    fprintf(stderr, "ve-embed: %s\n", ve_last_error());
    return -1;
}

static int fail(const char *what)
{
    fprintf(stderr, "ve-embed: %s: %s\n", what, ve_last_error());
    return -1;
}

/* Makes the session for this input size, unless it is there. */
static int use_size(embed_engine *embedder, uint32_t width, uint32_t height, const char *what)
{
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    if (embedder->session && width == embedder->width && height == embedder->height)
        return 0;
    options.threads = embedder->options->threads;
    options.width = width;
    options.height = height;
    options.flags = embedder->options->is_raw ? VE_SESSION_RAW : 0;
    ve_session_free(embedder->session);
    embedder->session = NULL;
    if (ve_session_create(embedder->model, &options, &embedder->session) != VE_OK)
        return fail(what);
    embedder->width = width;
    embedder->height = height;
    return 0;
}

int embedder_open(embed_engine *embedder, const embed_options *options)
{
    char path[PATH_MAX];
    const ve_model_info empty = VE_MODEL_INFO_INIT;
    memset(embedder, 0, sizeof *embedder);
    embedder->options = options;
    embedder->info = empty;
    if (model_path_find(options->model, path, sizeof path) != 0) {
        fputs("ve-embed: no weight file found; name one with -m FILE\n", stderr);
        return -1;
    }
    if (ve_model_open(path, NULL, &embedder->model) != VE_OK ||
        ve_model_get_info(embedder->model, &embedder->info) != VE_OK)
        return fail_to_open();
    return 0;
}

void embedder_close(embed_engine *embedder)
{
    ve_session_free(embedder->session);
    ve_model_close(embedder->model);
}

/* Reads a whole picture from standard input. NULL, with a message, when that fails. */
static unsigned char *read_standard_input(size_t *size)
{
    size_t capacity = 1 << 16, filled = 0;
    unsigned char *bytes = malloc(capacity);
    while (bytes) {
        filled += fread(bytes + filled, 1, capacity - filled, stdin);
        if (filled < capacity || capacity > VE_MAX_IMAGE_BYTES)
            break;
        unsigned char *larger = realloc(bytes, capacity *= 2);
        if (!larger)
            free(bytes);
        bytes = larger;
    }
    const char *problem = !bytes          ? "no memory for the picture"
                          : ferror(stdin) ? "cannot be read"
                          : filled == 0   ? "empty"
                                          : NULL;
    if (problem) {
        fprintf(stderr, "ve-embed: standard input: %s\n", problem);
        free(bytes);
        return NULL;
    }
    *size = filled;
    return bytes;
}

static ve_image *load_image(const char *path)
{
    ve_image *image = NULL;
    if (strcmp(path, "-") != 0) {
        if (ve_image_load(path, &image) != VE_OK)
            fail_to_open();
        return image;
    }
    size_t size;
    unsigned char *bytes = read_standard_input(&size);
    if (bytes && ve_image_decode(bytes, size, &image) != VE_OK)
        fail("standard input");
    free(bytes);
    return image;
}

static int embed_image(embed_engine *embedder, const char *path, float *embedding)
{
    uint32_t width = embedder->options->width ? embedder->options->width : embedder->info.width;
    uint32_t height = embedder->options->height ? embedder->options->height : embedder->info.height;
    ve_image *image = load_image(path);
    if (!image)
        return -1;
    int result = use_size(embedder, width, height, path);
    if (result == 0 && ve_embed(embedder->session, image, embedding) != VE_OK)
        result = fail(path);
    ve_image_free(image);
    return result;
}

static int embed_values(embed_engine *embedder, const char *path, const npy_tensor *tensor, float *embedding)
{
    const embed_options *options = embedder->options;
    if (options->width && (options->width != tensor->width || options->height != tensor->height)) {
        fprintf(stderr, "ve-embed: %s: %ux%u, but --size says %ux%u\n", path, tensor->width, tensor->height,
                options->width, options->height);
        return -1;
    }
    if (use_size(embedder, tensor->width, tensor->height, path) != 0)
        return -1;
    return ve_embed_tensor(embedder->session, tensor->values, embedding) == VE_OK ? 0 : fail(path);
}

static int embed_tensor(embed_engine *embedder, const char *path, float *embedding)
{
    npy_tensor tensor;
    char error[160];
    if (npy_read_tensor(path, &tensor, error, sizeof error) != 0) {
        fprintf(stderr, "ve-embed: %s: %s\n", path, error);
        return -1;
    }
    int result = embed_values(embedder, path, &tensor, embedding);
    free(tensor.values);
    return result;
}

int embedder_run(embed_engine *embedder, const embed_input *input, float *embedding)
{
    return input->is_tensor ? embed_tensor(embedder, input->path, embedding)
                            : embed_image(embedder, input->path, embedding);
}
