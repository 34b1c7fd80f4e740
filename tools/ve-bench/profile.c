/* SPDX-License-Identifier: MIT */
/* See profile.h. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"

const char *const profile_stage_names[PROFILE_STAGES] = {"stem",    "stage 1", "stage 2",
                                                         "stage 3", "stage 4", "pool, norm, head"};

/* ---- multiply-adds, from the architecture */

static unsigned convolved(unsigned size, unsigned side, unsigned stride, unsigned padding)
{
    return size + 2 * padding < side ? 0 : (size + 2 * padding - side) / stride + 1;
}

static double stem_multiply_adds(const ve__arch *arch, unsigned *width, unsigned *height)
{
    if (arch->stem == VE__STEM_PATCH) {
        *width = convolved(*width, arch->stem_patch, arch->stem_patch, 0);
        *height = convolved(*height, arch->stem_patch, arch->stem_patch, 0);
        return 3.0 * arch->stem_patch * arch->stem_patch * arch->dims[0] * *width * *height;
    }
    double sum = 0;
    unsigned inputs[2] = {3, arch->stem_mid}, outputs[2] = {arch->stem_mid, arch->dims[0]};
    for (int i = 0; i < 2; i++) {
        *width = convolved(*width, 3, 2, 1);
        *height = convolved(*height, 3, 2, 1);
        sum += 9.0 * inputs[i] * outputs[i] * *width * *height;
    }
    return sum;
}

double network_multiply_adds(const ve__arch *arch, unsigned width, unsigned height)
{
    double sum = stem_multiply_adds(arch, &width, &height);
    for (unsigned s = 0; s < VE__STAGES; s++) {
        double dim = arch->dims[s];
        if (s > 0) {
            width = convolved(width, 2, 2, 0);
            height = convolved(height, 2, 2, 0);
            sum += 4.0 * arch->dims[s - 1] * dim * width * height;
        }
        sum += arch->depths[s] * (49 * dim + 2.0 * arch->hidden_ratio * dim * dim) * width * height;
    }
    for (unsigned i = 0; i < arch->head_layers; i++)
        sum += (double)arch->head_dims[i] * (i > 0 ? arch->head_dims[i - 1] : arch->dims[VE__STAGES - 1]);
    return sum;
}

/* ---- a network over given kernels */

typedef struct bench_net {
    ve__net *net;
    ve__pool *pool;
    ve__run *run;
    float *embedding;
} bench_net;

static void close_net(bench_net *b)
{
    ve__run_free(b->run);
    ve__pool_free(b->pool);
    ve__net_free(b->net);
    free(b->embedding);
}

static ve_status open_net(const ve__weights *weights, ve__precision precision, const ve__kernels *kernels,
                          unsigned size, bench_net *b)
{
    memset(b, 0, sizeof *b);
    VE_TRY(ve__net_create(weights, kernels, precision, &b->net));
    VE_TRY(ve__pool_create(1, &b->pool));
    VE_TRY(ve__run_create(b->net, b->pool, size, size, &b->run));
    if (!(b->embedding = malloc(ve__net_dim(b->net) * sizeof *b->embedding)))
        return ve__fail(VE_ERR_MEMORY, "no memory for an embedding");
    float *input = ve__run_input(b->run);
    for (size_t i = 0; i < (size_t)3 * size * size; i++)
        input[i] = (float)(i * 2654435761u % 1024) / 256.0f - 2.0f;
    return VE_OK;
}

/* ---- stages */

typedef struct stage_clock {
    double last;
    double stages[PROFILE_STAGES];
} stage_clock;

static void on_stage(void *data, int stage, const float *map, uint32_t height, uint32_t width,
                     uint32_t channels, size_t row_stride, size_t pixel_stride)
{
    stage_clock *clock = data;
    double now = time_thread();
    (void)map, (void)height, (void)width, (void)channels, (void)row_stride, (void)pixel_stride;
    clock->stages[stage + 1] = now - clock->last;
    clock->last = now;
}

static double median_of(double *values, size_t count)
{
    return spread_of(values, count).median;
}

static ve_status time_stages(const ve__weights *weights, ve__precision precision, unsigned size, profile *p)
{
    const ve__kernels *kernels;
    bench_net b;
    memset(&b, 0, sizeof b);
    double *times = malloc((PROFILE_STAGES + 1) * p->runs * sizeof *times);
    VE_TRY(ve__kernels_select(&kernels));
    ve_status status =
        times ? open_net(weights, precision, kernels, size, &b) : ve__fail(VE_ERR_MEMORY, "no memory");
    for (unsigned run = 0; status == VE_OK && run < p->runs + 3; run++) {
        stage_clock clock;
        unsigned slot = run < 3 ? 0 : run - 3; /* the first ones warm up */
        ve__run_observe(b.run, on_stage, &clock);
        double started = clock.last = time_thread();
        ve__run_embed(b.run, b.embedding);
        double ended = time_thread();
        clock.stages[PROFILE_STAGES - 1] = ended - clock.last;
        for (unsigned s = 0; s < PROFILE_STAGES; s++)
            times[s * p->runs + slot] = clock.stages[s];
        times[PROFILE_STAGES * p->runs + slot] = ended - started;
    }
    for (unsigned s = 0; status == VE_OK && s < PROFILE_STAGES; s++)
        p->stages[s] = median_of(times + s * p->runs, p->runs);
    if (status == VE_OK)
        p->total = median_of(times + PROFILE_STAGES * p->runs, p->runs);
    close_net(&b);
    free(times);
    return status;
}

/* ---- kinds and layers */

typedef struct recorder {
    profile *profile;
    const ve__arch *arch;
    const void *ids[PROFILE_MAX_LAYERS]; /* packed weights of the layers, in the order of their first call */
    unsigned counts[KERNEL_KINDS];       /* layers of each kind so far */
    unsigned run;
    uint64_t started;
    double *layer_ticks; /* [layer][run] */
    double *kind_ticks;  /* [kind][run] */
    double overhead;     /* ticks that a pair of hooks takes itself */
} recorder;

/* The stage and block of the n-th block of the network. */
static void find_block(const ve__arch *arch, unsigned index, unsigned *stage, unsigned *block)
{
    for (*stage = 0; *stage + 1 < VE__STAGES && index >= arch->depths[*stage]; ++*stage)
        index -= arch->depths[*stage];
    *block = index;
}

static void name_layer(recorder *r, const kernel_call *call, layer_time *layer)
{
    unsigned index = r->counts[call->kind]++, stage, block;
    unsigned stems = r->arch->stem == VE__STEM_PATCH ? 1 : 2;
    if (call->kind != KIND_DENSE) {
        static const char *const names[KERNEL_KINDS] = {
            [KIND_DEPTHWISE] = "depthwise", [KIND_EXPAND] = "fc1", [KIND_CONTRACT] = "fc2"};
        find_block(r->arch, index, &stage, &block);
        layer->stage = stage + 1;
        snprintf(layer->name, sizeof layer->name, "stage %u block %u %s", stage + 1, block + 1,
                 names[call->kind]);
    } else if (index < stems) {
        snprintf(layer->name, sizeof layer->name, stems == 1 ? "stem" : "stem %u", index + 1);
    } else if (index < stems + VE__STAGES - 1) {
        layer->stage = index - stems + 2;
        snprintf(layer->name, sizeof layer->name, "stage %u downsampling", layer->stage);
    } else {
        layer->stage = VE__STAGES + 1;
        snprintf(layer->name, sizeof layer->name, "head %u", index - stems - VE__STAGES + 2);
    }
}

static size_t find_layer(recorder *r, const kernel_call *call)
{
    profile *p = r->profile;
    size_t i = 0;
    while (i < p->layer_count && r->ids[i] != call->layer)
        i++;
    if (i < p->layer_count || i == PROFILE_MAX_LAYERS)
        return i;
    layer_time *layer = &p->layers[p->layer_count++];
    memset(layer, 0, sizeof *layer);
    r->ids[i] = call->layer;
    layer->kind = call->kind;
    layer->k = call->kind == KIND_DEPTHWISE ? 49 : call->k;
    layer->n = call->n;
    layer->bytes = 4.0 * (layer->k + 1) * layer->n;
    name_layer(r, call, layer);
    return i;
}

/* Work is counted in the first run only; it is the same in all. */
static void count_work(const recorder *r, const kernel_call *call, layer_time *layer)
{
    double inputs = call->kind == KIND_DEPTHWISE ? call->n : call->k;
    double residual = call->kind == KIND_CONTRACT ? call->n : 0;
    if (r->run > 0)
        return;
    layer->flops += 2.0 * call->rows * call->k * call->n;
    layer->bytes += 4.0 * call->rows * (inputs + call->n + residual);
}

static void on_begin(void *data, const kernel_call *call)
{
    recorder *r = data;
    (void)call;
    r->started = time_ticks();
}

static void on_end(void *data, const kernel_call *call)
{
    recorder *r = data;
    double ticks = (double)(time_ticks() - r->started) - r->overhead;
    r->kind_ticks[call->kind * r->profile->runs + r->run] += ticks;
    if (!call->layer)
        return;
    size_t i = find_layer(r, call);
    if (i == PROFILE_MAX_LAYERS)
        return;
    r->layer_ticks[i * r->profile->runs + r->run] += ticks;
    count_work(r, call, &r->profile->layers[i]);
}

/* What the clock adds to a call that does nothing. */
static double measure_overhead(void)
{
    double ticks[101];
    for (size_t i = 0; i < 101; i++) {
        uint64_t started = time_ticks();
        ticks[i] = (double)(time_ticks() - started);
    }
    return median_of(ticks, 101);
}

/* A kind with layers takes what its layers' medians add up to: an interruption spoils one run of one layer, but
 * hardly a run has none in any. */
static void sum_layers(profile *p)
{
    int has_layers[KERNEL_KINDS] = {0};
    for (size_t i = 0; i < p->layer_count; i++) {
        kernel_kind kind = p->layers[i].kind;
        p->kinds[kind] = p->layers[i].seconds + (has_layers[kind] ? p->kinds[kind] : 0);
        has_layers[kind] = 1;
    }
}

static void run_hooked(const bench_net *b, recorder *r)
{
    profile *p = r->profile;
    uint64_t first_tick = time_ticks();
    double first_second = time_wall();
    for (r->run = 0; r->run < p->runs; r->run++)
        ve__run_embed(b->run, b->embedding);
    double tick = (time_wall() - first_second) / (double)(time_ticks() - first_tick);
    for (unsigned k = 0; k < KERNEL_KINDS; k++)
        p->kinds[k] = tick * median_of(r->kind_ticks + k * p->runs, p->runs);
    for (size_t i = 0; i < p->layer_count; i++)
        p->layers[i].seconds = tick * median_of(r->layer_ticks + i * p->runs, p->runs);
    sum_layers(p);
}

static ve_status time_kernels(const ve__weights *weights, ve__precision precision, unsigned size, profile *p)
{
    static ve__kernels hooked; /* the network keeps a pointer to it */
    const ve__kernels *kernels;
    recorder *r = calloc(1, sizeof *r);
    bench_net b;
    ve_status status = VE_ERR_MEMORY;
    memset(&b, 0, sizeof b);
    VE_TRY(ve__kernels_select(&kernels));
    if (r) {
        kernel_hooks hooks = {on_begin, on_end, r};
        r->profile = p;
        r->arch = ve__weights_arch(weights);
        r->overhead = measure_overhead();
        r->layer_ticks = calloc((size_t)PROFILE_MAX_LAYERS * p->runs, sizeof *r->layer_ticks);
        r->kind_ticks = calloc((size_t)KERNEL_KINDS * p->runs, sizeof *r->kind_ticks);
        kernel_hooks_install(kernels, &hooks, &hooked);
    }
    if (r && r->layer_ticks && r->kind_ticks)
        status = open_net(weights, precision, &hooked, size, &b);
    else
        ve__fail(status, "no memory for a profile");
    if (status == VE_OK)
        run_hooked(&b, r);
    close_net(&b);
    if (r) {
        free(r->layer_ticks);
        free(r->kind_ticks);
    }
    free(r);
    return status;
}

ve_status profile_network(const ve__weights *weights, ve__precision precision, unsigned size, unsigned runs,
                          profile *p)
{
    memset(p, 0, sizeof *p);
    p->runs = runs;
    VE_TRY(time_stages(weights, precision, size, p));
    return time_kernels(weights, precision, size, p);
}
