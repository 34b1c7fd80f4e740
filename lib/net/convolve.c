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

/* By constant sizes, which need no call. */
static inline void copy_floats(const float *from, size_t count, float *to)
{
    const float *end = from + count;
    for (; end - from >= 8; from += 8, to += 8)
        memcpy(to, from, 8 * sizeof *to);
    if (end - from >= 4) {
        memcpy(to, from, 4 * sizeof *to);
        from += 4;
        to += 4;
    }
    while (from < end)
        *to++ = *from++;
}

/* One input pixel of the window. */
static void gather_pixel(const map *in, int y, int x, float *row)
{
    if (y < 0 || x < 0 || y >= (int)in->height || x >= (int)in->width)
        memset(row, 0, in->channels * sizeof *row);
    else
        copy_floats(map_pixel(in, (unsigned)y, (unsigned)x), in->channels, row);
}

/* The window of output pixel (y, x): [ky][kx][channel]. */
static void gather_row(const job *j, unsigned y, unsigned x, float *row)
{
    const convolution *c = j->convolution;
    for (unsigned ky = 0; ky < c->side; ky++)
        for (unsigned kx = 0; kx < c->side; kx++, row += j->in->channels)
            gather_pixel(j->in, (int)(y * c->stride + ky) - (int)c->padding,
                         (int)(x * c->stride + kx) - (int)c->padding, row);
}

/* Without padding of either kind whole runs of pixels, `side` times side * channels floats, lie together. */
static void gather_runs(const job *j, unsigned y, unsigned x, float *row)
{
    const convolution *c = j->convolution;
    size_t run_floats = (size_t)c->side * j->in->channels;
    size_t row_floats = (size_t)(j->in->width + j->in->border) * j->in->channels;
    const float *from = map_pixel(j->in, y * c->stride, x * c->stride);
    for (unsigned ky = 0; ky < c->side; ky++, row += run_floats, from += row_floats)
        copy_floats(from, run_floats, row);
}

/* The windows of `count` output pixels from number `first` on into rows, and where each output goes. */
static void gather(const job *j, const thread_scratch *t, unsigned first, unsigned count)
{
    const convolution *c = j->convolution;
    int in_runs = c->padding == 0 && j->in->padded == j->in->channels;
    unsigned y = first / j->out->width, x = first % j->out->width;
    float *row = t->rows;
    for (unsigned i = 0; i < count; i++, row += c->layer->k) {
        (in_runs ? gather_runs : gather_row)(j, y, x, row);
        t->out[i] = map_pixel(j->out, y, x);
        if (++x == j->out->width) {
            x = 0;
            y++;
        }
    }
}

static void multiply_rows(const ve__kernels *kernels, const dense_layer *layer, const thread_scratch *t,
                          unsigned count)
{
    const ve__dense *f32 = &kernels->dense_f32;
    const ve__dense_i8 *i8 = &kernels->dense_i8;
    if (layer->is_i8) {
        i8->panel_write(t->rows, layer->k, count, layer->k, NULL, NULL, t->panel);
        i8->multiply(t->panel, count, layer->k, layer->packed, layer->n, NULL, t->out);
    } else {
        f32->panel_write(t->rows, layer->k, count, layer->k, t->panel);
        f32->multiply(t->panel, count, layer->k, layer->packed, layer->n, NULL, t->out);
    }
}

/* What comes behind the layer, for runs of outputs that lie side by side. */
static void finish_rows(const job *j, float *const *out, unsigned count)
{
    const ve__kernels *kernels = j->run->net->kernels;
    const convolution *c = j->convolution;
    size_t padded = j->out->padded;
    for (unsigned i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && out[i + n] == out[i] + n * padded;)
            n++;
        if (c->gelu_output)
            kernels->gelu(out[i], n * padded);
        if (c->norm_output)
            kernels->norm_rows(out[i], padded, n, j->out->channels, c->norm_output, c->norm_weight,
                               c->norm_bias, out[i], padded);
    }
}

static void convolve_band(const job *j, const thread_scratch *t, unsigned first, unsigned count)
{
    const convolution *c = j->convolution;
    const ve__kernels *kernels = j->run->net->kernels;
    unsigned channels = j->in->channels;
    gather(j, t, first, count);
    if (c->norm_input)
        kernels->norm_rows(t->rows, channels, count * c->side * c->side, channels, c->norm_input,
                           c->norm_input_weight, NULL, t->rows, channels);
    multiply_rows(kernels, c->layer, t, count);
    finish_rows(j, t->out, count);
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
