/* SPDX-License-Identifier: MIT */
/* The conversion. */
#include "convert.h"

#include "base/bytes.h"

#include <stdlib.h>

static float load(const safetensors_tensor *t, size_t index)
{
    switch (t->dtype->kind) {
    case SAFETENSORS_F16:
        return ve__half_to_float(ve__load_u16(t->data + 2 * index));
    case SAFETENSORS_BF16: /* the upper half of a float */
        return ve__bits_float((uint32_t)ve__load_u16(t->data + 2 * index) << 16);
    default:
        return ve__bits_float(ve__load_u32(t->data + 4 * index));
    }
}

/* Elements of a row, the part of a tensor that is converted at once: of a vector all, else what lies under one
 * index of the first dimension. */
static size_t row_size(const ve__tensor_spec *spec)
{
    size_t size = 1;
    for (uint32_t i = spec->rank > 1; i < spec->rank; i++)
        size *= spec->shape[i];
    return size;
}

/* Convolution: [out][y][x][in] from [out][in][y][x]. */
static void row_of_convolution(const plan_tensor *t, size_t out_channel, float *row)
{
    size_t taps = (size_t)t->spec.shape[1] * t->spec.shape[2], in = t->spec.shape[3];
    for (size_t k = 0; k < taps; k++)
        for (size_t i = 0; i < in; i++)
            row[k * in + i] = load(t->entry->tensor, (out_channel * in + i) * taps + k);
}

/* Depthwise: [y][x][channel] from [channel][1][y][x]. */
static void row_of_depthwise(const plan_tensor *t, size_t y, float *row)
{
    size_t height = t->spec.shape[0], width = t->spec.shape[1], channels = t->spec.shape[2];
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < channels; c++)
            row[x * channels + c] = load(t->entry->tensor, (c * height + y) * width + x);
}

static void row_as_it_is(const plan_tensor *t, size_t index, size_t size, float *row)
{
    for (size_t i = 0; i < size; i++)
        row[i] = t->entry ? load(t->entry->tensor, index * size + i) : t->fill;
}

static void convert_row(const plan_tensor *t, size_t index, size_t size, float *row)
{
    if (t->entry && t->spec.rank == 4)
        row_of_convolution(t, index, row);
    else if (t->entry && t->spec.rank == 3)
        row_of_depthwise(t, index, row);
    else
        row_as_it_is(t, index, size, row);
}

static ve_status check_finite(const plan_tensor *t, const float *row, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((ve__float_bits(row[i]) & 0x7f800000u) == 0x7f800000u)
            return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s has values that are not finite",
                            t->entry->tensor->name);
    return VE_OK;
}

static ve_status convert_tensor(const plan_tensor *t, float *row, vew_writer *writer, progress *shown)
{
    size_t size = row_size(&t->spec), rows = t->spec.rank > 1 ? t->spec.shape[0] : 1;
    for (size_t i = 0; i < rows; i++) {
        convert_row(t, i, size, row);
        if (t->entry)
            VE_TRY(check_finite(t, row, size));
        VE_TRY(vew_append(writer, row, size));
        progress_add(shown, size * sizeof *row);
    }
    if (t->entry)
        safetensors_forget(t->entry->file, t->entry->tensor);
    return VE_OK;
}

ve_status convert_all(const plan *p, vew_writer *writer, progress *shown)
{
    size_t longest = 0;
    for (size_t i = 0; i < p->tensor_count; i++)
        if (row_size(&p->tensors[i].spec) > longest)
            longest = row_size(&p->tensors[i].spec);
    float *row = malloc(longest * sizeof *row);
    ve_status status =
        row ? VE_OK
            : ve__fail(VE_ERR_MEMORY, "no memory for a row of %llu elements", (unsigned long long)longest);
    for (size_t i = 0; i < p->tensor_count && status == VE_OK; i++)
        status = convert_tensor(&p->tensors[i], row, writer, shown);
    free(row);
    return status;
}
