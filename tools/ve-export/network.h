/* SPDX-License-Identifier: MIT */
/* A weight file as a running network, for a table of kernels and a precision of one's choice: what a session is
 * to programs that take both as they come. */
#ifndef VE_EXPORT_NETWORK_H
#define VE_EXPORT_NETWORK_H

#include "image/image.h"
#include "net/net.h"

typedef struct network {
    ve__net *net;
    ve__pool *pool;
    ve__run *run;
    ve__prepare *prepare;
} network;

/* Zero *n before, close it in any case. weights may be closed afterwards. */
ve_status network_open(const ve__weights *weights, const ve__kernels *kernels, ve__precision precision,
                       network *n);
void network_close(network *n);
/* Prepared as the model says; embedding: ve__net_dim floats, not scaled. */
ve_status network_embed(network *n, const ve_image *image, float *embedding);

#endif
