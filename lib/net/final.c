/* SPDX-License-Identifier: MIT */
/* Pooling, the final norm and the head: one row, on the caller's thread. */
#include <string.h>

#include "net/internal.h"

/* pooled = mean over all pixels, of the map's rows or of the normalised ones. Pixels are added row by row, so
 * that rounding errors grow with the sides of the map and not with its area. */
static void pool(ve__run *run, const map *in, int normalise)
{
    const ve__kernels *kernels = run->net->kernels;
    float *row_sum = run->head_rows[0], *normalised = run->head_rows[1];
    memset(run->pooled, 0, in->padded * sizeof(float));
    for (unsigned y = 0; y < in->height; y++) {
        memset(row_sum, 0, in->padded * sizeof(float));
        if (!normalise)
            kernels->sum_rows(map_pixel(in, y, 0), in->width, in->channels, row_sum);
        for (unsigned x = 0; normalise && x < in->width; x++) {
            kernels->norm_rows(map_pixel(in, y, x), in->padded, 1, in->channels, &run->net->final_rule, NULL,
                               NULL, normalised, in->padded);
            kernels->sum_rows(normalised, 1, in->channels, row_sum);
        }
        kernels->sum_rows(row_sum, 1, in->channels, run->pooled);
    }
    float pixels = (float)(in->width * in->height);
    for (unsigned c = 0; c < in->channels; c++)
        run->pooled[c] /= pixels;
}

/* The norm's weight and bias behind pooling: both are linear, so they may change places. */
static void apply_affine(const ve__net *net, float *row, unsigned channels)
{
    for (unsigned c = 0; c < channels; c++)
        row[c] = row[c] * net->final_weight[c] + net->final_bias[c];
}

static void run_head(ve__run *run, float *row, float *embedding)
{
    const ve__net *net = run->net;
    const ve__dense *dense = &net->kernels->dense_f32;
    for (unsigned i = 0; i < net->arch.head_layers; i++) {
        const dense_layer *layer = &net->head[i];
        float *out = run->head_rows[i];
        if (i > 0)
            net->kernels->gelu(row, layer->k);
        dense->panel_write(row, layer->k, 1, layer->k, run->head_panel);
        dense->multiply(run->head_panel, 1, layer->k, layer->packed, layer->n, NULL, &out);
        row = out;
    }
    memcpy(embedding, row, ve__net_dim(net) * sizeof *embedding);
}

void ve__net_final(ve__run *run, const map *in, float *embedding)
{
    const ve__net *net = run->net;
    pool(run, in, net->arch.final == VE__FINAL_NORM_POOL);
    if (net->arch.final == VE__FINAL_POOL_NORM)
        net->kernels->norm_rows(run->pooled, in->padded, 1, in->channels, &net->final_rule, net->final_weight,
                                net->final_bias, run->pooled, in->padded);
    if (net->arch.final == VE__FINAL_NORM_POOL)
        apply_affine(net, run->pooled, in->channels);
    run_head(run, run->pooled, embedding);
}
