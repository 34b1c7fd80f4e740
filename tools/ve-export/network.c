/* SPDX-License-Identifier: MIT */
/* See network.h. */
#include "network.h"

ve_status network_open(const ve__weights *weights, const ve__kernels *kernels, ve__precision precision,
                       network *n)
{
    const ve__preprocess *preprocess = ve__weights_preprocess(weights);
    VE_TRY(ve__net_create(weights, kernels, precision, &n->net));
    VE_TRY(ve__pool_create(1, &n->pool));
    VE_TRY(ve__run_create(n->net, n->pool, preprocess->width, preprocess->height, &n->run));
    return ve__prepare_create(preprocess, &n->prepare);
}

void network_close(network *n)
{
    ve__prepare_free(n->prepare);
    ve__run_free(n->run);
    ve__pool_free(n->pool);
    ve__net_free(n->net);
}

ve_status network_embed(network *n, const ve_image *image, float *embedding)
{
    VE_TRY(ve__prepare_run(n->prepare, image, ve__run_input(n->run)));
    ve__run_embed(n->run, embedding);
    return VE_OK;
}
