/* SPDX-License-Identifier: MIT */
/* How a picture of any size is shown to the network: at one size after the other, each a quarter of the one
 * before, cut into tiles where it is larger than the session's working picture. */
#include <math.h>
#include <string.h>

#include "face/detect_internal.h"

#define CELL VE__DETECT_CELL
/* From one size to the next. The network was trained for faces of SMALLEST to LARGEST, ten times as large; so
 * at each size those between SMALLEST and SHRINK times that have to be found, and twice as large ones often
 * are. */
#define SHRINK 4.0
/* A working picture of which this is the longer side can hold no face too large for the network. */
#define LAST_SIDE 160.0
/* Tiles reach over each other by a face of SHRINK * SMALLEST and some of what is around it. */
#define OVERLAP 112u

/* ---- one tile */

/* A size of the picture, in working pixels. */
typedef struct level {
    uint32_t width, height;
} level;

/* The tile's pixels, resized and normalised, into the network's input; zeros, the mean colour, to its right and
 * below.
 */
static ve_status show(ve__detect_session *s, const ve__picture *p, const level *l, const ve__tile *tile)
{
    uint32_t width = (uint32_t)ve__round_up(tile->width, CELL),
             height = (uint32_t)ve__round_up(tile->height, CELL);
    ve__axis across = {p->width, l->width, tile->left, tile->width};
    ve__axis down = {p->height, l->height, tile->top, tile->height};
    VE_TRY(ve__run_shape(s->run, width, height));
    VE_TRY(ve__resizer_begin(&s->resizer, p->pixels, &across, &down));
    s->resizer.stride_bytes = p->stride;
    float *input = ve__run_input(s->run);
    for (uint32_t y = 0; y < tile->height; y++, input += (size_t)3 * width) {
        s->kernels->pixels(ve__resizer_next(&s->resizer), tile->width, s->scale, s->shift, input);
        memset(input + (size_t)3 * tile->width, 0, (size_t)3 * (width - tile->width) * sizeof *input);
    }
    memset(input, 0, (size_t)3 * width * (height - tile->height) * sizeof *input);
    return VE_OK;
}

static ve_status look_at_tile(ve__detect_session *s, const ve__picture *p, const level *l, const ve__tile *tile,
                              float min_score)
{
    VE_TRY(show(s, p, l, tile));
    ve__run_maps(s->run);
    ve__detect_collect(s->run, tile, min_score, &s->found);
    return VE_OK;
}

/* ---- tiles of a size */

/* How many tiles of `most` pixels that reach over each other cover `side`. */
static uint32_t tile_count(uint32_t side, uint32_t most)
{
    return side <= most ? 1 : 1 + (side - most + (most - OVERLAP) - 1) / (most - OVERLAP);
}

/* Tile i of n along one axis: where it begins, how long it is, and which part of it is its own. */
static void place_tile(uint32_t side, uint32_t most, uint32_t i, uint32_t n, uint32_t *first, uint32_t *length,
                       float *own_first, float *own_end)
{
    *length = side < most ? side : most;
    *first = n == 1 ? 0 : (uint32_t)((uint64_t)(side - *length) * i / (n - 1));
    uint32_t before = i == 0 ? 0 : (uint32_t)((uint64_t)(side - *length) * (i - 1) / (n - 1)) + *length;
    uint32_t after = i + 1 == n ? 0 : (uint32_t)((uint64_t)(side - *length) * (i + 1) / (n - 1));
    /* The middle of what two tiles share is the border; there is none at the picture's sides. */
    *own_first = i == 0 ? -INFINITY : (float)(before - *first) / 2;
    *own_end = i + 1 == n ? INFINITY : (float)(after - *first + *length) / 2;
}

static ve_status look_at_level(ve__detect_session *s, const ve__picture *p, const level *l, float min_score)
{
    uint32_t columns = tile_count(l->width, s->width), rows = tile_count(l->height, s->height);
    ve__tile tile;
    tile.scale_x = (double)p->width / l->width;
    tile.scale_y = (double)p->height / l->height;
    for (uint32_t y = 0; y < rows; y++) {
        place_tile(l->height, s->height, y, rows, &tile.top, &tile.height, &tile.own_top, &tile.own_bottom);
        for (uint32_t x = 0; x < columns; x++) {
            place_tile(l->width, s->width, x, columns, &tile.left, &tile.width, &tile.own_left,
                       &tile.own_right);
            VE_TRY(look_at_tile(s, p, l, &tile, min_score));
        }
    }
    return VE_OK;
}

/* ---- all sizes */

static uint32_t scaled(uint32_t side, double scale)
{
    double result = floor(side * scale + 0.5);
    return result < 1.0 ? 1 : (uint32_t)result;
}

ve_status ve__detect_look(ve__detect_session *s, const ve__picture *p, uint32_t min_face, float min_score)
{
    double longer = p->width > p->height ? p->width : p->height;
    double scale = (double)VE__DETECT_SMALLEST / min_face, least = VE__DETECT_LEAST_SIDE / longer;
    if (scale < least)
        scale = least < 1.0 ? least : 1.0;
    for (;; scale /= SHRINK) {
        level l = {scaled(p->width, scale), scaled(p->height, scale)};
        VE_TRY(look_at_level(s, p, &l, min_score));
        if (longer * scale <= LAST_SIDE)
            return VE_OK;
    }
}
