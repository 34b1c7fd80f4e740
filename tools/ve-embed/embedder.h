/* SPDX-License-Identifier: MIT */
/* A model and the session for the input size of the moment. */
#ifndef VE_EMBED_EMBEDDER_H
#define VE_EMBED_EMBEDDER_H

#include "options.h"
#include "visembed.h"

typedef struct embed_engine {
    const embed_options *options;
    ve_model *model;
    ve_model_info info;
    ve_session *session;
    uint32_t width, height; /* of the session */
} embed_engine;

/* Both print what is wrong and return -1 then. embedder_close in every case. */
int embedder_open(embed_engine *embedder, const embed_options *options);
/* embedding: info.dim floats. */
int embedder_run(embed_engine *embedder, const embed_input *input, float *embedding);
void embedder_close(embed_engine *embedder);

#endif
