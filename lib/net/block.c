/* SPDX-License-Identifier: MIT */
/* One ConvNeXt block: out = in + fc2(grn(gelu(fc1(norm(depthwise7x7(in)))))), with everything foldable folded.
 *
 * Version 1 is one pass: a band of pixels goes through the depthwise convolution into rows, normalised into
 * fc1's panel, through fc1 and GELU into fc2's panel and out; the hidden layer, four times as wide, never
 * leaves the cache. The output goes to a second map, because neighbouring bands still read the input.
 *
 * Version 2 needs, before fc2, the norm of each hidden channel over all pixels, so the hidden panels of all
 * bands are kept and there are two passes:
 *     G_j = sqrt(sum over pixels of h_j^2)    N_j = G_j / (mean of G + 1e-6)    h_j *= 1 + gamma_j N_j
 * (GRN's "+ beta" is in fc2's bias.) arXiv 2301.00808, section 3. */
#include <math.h>

#include "net/internal.h"

#define GRN_EPS 1e-6f

typedef struct job {
    ve__run *run;
    const block *block;
    const map *in, *out;
    const ve__norm_rule *rule;
    unsigned band, band_count;
    size_t hidden_bytes; /* of one band, version 2 */
} job;

/* Depthwise convolution of the pixels [first, first + count), which may span several rows of the map. */
static void depthwise_band(const job *j, unsigned first, unsigned count, float *rows)
{
    const ve__kernels *kernels = j->run->net->kernels;
    const map *in = j->in;
    ptrdiff_t row_stride = (ptrdiff_t)(in->width + in->border) * in->padded;
    while (count > 0) {
        unsigned y = first / in->width, x = first % in->width;
        unsigned run = in->width - x < count ? in->width - x : count;
        unsigned ky_first = y < 3 ? 3 - y : 0, ky_end = in->height - y < 4 ? in->height - y + 3 : 7;
        kernels->depthwise(map_pixel(in, y, x), row_stride, ky_first, ky_end, in->channels, j->block->depthwise,
                           run, rows);
        rows += (size_t)run * in->padded;
        first += run;
        count -= run;
    }
}

/* fc1 and GELU of a band into the panel `hidden`, or in 8 bits into rows there. */
static void expand_band(const job *j, const thread_scratch *t, unsigned first, unsigned count, void *hidden,
                        float *square_sums)
{
    const ve__dense *dense = &j->run->net->kernels->dense_f32;
    const ve__dense_i8 *i8 = &j->run->net->kernels->dense_i8;
    const dense_layer *fc1 = &j->block->fc1;
    depthwise_band(j, first, count, t->rows);
    if (fc1->is_i8) {
        i8->panel_norm(t->rows, j->in->padded, count, fc1->k, j->rule, j->block->norm_weight, t->panel);
        i8->multiply_gelu(t->panel, count, fc1->k, fc1->packed, fc1->n, hidden, ve__padded(fc1->n),
                          square_sums ? NULL : t->ranges, square_sums);
        return;
    }
    dense->panel_norm(t->rows, j->in->padded, count, fc1->k, j->rule, t->panel);
    dense->multiply_gelu(t->panel, count, fc1->k, fc1->packed, fc1->n, hidden, square_sums);
}

/* Where the band's pixels lie in both maps, which have one shape. */
static void list_rows(const job *j, const thread_scratch *t, unsigned first, unsigned count)
{
    unsigned x = first % j->in->width, y = first / j->in->width;
    size_t padded = j->in->padded, at = (size_t)(map_pixel(j->in, y, x) - j->in->data);
    for (unsigned i = 0; i < count; i++, at += padded) {
        t->residual[i] = j->in->data + at;
        t->out[i] = j->out->data + at;
        if (++x == j->in->width) {
            x = 0;
            at += j->in->border * padded;
        }
    }
}

/* fc2 and the residual of a band. grn: the factors of version 2, NULL in version 1. */
static void contract_band(const job *j, const thread_scratch *t, unsigned first, unsigned count, void *hidden,
                          const float *grn)
{
    const ve__kernels *kernels = j->run->net->kernels;
    const dense_layer *fc2 = &j->block->fc2;
    list_rows(j, t, first, count);
    if (fc2->is_i8) {
        kernels->dense_i8.panel_write(hidden, ve__padded(fc2->k), count, fc2->k, grn, grn ? NULL : t->ranges,
                                      t->panel);
        kernels->dense_i8.multiply(t->panel, count, fc2->k, fc2->packed, fc2->n, t->residual, t->out);
        return;
    }
    if (grn)
        kernels->dense_f32.panel_scale(hidden, count, fc2->k, grn);
    kernels->dense_f32.multiply(hidden, count, fc2->k, fc2->packed, fc2->n, t->residual, t->out);
}

static void block_share(void *data, unsigned thread, unsigned thread_count)
{
    const job *j = data;
    const thread_scratch *t = &j->run->threads[thread];
    unsigned first, end;
    share_pixels(j->run, j->in->width * j->in->height, thread, thread_count, &first, &end);
    unsigned bands = (end - first + j->band - 1) / j->band;
    for (unsigned b = 0; b < bands; b++) {
        unsigned from, to;
        share_pixels(j->run, end - first, b, bands, &from, &to);
        expand_band(j, t, first + from, to - from, t->hidden, NULL);
        contract_band(j, t, first + from, to - from, t->hidden, NULL);
    }
}

static void expand_share(void *data, unsigned thread, unsigned thread_count)
{
    const job *j = data;
    unsigned first_band, end_band, hidden = j->block->fc1.n;
    ve__share(j->band_count, thread, thread_count, &first_band, &end_band);
    for (unsigned b = first_band; b < end_band; b++) {
        unsigned from, to;
        float *sums = j->run->square_sums + (size_t)b * hidden;
        share_tiles(FIXED_TILE, j->in->width * j->in->height, b, j->band_count, &from, &to);
        for (unsigned c = 0; c < hidden; c++)
            sums[c] = 0;
        expand_band(j, &j->run->threads[thread], from, to - from, j->run->hidden + b * j->hidden_bytes, sums);
    }
}

/* The factor 1 + gamma N of each hidden channel. Every thread computes it for itself: that is cheaper than
 * another barrier. */
static void grn_scale(const job *j, float *scale)
{
    unsigned hidden = j->block->fc1.n;
    double total = 0;
    for (unsigned c = 0; c < hidden; c++) {
        double sum = 0;
        for (unsigned b = 0; b < j->band_count; b++)
            sum += j->run->square_sums[(size_t)b * hidden + c];
        scale[c] = (float)sqrt(sum);
        total += scale[c];
    }
    float divisor = (float)(total / hidden) + GRN_EPS;
    for (unsigned c = 0; c < hidden; c++)
        scale[c] = 1.0f + j->block->grn_weight[c] * (scale[c] / divisor);
}

static void contract_share(void *data, unsigned thread, unsigned thread_count)
{
    const job *j = data;
    const thread_scratch *t = &j->run->threads[thread];
    unsigned first_band, end_band;
    grn_scale(j, t->scale);
    ve__share(j->band_count, thread, thread_count, &first_band, &end_band);
    for (unsigned b = first_band; b < end_band; b++) {
        unsigned from, to;
        share_tiles(FIXED_TILE, j->in->width * j->in->height, b, j->band_count, &from, &to);
        contract_band(j, t, from, to - from, j->run->hidden + b * j->hidden_bytes, t->scale);
    }
}

void ve__net_block(ve__run *run, unsigned s, const block *b, const map *in, const map *out)
{
    job j = {run, b, in, out, &run->net->rule[s], run->band[s], 0, 0};
    if (!b->grn_weight) {
        ve__pool_run(run->pool, block_share, &j);
        return;
    }
    j.band_count = fixed_band_count(run, s);
    j.hidden_bytes = hidden_bytes(run, s);
    ve__pool_run(run->pool, expand_share, &j);
    ve__pool_run(run->pool, contract_share, &j);
}
