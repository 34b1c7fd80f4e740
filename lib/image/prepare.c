/* SPDX-License-Identifier: MIT */
/*
 * A picture to the network's input: crop plan, resize row by row, normalise.
 *
 * Values are rounded to 8 bits after the resize, as with Pillow and torchvision on pictures. Hugging Face's
 * DINOv3 processor resizes in floating point instead; against that the input differs by up to half a level.
 */
#include "image/image.h"

#include <string.h>

#include "image/crop.h"
#include "image/resize.h"
#include "kernels/kernels.h"

struct ve__prepare {
    ve__preprocess preprocess;
    const ve__kernels *kernels;
    float scale[3], shift[3]; /* (v / 255 - mean) / std = v * scale + shift */
    uint8_t fill[3];
    uint8_t *padded; /* [width][3]: a row with the fill colour around it */
    ve__resizer resizer;
    void *block; /* what padded and the resizer's memory are pieces of */
    size_t bytes;
};

static void take(ve__prepare *prepare, ve__arena *arena)
{
    const ve__preprocess *preprocess = &prepare->preprocess;
    prepare->padded = ve__arena_take(arena, (size_t)3 * preprocess->width);
    ve__resizer_take(&prepare->resizer, arena, (ve__filter)preprocess->filter, preprocess->width,
                     ve__crop_max_ratio(preprocess));
}

static void fill_in(ve__prepare *prepare, const ve__preprocess *preprocess)
{
    prepare->preprocess = *preprocess;
    ve__crop_fill(preprocess, prepare->fill);
    for (int c = 0; c < 3; c++) {
        prepare->scale[c] = (float)(1.0 / (255.0 * preprocess->std[c]));
        prepare->shift[c] = (float)(-(double)preprocess->mean[c] / preprocess->std[c]);
    }
}

static ve_status reserve(ve__prepare *prepare)
{
    ve__arena arena = {NULL, 0};
    take(prepare, &arena);
    prepare->bytes = arena.used;
    prepare->block = ve__allocate(arena.used);
    if (!prepare->block)
        return ve__fail(VE_ERR_MEMORY, "no memory for preparing pictures (%zu bytes)", arena.used);
    arena = (ve__arena){prepare->block, 0};
    take(prepare, &arena);
    return VE_OK;
}

ve_status ve__prepare_create(const ve__preprocess *preprocess, ve__prepare **prepare)
{
    const ve__kernels *kernels = NULL;
    VE_TRY(ve__kernels_select(&kernels));
    ve__prepare *made = ve__allocate_zeroed(sizeof *made);
    if (!made)
        return ve__fail(VE_ERR_MEMORY, "no memory for preparing pictures");
    made->kernels = kernels;
    fill_in(made, preprocess);
    ve_status status = reserve(made);
    if (status != VE_OK)
        ve__prepare_free(made);
    else
        *prepare = made;
    return status;
}

void ve__prepare_free(ve__prepare *prepare)
{
    if (!prepare)
        return;
    ve__release(prepare->block);
    ve__release(prepare);
}

size_t ve__prepare_bytes(const ve__prepare *prepare)
{
    return sizeof *prepare + prepare->bytes;
}

static void clear_padded(ve__prepare *prepare)
{
    for (uint32_t x = 0; x < prepare->preprocess.width; x++)
        memcpy(prepare->padded + 3 * x, prepare->fill, 3);
}

/* Row y of the input, 8 bits. Only the part that the picture covers changes in `padded`, and that part is the
 * same for all rows; rows above and below the picture come before and after the covered ones. */
static const uint8_t *make_row(ve__prepare *prepare, const ve__crop_plan *plan, uint32_t y)
{
    const ve__axis *columns = &plan->horizontal;
    if (y < plan->top || y >= plan->top + plan->vertical.count) {
        if (y == plan->top + plan->vertical.count)
            clear_padded(prepare);
        return prepare->padded;
    }
    const uint8_t *row = ve__resizer_next(&prepare->resizer);
    if (columns->count == prepare->preprocess.width)
        return row;
    memcpy(prepare->padded + (size_t)3 * plan->left, row, (size_t)3 * columns->count);
    return prepare->padded;
}

ve_status ve__prepare_run(ve__prepare *prepare, const struct ve_image *image, float *input)
{
    const ve__preprocess *preprocess = &prepare->preprocess;
    ve__crop_plan plan;
    ve__crop_make(preprocess, image->width, image->height, &plan);
    VE_TRY(ve__resizer_begin(&prepare->resizer, image->pixels, &plan.horizontal, &plan.vertical));
    clear_padded(prepare);
    for (uint32_t y = 0; y < preprocess->height; y++) {
        const uint8_t *row = make_row(prepare, &plan, y);
        prepare->kernels->pixels(row, preprocess->width, prepare->scale, prepare->shift,
                                 input + (size_t)3 * preprocess->width * y);
    }
    return VE_OK;
}
