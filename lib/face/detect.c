/* SPDX-License-Identifier: MIT */
/* The detector's objects, and how a picture of any size is shown to the network: at one size after the other,
 * each a quarter of the one before, cut into tiles where it is larger than the session's working picture. */
#include "face/detect.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "face/detect_internal.h"
#include "image/resize.h"

/* The network's coarsest cells: sides of working pictures are multiples of it. */
#define CELL 32u
/* From one size to the next. The network was trained for faces of SMALLEST to LARGEST, ten times as large; so
 * at each size those between SMALLEST and SHRINK times that have to be found, and twice as large ones often
 * are. */
#define SHRINK 4.0
/* A working picture of which this is the longer side can hold no face too large for the network. */
#define LAST_SIDE 160.0
/* No picture is shrunk below this longer side. */
#define LEAST_SIDE 64.0
/* Tiles reach over each other by a face of SHRINK * SMALLEST and some of what is around it. */
#define OVERLAP 112u
/* Least min_score, most of one less: the logistic function's argument stays finite. */
#define SCORE_MARGIN 1e-4f

struct ve__detector {
    ve__net *net;
    ve__preprocess preprocess;
    char fingerprint[65];
};

struct ve__detect_session {
    const ve__detector *detector;
    const ve__kernels *kernels;
    ve__run *run;
    uint32_t width, height; /* largest tile */
    float scale[3], shift[3];
    ve__resizer resizer;
    ve__candidates found;
    void *block;
    size_t block_bytes;
};

/* ---- detector */

static ve_status check_arch(const ve__arch *arch)
{
    if (arch->map_outputs != VE__DETECT_OUTPUTS)
        return ve__fail(VE_ERR_UNSUPPORTED, "a weight file with %lu map outputs, a face detector has %u",
                        (unsigned long)arch->map_outputs, VE__DETECT_OUTPUTS);
    if (arch->version != 1 || arch->stem != VE__STEM_PATCH || arch->stem_patch != 4)
        return ve__fail(VE_ERR_UNSUPPORTED,
                        "a face detector whose stem is not a patch of 4 pixels, or which is "
                        "not a ConvNeXt of version 1");
    return VE_OK;
}

static ve_status fill_detector(const ve__weights *weights, ve__detector *detector)
{
    const ve__kernels *kernels = NULL;
    VE_TRY(check_arch(ve__weights_arch(weights)));
    VE_TRY(ve__kernels_select(&kernels));
    detector->preprocess = *ve__weights_preprocess(weights);
    memcpy(detector->fingerprint, ve__weights_fingerprint(weights), sizeof detector->fingerprint);
    return ve__net_create(weights, kernels, VE__PRECISION_F32, &detector->net);
}

/* Takes over weights. */
static ve_status detector_from(ve__weights *weights, ve__detector **detector)
{
    ve__detector *made = ve__allocate_zeroed(sizeof *made);
    ve_status status =
        made ? fill_detector(weights, made) : ve__fail(VE_ERR_MEMORY, "no memory for a detector");
    ve__weights_close(weights);
    if (status != VE_OK) {
        ve__detector_close(made);
        return status;
    }
    *detector = made;
    return VE_OK;
}

ve_status ve__detector_open(const char *path, ve__detector **detector)
{
    ve__weights *weights = NULL;
    VE_TRY(ve__weights_open(path, &weights));
    ve_status status = detector_from(weights, detector);
    return status == VE_OK ? VE_OK : ve__fail_within(status, "%s", path);
}

ve_status ve__detector_open_memory(const void *bytes, size_t size, ve__detector **detector)
{
    ve__weights *weights = NULL;
    VE_TRY(ve__weights_open_memory(bytes, size, &weights));
    return detector_from(weights, detector);
}

void ve__detector_close(ve__detector *detector)
{
    if (!detector)
        return;
    ve__net_free(detector->net);
    ve__release(detector);
}

const char *ve__detector_fingerprint(const ve__detector *detector)
{
    return detector->fingerprint;
}

/* ---- session */

static void take(ve__detect_session *s, ve__arena *arena)
{
    s->found.list = ve__arena_take(arena, VE__CANDIDATES * sizeof *s->found.list);
    ve__resizer_take(&s->resizer, arena, VE__FILTER_HAMMING, s->width, VE_MAX_IMAGE_SIDE / LEAST_SIDE + 1);
}

static ve_status fill_session(ve__detect_session *s, ve__pool *pool)
{
    const ve__preprocess *preprocess = &s->detector->preprocess;
    ve__arena arena = {NULL, 0};
    s->kernels = ve__net_kernels(s->detector->net);
    for (int c = 0; c < 3; c++) {
        s->scale[c] = (float)(1.0 / (255.0 * preprocess->std[c]));
        s->shift[c] = (float)(-(double)preprocess->mean[c] / preprocess->std[c]);
    }
    take(s, &arena);
    s->block_bytes = arena.used;
    if (!(s->block = ve__allocate(arena.used)))
        return ve__fail(VE_ERR_MEMORY, "no memory for a detector session (%zu bytes)", arena.used);
    arena = (ve__arena){s->block, 0};
    take(s, &arena);
    return ve__run_create(s->detector->net, pool, s->width, s->height, &s->run);
}

static ve_status check_side(const char *what, uint32_t side)
{
    if (side < 160 || side > 1024 || side % CELL != 0)
        return ve__fail(VE_ERR_ARGUMENT,
                        "a detector's working %s of %u: multiples of %u from 160 to 1024 are possible", what,
                        side, CELL);
    return VE_OK;
}

ve_status ve__detect_session_create(const ve__detector *detector, ve__pool *pool,
                                    const ve__detect_options *options, ve__detect_session **session)
{
    uint32_t width = options && options->width ? options->width : 640;
    uint32_t height = options && options->height ? options->height : 640;
    VE_TRY(check_side("width", width));
    VE_TRY(check_side("height", height));
    ve__detect_session *made = ve__allocate_zeroed(sizeof *made);
    if (!made)
        return ve__fail(VE_ERR_MEMORY, "no memory for a detector session");
    made->detector = detector;
    made->width = width;
    made->height = height;
    ve_status status = fill_session(made, pool);
    if (status != VE_OK) {
        ve__detect_session_free(made);
        return status;
    }
    *session = made;
    return VE_OK;
}

void ve__detect_session_free(ve__detect_session *session)
{
    if (!session)
        return;
    ve__run_free(session->run);
    ve__release(session->block);
    ve__release(session);
}

size_t ve__detect_session_bytes(const ve__detect_session *session)
{
    return sizeof *session + session->block_bytes + ve__run_bytes(session->run);
}

/* ---- one tile */

typedef struct picture {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride;
    float min_score;
} picture;

/* A size of the picture, in working pixels. */
typedef struct level {
    uint32_t width, height;
} level;

/* The tile's pixels, resized and normalised, into the network's input; zeros, the mean colour, to its right and
 * below.
 */
static ve_status show(ve__detect_session *s, const picture *p, const level *l, const ve__tile *tile)
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

static ve_status look_at_tile(ve__detect_session *s, const picture *p, const level *l, const ve__tile *tile)
{
    VE_TRY(show(s, p, l, tile));
    ve__run_maps(s->run);
    ve__detect_collect(s->run, tile, p->min_score, &s->found);
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

static ve_status look_at_level(ve__detect_session *s, const picture *p, const level *l)
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
            VE_TRY(look_at_tile(s, p, l, &tile));
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

static ve_status look(ve__detect_session *s, const picture *p, uint32_t min_face)
{
    double longer = p->width > p->height ? p->width : p->height;
    double scale = (double)VE__DETECT_SMALLEST / min_face, least = LEAST_SIDE / longer;
    if (scale < least)
        scale = least < 1.0 ? least : 1.0;
    for (;; scale /= SHRINK) {
        level l = {scaled(p->width, scale), scaled(p->height, scale)};
        VE_TRY(look_at_level(s, p, &l));
        if (longer * scale <= LAST_SIDE)
            return VE_OK;
    }
}

static ve_status check_request(const ve__detect_request *r)
{
    if (!r->pixels || r->width == 0 || r->height == 0)
        return ve__fail(VE_ERR_ARGUMENT, "a picture of %ux%u pixels to find faces in", r->width, r->height);
    if (r->width > VE_MAX_IMAGE_SIDE || r->height > VE_MAX_IMAGE_SIDE)
        return ve__fail(VE_ERR_TOO_LARGE, "a picture of %ux%u pixels, a side may have %u", r->width, r->height,
                        VE_MAX_IMAGE_SIDE);
    if (r->stride_bytes != 0 && r->stride_bytes < (size_t)3 * r->width)
        return ve__fail(VE_ERR_ARGUMENT, "a stride of %zu bytes for rows of %u pixels", r->stride_bytes,
                        r->width);
    if (!(r->min_score >= 0.0f && r->min_score < 1.0f))
        return ve__fail(VE_ERR_ARGUMENT, "a least score of %g: what lies between 0 and 1 is possible",
                        (double)r->min_score);
    return VE_OK;
}

ve_status ve__detect(ve__detect_session *session, const ve__detect_request *request, ve__detection *faces,
                     unsigned max, unsigned *count)
{
    VE_TRY(check_request(request));
    float score = request->min_score > 0.0f ? request->min_score : 0.5f;
    score = score < SCORE_MARGIN ? SCORE_MARGIN : score > 1.0f - SCORE_MARGIN ? 1.0f - SCORE_MARGIN : score;
    uint32_t min_face = request->min_face < VE__DETECT_SMALLEST ? VE__DETECT_SMALLEST : request->min_face;
    picture p = {request->pixels, request->width, request->height,
                 request->stride_bytes ? request->stride_bytes : (size_t)3 * request->width, score};
    session->found.count = 0;
    VE_TRY(look(session, &p, min_face));
    if (max > VE__DETECT_MAX)
        max = VE__DETECT_MAX;
    *count = ve__detect_merge(&session->found, 0.75f * (float)min_face, faces, max);
    return VE_OK;
}
