/* SPDX-License-Identifier: MIT */
/* The two passes of a resize over integer weights; see filter.h for the weights. */
#include "image/resize.h"

#include <string.h>

/* The vertical pass works on this many bytes at once, in registers; ring rows are padded to it. */
#define BLOCK 16u

static const int32_t half = 1 << (VE__FILTER_BITS - 1);

static uint8_t clip(int32_t sum)
{
    sum >>= VE__FILTER_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static int is_resized(const ve__axis *axis)
{
    return axis->source != axis->scaled;
}

/* Spans of n columns cover the picture once, and reach over each other by the filter's support on either side:
 * in all at most 2 * support * side where it shrinks (count <= scaled), plus 2 * support + 3 a column. */
static size_t weights_bound(ve__filter filter, uint32_t columns)
{
    size_t reach = ve__filter_taps(filter, 1.0);
    return reach * VE_MAX_IMAGE_SIDE + (reach + 3) * columns;
}

void ve__resizer_take(ve__resizer *resizer, ve__arena *arena, ve__filter filter, uint32_t max_columns,
                      double max_ratio)
{
    size_t taps = ve__filter_taps(filter, max_ratio);
    resizer->filter = filter;
    resizer->max_columns = max_columns;
    resizer->max_weights = weights_bound(filter, max_columns);
    resizer->ring_rows = (uint32_t)(taps < VE_MAX_IMAGE_SIDE ? taps : VE_MAX_IMAGE_SIDE);
    resizer->row_bytes = ve__round_up((size_t)3 * max_columns, BLOCK);
    resizer->spans = ve__arena_take(arena, max_columns * sizeof *resizer->spans);
    resizer->column_weights = ve__arena_take(arena, resizer->max_weights * sizeof *resizer->column_weights);
    resizer->row_weights = ve__arena_take(arena, VE_MAX_IMAGE_SIDE * sizeof *resizer->row_weights);
    resizer->scratch = ve__arena_take(arena, VE_MAX_IMAGE_SIDE * sizeof *resizer->scratch);
    resizer->ring = ve__arena_take(arena, resizer->ring_rows * resizer->row_bytes);
    resizer->row = ve__arena_take(arena, resizer->row_bytes);
}

/* ---- nearest: no sums, one source pixel for each output pixel */

/* Pillow steps through the source by adding the ratio again and again; so do we, as the sum's rounding decides
 * which pixel is taken where the ratio is not a binary fraction. */
static uint32_t nearest_take(double *at, double ratio, uint32_t source)
{
    uint32_t taken = (uint32_t)*at;
    *at += ratio;
    return taken < source ? taken : source - 1;
}

static double nearest_skip(const ve__axis *axis, double ratio)
{
    double at = ratio * 0.5;
    for (uint32_t i = 0; i < axis->first; i++)
        at += ratio;
    return at;
}

static void begin_nearest(ve__resizer *resizer)
{
    const ve__axis *axis = &resizer->horizontal, *rows = &resizer->vertical;
    double ratio = (double)axis->source / axis->scaled, at = nearest_skip(axis, ratio);
    for (uint32_t x = 0; x < axis->count; x++)
        resizer->spans[x] = (ve__span){nearest_take(&at, ratio, axis->source), 1};
    resizer->nearest_step = nearest_skip(rows, (double)rows->source / rows->scaled);
}

static const uint8_t *next_nearest(ve__resizer *resizer)
{
    const ve__axis *rows = &resizer->vertical;
    double ratio = (double)rows->source / rows->scaled;
    uint32_t y = nearest_take(&resizer->nearest_step, ratio, rows->source);
    const uint8_t *from = resizer->pixels + resizer->stride_bytes * y;
    for (uint32_t x = 0; x < resizer->horizontal.count; x++)
        memcpy(resizer->row + 3 * x, from + (size_t)3 * resizer->spans[x].first, 3);
    return resizer->row;
}

/* ---- weighted sums */

static ve_status begin_columns(ve__resizer *resizer)
{
    const ve__axis *axis = &resizer->horizontal;
    size_t used = 0;
    for (uint32_t x = 0; x < axis->count; x++) {
        uint32_t position = axis->first + x;
        ve__span span = ve__filter_span(resizer->filter, axis->source, axis->scaled, position);
        if (span.count > resizer->max_weights - used)
            return ve__fail(VE_ERR_STATE, "resizing %u columns to %u needs more scratch memory than reserved",
                            axis->source, axis->scaled);
        resizer->spans[x] = ve__filter_weights(resizer->filter, axis->source, axis->scaled, position,
                                               resizer->scratch, resizer->column_weights + used);
        used += span.count;
    }
    return VE_OK;
}

static ve_status check_rows(const ve__resizer *resizer)
{
    const ve__axis *axis = &resizer->vertical;
    size_t taps = ve__filter_taps(resizer->filter, (double)axis->source / axis->scaled);
    if ((taps < axis->source ? taps : axis->source) > resizer->ring_rows)
        return ve__fail(VE_ERR_STATE, "resizing %u rows to %u needs more scratch memory than reserved",
                        axis->source, axis->scaled);
    return VE_OK;
}

ve_status ve__resizer_begin(ve__resizer *resizer, const uint8_t *pixels, const ve__axis *horizontal,
                            const ve__axis *vertical)
{
    if (horizontal->count > resizer->max_columns || horizontal->source > VE_MAX_IMAGE_SIDE ||
        vertical->source > VE_MAX_IMAGE_SIDE)
        return ve__fail(VE_ERR_STATE, "resizing %u x %u pixels to rows of %u: more than reserved",
                        horizontal->source, vertical->source, horizontal->count);
    resizer->pixels = pixels;
    resizer->stride_bytes = (size_t)3 * horizontal->source;
    resizer->horizontal = *horizontal;
    resizer->vertical = *vertical;
    resizer->next_row = 0;
    resizer->rows_done = 0;
    if (resizer->filter == VE__FILTER_NEAREST) {
        begin_nearest(resizer);
        return VE_OK;
    }
    if (is_resized(vertical))
        VE_TRY(check_rows(resizer));
    return is_resized(horizontal) ? begin_columns(resizer) : VE_OK;
}

/* One row through the horizontal pass; from points at the source row's first pixel. */
static void sum_columns(const ve__resizer *resizer, const uint8_t *from, uint8_t *to)
{
    const int32_t *weight = resizer->column_weights;
    for (uint32_t x = 0; x < resizer->horizontal.count; x++, to += 3) {
        const uint8_t *pixel = from + (size_t)3 * resizer->spans[x].first;
        const int32_t *end = weight + resizer->spans[x].count;
        int32_t red = half, green = half, blue = half;
        for (; weight < end; weight++, pixel += 3) {
            red += *weight * pixel[0];
            green += *weight * pixel[1];
            blue += *weight * pixel[2];
        }
        to[0] = clip(red);
        to[1] = clip(green);
        to[2] = clip(blue);
    }
}

static const uint8_t *source_row(const ve__resizer *resizer, uint32_t y)
{
    return resizer->pixels + resizer->stride_bytes * y;
}

static void make_row(const ve__resizer *resizer, uint32_t y, uint8_t *to)
{
    const ve__axis *axis = &resizer->horizontal;
    const uint8_t *from = source_row(resizer, y);
    if (is_resized(axis))
        sum_columns(resizer, from, to);
    else
        memcpy(to, from + (size_t)3 * axis->first, (size_t)3 * axis->count);
}

static uint8_t *ring_row(const ve__resizer *resizer, uint32_t y)
{
    return resizer->ring + (y % resizer->ring_rows) * resizer->row_bytes;
}

/* One block of the vertical pass: sums of `count` ring rows, from row `first` on. */
static void sum_rows(const ve__resizer *resizer, ve__span span, size_t at, uint8_t *to)
{
    int32_t sums[BLOCK];
    uint32_t slot = span.first % resizer->ring_rows;
    for (unsigned i = 0; i < BLOCK; i++)
        sums[i] = half;
    for (uint32_t t = 0; t < span.count; t++) {
        const uint8_t *from = resizer->ring + slot * resizer->row_bytes + at;
        int32_t weight = resizer->row_weights[t];
        for (unsigned i = 0; i < BLOCK; i++)
            sums[i] += weight * from[i];
        slot = slot + 1 == resizer->ring_rows ? 0 : slot + 1;
    }
    for (unsigned i = 0; i < BLOCK; i++)
        to[i] = clip(sums[i]);
}

/* Spans move down with the output row, so that each source row is made once. */
static const uint8_t *next_resized(ve__resizer *resizer, uint32_t position)
{
    const ve__axis *axis = &resizer->vertical;
    ve__span span = ve__filter_weights(resizer->filter, axis->source, axis->scaled, position, resizer->scratch,
                                       resizer->row_weights);
    if (resizer->rows_done < span.first)
        resizer->rows_done = span.first;
    for (; resizer->rows_done < span.first + span.count; resizer->rows_done++)
        make_row(resizer, resizer->rows_done, ring_row(resizer, resizer->rows_done));
    for (size_t at = 0; at < (size_t)3 * resizer->horizontal.count; at += BLOCK)
        sum_rows(resizer, span, at, resizer->row + at);
    return resizer->row;
}

const uint8_t *ve__resizer_next(ve__resizer *resizer)
{
    uint32_t position = resizer->vertical.first + resizer->next_row++;
    if (!is_resized(&resizer->horizontal) && !is_resized(&resizer->vertical))
        return source_row(resizer, position) + (size_t)3 * resizer->horizontal.first;
    if (resizer->filter == VE__FILTER_NEAREST)
        return next_nearest(resizer);
    if (is_resized(&resizer->vertical))
        return next_resized(resizer, position);
    make_row(resizer, position, resizer->row);
    return resizer->row;
}
