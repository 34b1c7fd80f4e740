/* SPDX-License-Identifier: MIT */
/*
 * Resizing RGB pictures equal to Pillow's Image.resize, to the bit, one output row after the other and only
 * where it is wanted. In calling order:
 *
 *     ve__resizer_take     measures or hands out the scratch memory (see ve__arena)
 *     ve__resizer_begin    a picture and what it is to become
 *     ve__resizer_next     the next row, `vertical.count` times
 *
 * As in Pillow the horizontal pass comes first, and its result is rounded to 8 bits. Rows that went through it
 * are kept in a ring, as many as the vertical filter reaches over.
 */
#ifndef VE_IMAGE_RESIZE_H
#define VE_IMAGE_RESIZE_H

#include "base/memory.h"
#include "image/filter.h"

typedef struct ve__resizer {
    ve__filter filter;
    uint32_t max_columns; /* wanted in one row */
    size_t max_weights;   /* of all columns together */
    uint32_t ring_rows;
    size_t row_bytes; /* of a ring row: a multiple of the vertical pass's block */

    ve__span *spans;         /* [max_columns] */
    int32_t *column_weights; /* the columns' weights, one span after the other */
    int32_t *row_weights;    /* of one output row, and the doubles that any weights are made from */
    double *scratch;
    uint8_t *ring; /* [ring_rows][row_bytes] */
    uint8_t *row;  /* [row_bytes] what ve__resizer_next returns, unless the ring or the picture has it */

    const uint8_t *pixels;
    size_t
        stride_bytes; /* from row to row; ve__resizer_begin takes rows to lie tightly together, set it behind */
    ve__axis horizontal, vertical;
    uint32_t next_row;   /* output row, counted from vertical.first */
    uint32_t rows_done;  /* source rows that went through the horizontal pass, or are not needed */
    double nearest_step; /* VE__FILTER_NEAREST: where the next output row lies in the source */
} ve__resizer;

/* For results of up to max_columns pixels a row, and source / scaled up to max_ratio in height. */
void ve__resizer_take(ve__resizer *resizer, ve__arena *arena, ve__filter filter, uint32_t max_columns,
                      double max_ratio);
/* pixels: vertical.source rows of horizontal.source RGB pixels, kept until the last row was made. VE_ERR_STATE
 * when the scratch memory was made for less. */
ve_status ve__resizer_begin(ve__resizer *resizer, const uint8_t *pixels, const ve__axis *horizontal,
                            const ve__axis *vertical);
/* horizontal.count RGB pixels, valid until the next call. */
const uint8_t *ve__resizer_next(ve__resizer *resizer);

#endif
