/* SPDX-License-Identifier: MIT */
/* From the network's maps to candidates. A pixel of the map of stride s stands for a cell of s x s pixels with
 * the middle (cx, cy), and says
 *
 *     o[0]        the face's score, before the logistic function
 *     o[1], o[2]  the box's middle:  cx + s o[1], cy + s o[2]
 *     o[3], o[4]  its sides:         4 s exp(o[3]), 4 s exp(o[4])
 *     o[5 + 2i]   point i:           cx + 2 s o[5 + 2i], cy + 2 s o[6 + 2i]
 */
#include <math.h>

#include "face/detect_internal.h"

/* Sides beyond these are no faces but an overflow. */
#define MAX_LOG_SIDE 4.0f

static unsigned find_weakest(const ve__candidates *found)
{
    unsigned weakest = 0;
    for (unsigned i = 1; i < found->count; i++)
        if (found->list[i].score < found->list[weakest].score)
            weakest = i;
    return weakest;
}

static void add(ve__candidates *found, const ve__detection *face)
{
    if (found->count < VE__CANDIDATES) {
        found->list[found->count++] = *face;
        if (found->count == VE__CANDIDATES)
            found->weakest = find_weakest(found);
    } else if (face->score > found->list[found->weakest].score) {
        found->list[found->weakest] = *face;
        found->weakest = find_weakest(found);
    }
}

static float clip_side(float value)
{
    return value > MAX_LOG_SIDE ? MAX_LOG_SIDE : value < -MAX_LOG_SIDE ? -MAX_LOG_SIDE : value;
}

/* A place in the tile -> in the caller's picture. */
static float across(const ve__tile *tile, float x)
{
    return (float)((tile->left + (double)x) * tile->scale_x);
}

static float down(const ve__tile *tile, float y)
{
    return (float)((tile->top + (double)y) * tile->scale_y);
}

static void add_cell(const float *o, float cx, float cy, float stride, const ve__tile *tile,
                     ve__candidates *found)
{
    float x = cx + stride * o[1], y = cy + stride * o[2];
    if (!(x >= tile->own_left && x < tile->own_right && y >= tile->own_top && y < tile->own_bottom))
        return;
    float half_width = 2.0f * stride * expf(clip_side(o[3])),
          half_height = 2.0f * stride * expf(clip_side(o[4]));
    ve__detection face = {.score = 1.0f / (1.0f + expf(-o[0])),
                          .left = across(tile, x - half_width),
                          .top = down(tile, y - half_height),
                          .right = across(tile, x + half_width),
                          .bottom = down(tile, y + half_height)};
    for (unsigned i = 0; i < VE__FACE_POINTS; i++) {
        face.points[i][0] = across(tile, cx + 2.0f * stride * o[5 + 2 * i]);
        face.points[i][1] = down(tile, cy + 2.0f * stride * o[6 + 2 * i]);
    }
    add(found, &face);
}

void ve__detect_collect(const ve__run *run, const ve__tile *tile, float min_score, ve__candidates *found)
{
    float least = logf(min_score / (1.0f - min_score));
    for (unsigned s = 1; s < VE__STAGES; s++) {
        ve__output_map map = ve__run_map(run, s);
        float stride = (float)(4u << s);
        for (uint32_t y = 0; y < map.height; y++)
            for (uint32_t x = 0; x < map.width; x++) {
                const float *o = map.values + ((size_t)y * map.width + x) * map.pixel_stride;
                if (o[0] >= least)
                    add_cell(o, ((float)x + 0.5f) * stride, ((float)y + 0.5f) * stride, stride, tile, found);
            }
    }
}
