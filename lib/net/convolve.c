/* SPDX-License-Identifier: MIT */
/* Stem and downsampling: a convolution is a dense layer over gathered rows. Output pixels are dealt to the
 * threads in contiguous shares, each worked off band by band: gather -> panel -> multiply -> norm or GELU. */
#include <string.h>

#include "net/internal.h"

typedef struct job {
    ve__run *run;
    const convolution *convolution;
    const map *in, *out;
    unsigned band;
} job;

/* One input pixel of the window, normalised where the convolution says so. */
static void gather_pixel(const job *j, int y, int x, float *row)
{
    const map *in = j->in;
    if (y < 0 || x < 0 || y >= (int)in->height || x >= (int)in->width) {
        memset(row, 0, in->channels * sizeof *row);
        return;
    }
    const float *pixel = map_pixel(in, (unsigned)y, (unsigned)x);
    if (j->convolution->norm_input)
        /* Writes the row's padding too; the next pixel of the window, or the slack behind the last, takes it.
         */
        j->run->net->kernels->norm_row(pixel, in->channels, j->convolution->norm_input, NULL, NULL, row);
    else
        memcpy(row, pixel, in->channels * sizeof *row);
}

/* The window of output pixel (y, x): [ky][kx][channel]. */
static void gather_row(const job *j, unsigned y, unsigned x, float *row)
{
    const convolution *c = j->convolution;
    for (unsigned ky = 0; ky < c->side; ky++)
        for (unsigned kx = 0; kx < c->side; kx++, row += j->in->channels)
            gather_pixel(j, (int)(y * c->stride + ky) - (int)c->padding,
                         (int)(x * c->stride + kx) - (int)c->padding, row);
}

/* A patch stem reads whole runs of pixels: `side` times side * 3 floats lie together. */
static void gather_patch(const job *j, unsigned y, unsigned x, float *row)
{
    const convolution *c = j->convolution;
    size_t run_floats = (size_t)c->side * j->in->channels;
    for (unsigned ky = 0; ky < c->side; ky++, row += run_floats)
        memcpy(row, map_pixel(j->in, y * c->stride + ky, x * c->stride), run_floats * sizeof *row);
}

static void finish_row(const job *j, float *row)
{
    const ve__kernels *kernels = j->run->net->kernels;
    const convolution *c = j->convolution;
    if (c->gelu_output)
        kernels->gelu(row, j->out->padded);
    if (c->norm_output)
        kernels->norm_row(row, j->out->channels, c->norm_output, c->norm_weight, c->norm_bias, row);
}

static void multiply_rows(const ve__kernels *kernels, const dense_layer *layer, const thread_scratch *t,
                          size_t stride, unsigned count)
{
    const ve__dense *f32 = &kernels->dense_f32;
    const ve__dense_i8 *i8 = &kernels->dense_i8;
    if (layer->is_i8) {
        i8->panel_write(t->rows, stride, count, layer->k, NULL, NULL, t->panel);
        i8->multiply(t->panel, count, layer->k, layer->packed, layer->n, NULL, t->out);
    } else {
        f32->panel_write(t->rows, stride, count, layer->k, t->panel);
        f32->multiply(t->panel, count, layer->k, layer->packed, layer->n, NULL, t->out);
    }
}

static void convolve_band(const job *j, const thread_scratch *t, unsigned first, unsigned count)
{
    const dense_layer *layer = j->convolution->layer;
    size_t stride = layer->k + VE__LANES;
    int is_patch =
        !j->convolution->norm_input && j->convolution->padding == 0 && j->in->padded == j->in->channels;
    for (unsigned i = 0; i < count; i++) {
        unsigned y = (first + i) / j->out->width, x = (first + i) % j->out->width;
        (is_patch ? gather_patch : gather_row)(j, y, x, t->rows + i * stride);
        t->out[i] = map_pixel(j->out, y, x);
    }
    multiply_rows(j->run->net->kernels, layer, t, stride, count);
    for (unsigned i = 0; i < count; i++)
        finish_row(j, t->out[i]);
}

static void convolve_share(void *data, unsigned thread, unsigned thread_count)
{
    const job *j = data;
    unsigned first, end;
    share_pixels(j->run, j->out->width * j->out->height, thread, thread_count, &first, &end);
    unsigned bands = (end - first + j->band - 1) / j->band;
    for (unsigned b = 0; b < bands; b++) {
        unsigned from, to;
        share_pixels(j->run, end - first, b, bands, &from, &to);
        convolve_band(j, &j->run->threads[thread], first + from, to - from);
    }
}

void ve__net_convolve(ve__run *run, const convolution *c, const map *in, const map *out)
{
    job j = {run, c, in, out, CONVOLVE_BAND};
    ve__pool_run(run->pool, convolve_share, &j);
}
