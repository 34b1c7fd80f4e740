/* SPDX-License-Identifier: MIT */
/*
 * embed_n MODEL.vew SIZE COUNT plain|kinds [OUT]: embeds the same input COUNT times with one thread and marks
 * each embedding (marks.h), for count.c to see.
 *
 * plain goes through the public interface, as a program would. kinds runs the network over a kernel table whose
 * entries are marked, too; it costs some instructions a call, which is why totals are taken from plain. OUT
 * gets the embedding as raw floats; the names of the kinds are printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/ve-bench/kernel_hooks.h"
#include "input.h"
#include "marks.h"
#include "net/net.h"

static int fail(const char *what)
{
    fprintf(stderr, "embed_n: %s: %s\n", what, ve_last_error());
    return 1;
}

static int write_embedding(const char *path, const float *embedding, size_t dim)
{
    FILE *out = fopen(path, "wb");
    size_t written = out ? fwrite(embedding, sizeof *embedding, dim, out) : 0;
    return out && fclose(out) == 0 && written == dim ? 0 : fail(path);
}

static int run_plain(const char *path, ve_precision precision, unsigned size, unsigned count,
                     const float *input, const char *out)
{
    static float embedding[VE_MAX_DIM];
    ve_model_options model_options = VE_MODEL_OPTIONS_INIT;
    ve_model *model;
    model_options.precision = precision;
    ve_session *session;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    ve_model_info info = VE_MODEL_INFO_INIT;
    options.width = options.height = size;
    if (ve_model_open(path, &model_options, &model) != VE_OK ||
        ve_session_create(model, &options, &session) != VE_OK)
        return fail(path);
    ve_model_get_info(model, &info);
    MARK(MARK_PASS);
    for (unsigned i = 0; i < count; i++) {
        if (ve_embed_tensor(session, input, embedding) != VE_OK)
            return fail("embedding");
        MARK(MARK_PASS);
    }
    printf("kernels\t%s\n", info.kernels);
    return out ? write_embedding(out, embedding, info.dim) : 0;
}

/* The mark's number is part of the instruction, so each kind needs one of its own. */
static void mark_kind(void *data, const kernel_call *call)
{
    (void)data;
    switch (call->kind) {
    case KIND_DEPTHWISE:
        MARK(MARK_KIND + KIND_DEPTHWISE);
        break;
    case KIND_NORM_PANEL:
        MARK(MARK_KIND + KIND_NORM_PANEL);
        break;
    case KIND_EXPAND:
        MARK(MARK_KIND + KIND_EXPAND);
        break;
    case KIND_CONTRACT:
        MARK(MARK_KIND + KIND_CONTRACT);
        break;
    case KIND_DENSE:
        MARK(MARK_KIND + KIND_DENSE);
        break;
    case KIND_WRITE_PANEL:
        MARK(MARK_KIND + KIND_WRITE_PANEL);
        break;
    case KIND_SCALE_PANEL:
        MARK(MARK_KIND + KIND_SCALE_PANEL);
        break;
    case KIND_NORM_ROWS:
        MARK(MARK_KIND + KIND_NORM_ROWS);
        break;
    case KIND_SUM_ROWS:
        MARK(MARK_KIND + KIND_SUM_ROWS);
        break;
    case KIND_GELU:
        MARK(MARK_KIND + KIND_GELU);
        break;
    case KERNEL_KINDS:
        break;
    }
}

static void mark_end(void *data, const kernel_call *call)
{
    (void)data;
    (void)call;
    MARK(MARK_END);
}

static int run_kinds(const char *path, ve__precision precision, unsigned size, unsigned count,
                     const float *input)
{
    static const kernel_hooks hooks = {mark_kind, mark_end, NULL};
    static float embedding[VE_MAX_DIM];
    static ve__kernels marked;
    const ve__kernels *kernels;
    ve__weights *weights;
    ve__net *net;
    ve__pool *pool;
    ve__run *run;
    if (ve__kernels_select(&kernels) != VE_OK || ve__weights_open(path, &weights) != VE_OK)
        return fail(path);
    kernel_hooks_install(kernels, &hooks, &marked);
    if (ve__net_create(weights, &marked, precision, &net) != VE_OK || ve__pool_create(1, &pool) != VE_OK ||
        ve__run_create(net, pool, size, size, &run) != VE_OK)
        return fail(path);
    memcpy(ve__run_input(run), input, (size_t)3 * size * size * sizeof *input);
    MARK(MARK_PASS);
    for (unsigned i = 0; i < count; i++) {
        ve__run_embed(run, embedding);
        MARK(MARK_PASS);
    }
    for (unsigned i = 0; i < KERNEL_KINDS; i++)
        printf("kind\t%u\t%s\n", i, kernel_kind_names[i]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: embed_n MODEL.vew SIZE COUNT plain|kinds f32|i8 [OUT]\n");
        return 2;
    }
    unsigned size = (unsigned)strtoul(argv[2], NULL, 10), count = (unsigned)strtoul(argv[3], NULL, 10);
    float *input = make_input(size);
    if (!input)
        return fail("input");
    int is_i8 = strcmp(argv[5], "i8") == 0;
    if (strcmp(argv[4], "kinds") == 0)
        return run_kinds(argv[1], is_i8 ? VE__PRECISION_I8 : VE__PRECISION_F32, size, count, input);
    return run_plain(argv[1], is_i8 ? VE_PRECISION_I8 : VE_PRECISION_F32, size, count, input,
                     argc > 6 ? argv[6] : NULL);
}
