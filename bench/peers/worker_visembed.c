/* SPDX-License-Identifier: MIT */
/* worker_visembed MODEL.vew SIZE THREADS INPUT OUTPUT: libvisembed in bench-peers. */
#include <stdio.h>
#include <stdlib.h>

#include "visembed.h"
#include "worker.h"

typedef struct job {
    ve_session *session;
    float *input;
    float embedding[VE_MAX_DIM];
} job;

static int run_once(void *data)
{
    job *j = data;
    return ve_embed_tensor(j->session, j->input, j->embedding) == VE_OK ? 0 : -1;
}

static int fail(const char *what)
{
    fprintf(stderr, "worker_visembed: %s: %s\n", what, ve_last_error());
    return 1;
}

int main(int argc, char **argv)
{
    static job j;
    ve_model *model;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    ve_model_info info = VE_MODEL_INFO_INIT;
    if (argc != 6) {
        fprintf(stderr, "usage: worker_visembed MODEL.vew SIZE THREADS INPUT OUTPUT\n");
        return 2;
    }
    options.width = options.height = (uint32_t)strtoul(argv[2], NULL, 10);
    options.threads = (uint32_t)strtoul(argv[3], NULL, 10);
    options.flags = VE_SESSION_RAW;
    if (ve_model_open(argv[1], NULL, &model) != VE_OK || ve_model_get_info(model, &info) != VE_OK)
        return fail(argv[1]);
    if (ve_session_create(model, &options, &j.session) != VE_OK)
        return fail("session");
    j.input = worker_read_floats(argv[4], (size_t)3 * options.width * options.width);
    if (!j.input || run_once(&j) != 0 || worker_write_floats(argv[5], j.embedding, info.dim) != 0)
        return fail("first embedding");
    return worker_serve("visembed", info.kernels, run_once, &j);
}
