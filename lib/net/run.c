/* SPDX-License-Identifier: MIT */
/* The forward pass, from a normalised picture to an embedding. Start reading here. */
#include "net/internal.h"

static void observe(const ve__run *run, int s, const map *m)
{
    if (run->observer)
        run->observer(run->observer_data, s, map_pixel(m, 0, 0), m->height, m->width, m->channels,
                      (size_t)m->width + m->border, m->padded);
}

static void run_stem(ve__run *run)
{
    const ve__net *net = run->net;
    const ve__arch *arch = &net->arch;
    convolution last = {.layer = &net->stem[0],
                        .norm_output = &net->rule[0],
                        .norm_weight = net->stem_norm_weight,
                        .norm_bias = net->stem_norm_bias};
    if (arch->stem == VE__STEM_PATCH) {
        last.side = last.stride = arch->stem_patch;
        ve__net_convolve(run, &last, &run->image, &run->maps[0][0]);
        return;
    }
    convolution first = {.layer = &net->stem[0], .side = 3, .stride = 2, .padding = 1};
    first.gelu_output = arch->stem == VE__STEM_OVERLAP_ACT;
    last.layer = &net->stem[1];
    last.side = 3;
    last.stride = 2;
    last.padding = 1;
    ve__net_convolve(run, &first, &run->image, &run->stem_mid);
    ve__net_convolve(run, &last, &run->stem_mid, &run->maps[0][0]);
}

static void run_down(ve__run *run, unsigned s, const map *in)
{
    const ve__net *net = run->net;
    convolution down = {.layer = &net->stages[s].down,
                        .side = 2,
                        .stride = 2,
                        .norm_input = &net->rule[s - 1],
                        .norm_input_weight = net->stages[s].down_norm_weight};
    ve__net_convolve(run, &down, in, &run->maps[s][0]);
}

/* A stage's pixels through its map head. */
static void run_map(ve__run *run, unsigned s, const map *in)
{
    const ve__net *net = run->net;
    convolution head = {.layer = &net->maps[s], .side = 1, .stride = 1, .norm_input = &net->rule[s]};
    ve__net_convolve(run, &head, in, &run->outputs[s]);
}

/* Stem and stages; the last stage's output. */
static const map *run_stages(ve__run *run)
{
    const map *now = &run->maps[0][0];
    run_stem(run);
    observe(run, -1, now);
    for (unsigned s = 0; s < VE__STAGES; s++) {
        const stage *st = &run->net->stages[s];
        if (s > 0) {
            run_down(run, s, now);
            now = &run->maps[s][0];
        }
        for (unsigned i = 0; i < st->depth; i++) {
            const map *next = &run->maps[s][(i + 1) % 2];
            ve__net_block(run, s, &st->blocks[i], now, next);
            now = next;
        }
        observe(run, (int)s, now);
        if (s > 0 && run->net->arch.map_outputs)
            run_map(run, s, now);
    }
    return now;
}

void ve__run_embed(ve__run *run, float *embedding)
{
    ve__net_final(run, run_stages(run), embedding);
}

void ve__run_maps(ve__run *run)
{
    (void)run_stages(run);
}

ve__output_map ve__run_map(const ve__run *run, unsigned s)
{
    const map *m = &run->outputs[s];
    return (ve__output_map){m->data, m->width, m->height, m->channels, m->padded};
}

void ve__run_observe(ve__run *run, ve__observer *observer, void *data)
{
    run->observer = observer;
    run->observer_data = data;
}
