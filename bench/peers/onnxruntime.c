/* SPDX-License-Identifier: MIT */
/* See onnxruntime.h. The positions in the table are those of struct OrtApi in onnxruntime_c_api.h, whose first
 * entries are frozen since version 1. */
#include "onnxruntime.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_GRAPH_OPTIMIZATION_LEVEL = 23,
    SET_INTRA_OP_THREADS = 24,
    SET_INTER_OP_THREADS = 25,
    SESSION_GET_OUTPUT_NAME = 37,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_DATA = 51,
    GET_TENSOR_ELEMENT_COUNT = 64,
    GET_TENSOR_SHAPE = 65,
    CREATE_CPU_MEMORY_INFO = 69,
    GET_DEFAULT_ALLOCATOR = 78,
    RELEASE_VALUE = 96,
    RELEASE_SHAPE = 99
};

enum { WARNING = 2, OPTIMIZE_ALL = 99, ARENA_ALLOCATOR = 1, DEFAULT_MEMORY = 0, FLOAT_ELEMENTS = 1 };
#define API_VERSION 17u

typedef void function(void);
typedef function *const *table;
struct api_base {
    table (*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

struct ort_model {
    table api;
    const char *version;
    void *session, *memory, *input, *output;
    char *output_name;
};

/* Every call returns a status: NULL is success. */
static int check(const ort_model *m, const char *what, void *status)
{
    if (!status)
        return 0;
    const char *(*message)(const void *) = (const char *(*)(const void *))m->api[GET_ERROR_MESSAGE];
    fprintf(stderr, "onnxruntime: %s: %s\n", what, message(status));
    return -1;
}

static int load_library(ort_model *m, const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    void *symbol = library ? dlsym(library, "OrtGetApiBase") : NULL;
    const struct api_base *(*get_base)(void);
    if (!symbol) {
        fprintf(stderr, "onnxruntime: %s\n", dlerror());
        return -1;
    }
    *(void **)&get_base = symbol;
    m->version = get_base()->get_version();
    m->api = get_base()->get_api(API_VERSION);
    return m->api ? 0 : -1;
}

static int open_session(ort_model *m, const char *path, int threads)
{
    void *env, *options, *allocator;
    void *(*create_env)(int, const char *, void **) = (void *(*)(int, const char *, void **))m->api[CREATE_ENV];
    void *(*create_options)(void **) = (void *(*)(void **))m->api[CREATE_SESSION_OPTIONS];
    void *(*set_level)(void *, int) = (void *(*)(void *, int))m->api[SET_GRAPH_OPTIMIZATION_LEVEL];
    void *(*set_threads)(void *, int) = (void *(*)(void *, int))m->api[SET_INTRA_OP_THREADS];
    void *(*set_inter)(void *, int) = (void *(*)(void *, int))m->api[SET_INTER_OP_THREADS];
    void *(*create)(void *, const char *, void *, void **) =
        (void *(*)(void *, const char *, void *, void **))m->api[CREATE_SESSION];
    void *(*create_memory)(int, int, void **) = (void *(*)(int, int, void **))m->api[CREATE_CPU_MEMORY_INFO];
    void *(*get_allocator)(void **) = (void *(*)(void **))m->api[GET_DEFAULT_ALLOCATOR];
    void *(*output_name)(void *, size_t, void *, char **) =
        (void *(*)(void *, size_t, void *, char **))m->api[SESSION_GET_OUTPUT_NAME];
    return check(m, "environment", create_env(WARNING, "bench", &env)) ||
                   check(m, "options", create_options(&options)) ||
                   check(m, "optimization", set_level(options, OPTIMIZE_ALL)) ||
                   check(m, "threads", set_threads(options, threads)) ||
                   check(m, "threads", set_inter(options, 1)) ||
                   check(m, path, create(env, path, options, &m->session)) ||
                   check(m, "memory", create_memory(ARENA_ALLOCATOR, DEFAULT_MEMORY, &m->memory)) ||
                   check(m, "allocator", get_allocator(&allocator)) ||
                   check(m, "output", output_name(m->session, 0, allocator, &m->output_name))
               ? -1
               : 0;
}

ort_model *ort_open(const char *library, const char *model, int threads)
{
    ort_model *m = calloc(1, sizeof *m);
    if (!m || load_library(m, library) != 0 || open_session(m, model, threads) != 0) {
        free(m);
        return NULL;
    }
    return m;
}

const char *ort_version(const ort_model *m)
{
    return m->version;
}

static int output_size(const ort_model *m, size_t *count)
{
    void *shape;
    void *(*get_shape)(void *, void **) = (void *(*)(void *, void **))m->api[GET_TENSOR_SHAPE];
    void *(*get_count)(void *, size_t *) = (void *(*)(void *, size_t *))m->api[GET_TENSOR_ELEMENT_COUNT];
    void (*release)(void *) = (void (*)(void *))m->api[RELEASE_SHAPE];
    if (check(m, "shape", get_shape(m->output, &shape)) || check(m, "size", get_count(shape, count)))
        return -1;
    release(shape);
    return 0;
}

int ort_run(ort_model *m, float *input, unsigned size, const float **output, size_t *count)
{
    static const char *const input_names[] = {"input"};
    const int64_t shape[4] = {1, 3, size, size};
    void *(*wrap)(void *, void *, size_t, const int64_t *, size_t, int, void **) =
        (void *(*)(void *, void *, size_t, const int64_t *, size_t, int,
                   void **))m->api[CREATE_TENSOR_WITH_DATA];
    void *(*run)(void *, void *, const char *const *, void *const *, size_t, char *const *, size_t, void **) =
        (void *(*)(void *, void *, const char *const *, void *const *, size_t, char *const *, size_t,
                   void **))m->api[RUN];
    void *(*get_data)(void *, void **) = (void *(*)(void *, void **))m->api[GET_TENSOR_DATA];
    void (*release)(void *) = (void (*)(void *))m->api[RELEASE_VALUE];
    size_t bytes = (size_t)3 * size * size * sizeof *input;
    void *data;
    if (m->output)
        release(m->output);
    m->output = NULL;
    if (!m->input && check(m, "input", wrap(m->memory, input, bytes, shape, 4, FLOAT_ELEMENTS, &m->input)))
        return -1;
    if (check(m, "run", run(m->session, NULL, input_names, &m->input, 1, &m->output_name, 1, &m->output)) ||
        check(m, "result", get_data(m->output, &data)))
        return -1;
    *output = data;
    return output_size(m, count);
}
