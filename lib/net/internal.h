/* SPDX-License-Identifier: MIT */
/* What the files of net/ share: the packed network and the scratch memory of a run. */
#ifndef VE_NET_INTERNAL_H
#define VE_NET_INTERNAL_H

#include "base/memory.h"
#include "net/net.h"

/* A dense layer, packed: out[n] = weights[n][k] in[k] + bias[n]. */
typedef struct dense_layer {
    unsigned k, n;
    int is_i8; /* packed by dense_i8, not dense_f32 */
    void *packed;
} dense_layer;

typedef struct block {
    void *depthwise;
    dense_layer fc1, fc2;
    float *norm_weight; /* of fc1's input, in 8 bits; NULL where it is folded into fc1 */
    float *grn_weight;  /* [4c]; NULL in version 1. GRN's bias is folded into fc2's */
} block;

typedef struct stage {
    unsigned channels, hidden, depth;
    dense_layer down; /* not in the first stage; its norm's bias is folded in, and its weight, too, unless */
    float *down_norm_weight; /* in 8 bits it is kept here; else NULL */
    block *blocks;
} stage;

struct ve__net {
    const ve__kernels *kernels;
    ve__precision precision; /* F32 or I8 */
    const char *precision_reason;
    ve__arch arch;
    ve__norm_rule rule[VE__STAGES]; /* of the norms over a stage's channels */
    dense_layer stem[2];            /* the second: overlapping stems only */
    float *stem_norm_weight, *stem_norm_bias;
    stage stages[VE__STAGES];
    ve__norm_rule final_rule;
    float *final_weight, *final_bias;
    dense_layer head[VE__MAX_HEAD_LAYERS];
    dense_layer maps[VE__STAGES]; /* of networks with map_outputs; the norm before is folded in. [0]: none */
    uint64_t parameters;
    ve__arena arena; /* owns everything above */
};

/* A feature map: `height` rows of `width` pixels of `padded` floats. Between rows, before the first and after
 * the last lie `border` pixels of zeros, so that the depthwise kernel needs no branches at the sides: a row's
 * right border is the next row's left border. */
#define MAP_BORDER 3u
typedef struct map {
    float *data;
    unsigned width, height, channels, padded;
    unsigned border;
} map;

static inline float *map_pixel(const map *m, unsigned y, unsigned x)
{
    return m->data + ((size_t)y * (m->width + m->border) + x + m->border) * m->padded;
}

/* What one thread needs for a band of up to `band` pixels, whichever step it is in. */
typedef struct thread_scratch {
    float *rows;            /* gathered or depthwise-convolved rows, row-major */
    void *panel, *hidden;   /* inputs of fc1 and fc2; in 8 bits: of either, and fc1's output in f32 */
    ve__range *ranges;      /* [band], of fc1's output; 8 bits only */
    float **out;            /* [band] addresses of output rows */
    const float **residual; /* [band] */
    float *scale;           /* [4c] GRN */
} thread_scratch;

struct ve__run {
    const ve__net *net;
    ve__pool *pool;
    unsigned width, height; /* of the largest input */
    float *input;           /* [height][width][3] */
    map image;              /* the input as a map without a border */
    map stem_mid;           /* overlapping stems: between the two convolutions */
    map maps[VE__STAGES][2];
    map outputs[VE__STAGES];   /* of networks with map_outputs, without a border; [0]: none */
    unsigned band[VE__STAGES]; /* pixels that a band should have; it has at most band_capacity() */
    thread_scratch *threads;

    /* Version 2: hidden layers of all bands of a block, and the square sums of each. */
    unsigned char *hidden;
    float *square_sums;

    float *pooled, *head_rows[2];
    void *head_panel;

    ve__observer *observer;
    void *observer_data;
    ve__arena arena;
};

/* Rows in the tallest tile of the layers where the time goes. */
static inline unsigned tile_rows(const ve__net *net)
{
    const ve__kernels *kernels = net->kernels;
    return net->precision == VE__PRECISION_I8 ? kernels->dense_i8.tile_rows : kernels->dense_f32.tile_rows;
}

/* Version-2 blocks are cut at multiples of this, whatever the kernels, as the order in which their square sums
 * are added depends on it: 12 is one of every table's tile. */
#define FIXED_TILE 12u

static inline void share_tiles(unsigned tile, unsigned count, unsigned part, unsigned parts, unsigned *first,
                               unsigned *end)
{
    if (count / tile < parts)
        tile = 1;
    ve__share(count / tile, part, parts, first, end);
    *first *= tile;
    *end = part + 1 == parts ? count : *end * tile;
}

/* Deals `count` pixels to `parts` threads or bands as ve__share does, in whole tiles of the dense kernels where
 * there are enough of them; what is left over goes to the last part. */
static inline void share_pixels(const ve__run *run, unsigned count, unsigned part, unsigned parts,
                                unsigned *first, unsigned *end)
{
    share_tiles(tile_rows(run->net), count, part, parts, first, end);
}

/* The most pixels in a part when share_tiles() cuts into ceil(count / band) parts. */
static inline unsigned band_capacity(const ve__run *run, unsigned band)
{
    unsigned tile = tile_rows(run->net);
    if (run->net->arch.version == 2 && tile < FIXED_TILE)
        tile = FIXED_TILE;
    return band + 2 * tile;
}

/* The bands of a version-2 block are the same for any number of threads, since the order in which their square
 * sums are added depends on them. */
static inline unsigned fixed_band_count(const ve__run *run, unsigned s)
{
    const map *m = &run->maps[s][0];
    unsigned pixels = m->width * m->height;
    return (pixels + run->band[s] - 1) / run->band[s];
}

/* Bytes of a band's hidden layer in stage s: a panel, or in 8 bits rows of f32, of which fc2's panel is made.
 */
static inline size_t hidden_bytes(const ve__run *run, unsigned s)
{
    unsigned rows = band_capacity(run, run->band[s]), hidden = run->net->stages[s].hidden;
    if (run->net->precision == VE__PRECISION_I8)
        return ve__round_up((size_t)rows * ve__padded(hidden) * sizeof(float), VE__ALIGN);
    return ve__round_up(run->net->kernels->dense_f32.panel_bytes(rows, hidden), VE__ALIGN);
}

/* Output pixels that a convolution works on at a time. */
#define CONVOLVE_BAND 56u

/* convolve.c: all convolutions that are not depthwise, as dense layers over gathered rows. */
typedef struct convolution {
    const dense_layer *layer;
    unsigned side, stride, padding;
    const ve__norm_rule *norm_input; /* normalise each input pixel first (downsampling) */
    const float *norm_input_weight;  /* and multiply its channels; or NULL */
    const ve__norm_rule *norm_output;
    const float *norm_weight, *norm_bias;
    int gelu_output;
} convolution;
void ve__net_convolve(ve__run *run, const convolution *c, const map *in, const map *out);

/* block.c */
void ve__net_block(ve__run *run, unsigned s, const block *b, const map *in, const map *out);
/* final.c */
void ve__net_final(ve__run *run, const map *in, float *embedding);

#endif
