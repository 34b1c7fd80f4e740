/* SPDX-License-Identifier: MIT */
/* The memory of a run: which maps there are for an input size, how many pixels a band has, and what each
 * thread needs. All of it is one allocation, measured by the same code that hands it out. */
#include <string.h>

#include "net/internal.h"

/* A band's hidden rows should stay in the second-level cache together with the weights that stream past, yet
 * be many enough that each weight is used often once it is loaded. */
#define HIDDEN_BYTES      (192u * 1024u)
#define MAX_SESSION_BYTES ((uint64_t)1 << 30)
#define MIN_BAND          28u
#define MAX_BAND          112u

static unsigned band_pixels(const stage *st, const map *m)
{
    unsigned band = HIDDEN_BYTES / (unsigned)(st->hidden * sizeof(float));
    unsigned pixels = m->width * m->height;
    band = band < MIN_BAND ? MIN_BAND : band > MAX_BAND ? MAX_BAND : band;
    /* Even bands: as many as the limit asks for, none much smaller than the others. */
    unsigned bands = (pixels + band - 1) / band;
    return (pixels + bands - 1) / bands;
}

static unsigned convolved(unsigned size, unsigned side, unsigned stride, unsigned padding)
{
    return size + 2 * padding < side ? 0 : (size + 2 * padding - side) / stride + 1;
}

static map shape_map(unsigned width, unsigned height, unsigned channels, unsigned border)
{
    map m = {NULL, width, height, channels, border ? ve__padded(channels) : channels, border};
    return m;
}

/* Sizes of all maps, from the input's. */
static ve_status shape_maps(ve__run *run, unsigned width, unsigned height)
{
    const ve__arch *arch = &run->net->arch;
    unsigned w = width, h = height;
    run->image = shape_map(width, height, 3, 0);
    if (arch->stem == VE__STEM_PATCH) {
        w = convolved(w, arch->stem_patch, arch->stem_patch, 0);
        h = convolved(h, arch->stem_patch, arch->stem_patch, 0);
    } else {
        run->stem_mid = shape_map(convolved(w, 3, 2, 1), convolved(h, 3, 2, 1), arch->stem_mid, 0);
        run->stem_mid.padded = ve__padded(arch->stem_mid);
        w = convolved(run->stem_mid.width, 3, 2, 1);
        h = convolved(run->stem_mid.height, 3, 2, 1);
    }
    for (unsigned s = 0; s < VE__STAGES; s++) {
        if (s > 0) {
            w = convolved(w, 2, 2, 0);
            h = convolved(h, 2, 2, 0);
        }
        if (w == 0 || h == 0)
            return ve__fail(VE_ERR_ARGUMENT, "an input of %ux%u pixels is too small for this model", width,
                            height);
        run->maps[s][0] = run->maps[s][1] = shape_map(w, h, arch->dims[s], MAP_BORDER);
        if (s > 0 && arch->map_outputs) {
            run->outputs[s] = shape_map(w, h, arch->map_outputs, 0);
            run->outputs[s].padded = ve__padded(arch->map_outputs);
        }
    }
    return VE_OK;
}

static void take_map(ve__arena *arena, map *m)
{
    size_t pixels = (size_t)m->height * (m->width + m->border) + m->border;
    size_t bytes = pixels * m->padded * sizeof(float);
    m->data = ve__arena_take(arena, bytes);
    if (m->data && m->border)
        memset(m->data, 0, bytes);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The largest that any step asks of a thread's scratch. */
typedef struct needs {
    size_t rows, panel, hidden, band, scale, ranges;
} needs;

static size_t panel_bytes(const ve__net *net, unsigned rows, unsigned k, int is_i8)
{
    return (is_i8 ? net->kernels->dense_i8.panel_bytes : net->kernels->dense_f32.panel_bytes)(rows, k);
}

static void need_convolution(needs *n, const ve__run *run, const dense_layer *layer)
{
    unsigned rows = band_capacity(run, CONVOLVE_BAND);
    n->rows = larger(n->rows, (size_t)rows * layer->k * sizeof(float));
    n->panel = larger(n->panel, panel_bytes(run->net, rows, layer->k, layer->is_i8));
    n->band = larger(n->band, rows);
}

static void need_blocks(needs *n, const ve__run *run, unsigned s)
{
    const stage *st = &run->net->stages[s];
    unsigned rows = band_capacity(run, run->band[s]);
    int is_i8 = run->net->precision == VE__PRECISION_I8;
    n->rows = larger(n->rows, (size_t)rows * ve__padded(st->channels) * sizeof(float));
    n->panel = larger(n->panel, panel_bytes(run->net, rows, st->channels, is_i8));
    n->band = larger(n->band, rows);
    if (is_i8) {
        n->panel = larger(n->panel, panel_bytes(run->net, rows, st->hidden, is_i8));
        n->ranges = larger(n->ranges, rows * sizeof(ve__range));
    }
    if (run->net->arch.version == 1)
        n->hidden = larger(n->hidden, hidden_bytes(run, s));
    else
        n->scale = larger(n->scale, st->hidden * sizeof(float));
}

static needs find_needs(const ve__run *run)
{
    const ve__net *net = run->net;
    needs n = {0, 0, 0, 0, 0, 0};
    need_convolution(&n, run, &net->stem[0]);
    if (net->arch.stem != VE__STEM_PATCH)
        need_convolution(&n, run, &net->stem[1]);
    for (unsigned s = 0; s < VE__STAGES; s++) {
        if (s > 0)
            need_convolution(&n, run, &net->stages[s].down);
        if (net->maps[s].k)
            need_convolution(&n, run, &net->maps[s]);
        need_blocks(&n, run, s);
    }
    return n;
}

static void take_thread_scratch(ve__arena *arena, const needs *n, thread_scratch *t)
{
    t->rows = ve__arena_take(arena, n->rows);
    t->panel = ve__arena_take(arena, n->panel);
    t->hidden = ve__arena_take(arena, n->hidden);
    t->out = ve__arena_take(arena, n->band * sizeof *t->out);
    t->residual = ve__arena_take(arena, n->band * sizeof *t->residual);
    t->scale = ve__arena_take(arena, n->scale);
    t->ranges = ve__arena_take(arena, n->ranges);
}

/* Version 2: the hidden panels of all bands of the stage that has most of them. */
static void take_hidden(ve__run *run)
{
    size_t hidden = 0, sums = 0;
    for (unsigned s = 0; s < VE__STAGES; s++) {
        const stage *st = &run->net->stages[s];
        size_t bands = fixed_band_count(run, s);
        hidden = larger(hidden, bands * hidden_bytes(run, s));
        sums = larger(sums, bands * st->hidden * sizeof(float));
    }
    run->hidden = ve__arena_take(&run->arena, hidden);
    run->square_sums = ve__arena_take(&run->arena, sums);
}

static void take_final(ve__run *run)
{
    const ve__arch *arch = &run->net->arch;
    unsigned widest = arch->dims[VE__STAGES - 1];
    for (unsigned i = 0; i < arch->head_layers; i++)
        widest = arch->head_dims[i] > widest ? arch->head_dims[i] : widest;
    size_t row_bytes = ve__padded(widest) * sizeof(float);
    run->pooled = ve__arena_take(&run->arena, row_bytes);
    run->head_rows[0] = ve__arena_take(&run->arena, row_bytes);
    run->head_rows[1] = ve__arena_take(&run->arena, row_bytes);
    run->head_panel = ve__arena_take(&run->arena, run->net->kernels->dense_f32.panel_bytes(1, widest));
}

static void take_everything(ve__run *run)
{
    const ve__net *net = run->net;
    ve__arena *arena = &run->arena;
    unsigned threads = ve__pool_threads(run->pool);
    needs n = find_needs(run);
    run->image.data = run->input =
        ve__arena_take(arena, (size_t)run->image.width * run->image.height * 3 * sizeof(float));
    if (net->arch.stem != VE__STEM_PATCH)
        take_map(arena, &run->stem_mid);
    for (unsigned s = 0; s < VE__STAGES; s++) {
        take_map(arena, &run->maps[s][0]);
        take_map(arena, &run->maps[s][1]);
        if (net->arch.map_outputs)
            take_map(arena, &run->outputs[s]);
    }
    if (net->arch.version == 2)
        take_hidden(run);
    take_final(run);
    for (unsigned i = 0; i < threads; i++)
        take_thread_scratch(arena, &n, &run->threads[i]);
}

static uint64_t map_bytes(const map *m)
{
    return ((uint64_t)m->height * (m->width + m->border) + m->border) * m->padded * sizeof(float);
}

/* Refuses a session that would need more than MAX_SESSION_BYTES, before anything is allocated. A weight file of
 * some kilobytes can ask for gigabytes (a stem of stride 1 and many channels), and where a size_t has 32 bits
 * the sums behind take_everything() must not wrap. */
static ve_status check_size(const ve__run *run)
{
    needs n = find_needs(run);
    uint64_t thread = (uint64_t)n.rows + n.panel + n.hidden + n.scale + n.ranges + n.band * 2 * sizeof(float *);
    uint64_t total = thread * ve__pool_threads(run->pool) + map_bytes(&run->image) + map_bytes(&run->stem_mid);
    for (unsigned s = 0; s < VE__STAGES; s++) {
        const map *m = &run->maps[s][0];
        total += 2 * map_bytes(m) + map_bytes(&run->outputs[s]);
        if (run->net->arch.version == 2)
            total += map_bytes(m) * run->net->arch.hidden_ratio;
    }
    if (total > MAX_SESSION_BYTES)
        return ve__fail(VE_ERR_TOO_LARGE,
                        "an input of %ux%u pixels needs %llu MB of scratch memory, the limit is %llu",
                        run->image.width, run->image.height, (unsigned long long)(total >> 20),
                        (unsigned long long)(MAX_SESSION_BYTES >> 20));
    return VE_OK;
}

static ve_status make_run(ve__run *run, unsigned width, unsigned height)
{
    run->threads = ve__allocate_zeroed(ve__pool_threads(run->pool) * sizeof *run->threads);
    if (!run->threads)
        return ve__fail(VE_ERR_MEMORY, "no memory for a session");
    VE_TRY(shape_maps(run, width, height));
    for (unsigned s = 0; s < VE__STAGES; s++)
        run->band[s] = band_pixels(&run->net->stages[s], &run->maps[s][0]);
    VE_TRY(check_size(run));
    take_everything(run);
    size_t size = run->arena.used;
    if (!(run->arena.base = ve__allocate(size)))
        return ve__fail(VE_ERR_MEMORY, "no memory for a session's %zu bytes of scratch", size);
    run->arena.used = 0;
    take_everything(run);
    return VE_OK;
}

ve_status ve__run_create(const ve__net *net, ve__pool *pool, uint32_t width, uint32_t height, ve__run **out)
{
    if (width < 1 || height < 1 || width > VE__MAX_INPUT_SIDE || height > VE__MAX_INPUT_SIDE)
        return ve__fail(VE_ERR_ARGUMENT, "an input of %ux%u pixels: 1 to %u a side are possible", width, height,
                        VE__MAX_INPUT_SIDE);
    ve__run *run = ve__allocate_zeroed(sizeof *run);
    if (!run)
        return ve__fail(VE_ERR_MEMORY, "no memory for a session");
    run->net = net;
    run->pool = pool;
    run->width = width;
    run->height = height;
    ve_status status = make_run(run, width, height);
    if (status != VE_OK) {
        ve__run_free(run);
        return status;
    }
    *out = run;
    return VE_OK;
}

/* The bands stay as they are: so no step needs more scratch memory than before. */
ve_status ve__run_shape(ve__run *run, uint32_t width, uint32_t height)
{
    size_t size = run->arena.used;
    if (width > run->width || height > run->height)
        return ve__fail(VE_ERR_ARGUMENT, "an input of %ux%u pixels where there is room for %ux%u", width,
                        height, run->width, run->height);
    if (width == run->image.width && height == run->image.height)
        return VE_OK;
    ve_status status = shape_maps(run, width, height);
    if (status != VE_OK)
        (void)shape_maps(run, run->width, run->height);
    run->arena.used = 0;
    take_everything(run);
    run->arena.used = size;
    return status;
}

void ve__run_free(ve__run *run)
{
    if (!run)
        return;
    ve__release(run->arena.base);
    ve__release(run->threads);
    ve__release(run);
}

size_t ve__run_bytes(const ve__run *run)
{
    return run->arena.used;
}

float *ve__run_input(ve__run *run)
{
    return run->input;
}
