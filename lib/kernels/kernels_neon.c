/* SPDX-License-Identifier: MIT */
/* The kernels for NEON (ARMv8.0). */
#include "kernels/vec_neon.h"

#include "kernels/rows_template.h"

#include "kernels/depthwise_neon.h"

#include "kernels/dense_neon.h"

#define DW_ROWS(name) pair_##name
#define DW_LANES      8u
#include "kernels/depthwise_rows_template.h"

/* Zero times a value that is not finite is not a number, and stays so in a sum. */
static int interleave(const float *planes, size_t count, float *out)
{
    const float *plane[3] = {planes, planes + count, planes + 2 * count};
    vec zero = vec_zero(), sums[3] = {zero, zero, zero};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        float32x4x3_t pixels = {{vec_load(plane[0] + i), vec_load(plane[1] + i), vec_load(plane[2] + i)}};
        VE__UNROLL
        for (unsigned c = 0; c < 3; c++)
            sums[c] = vec_fma(pixels.val[c], zero, sums[c]);
        vst3q_f32(out + 3 * i, pixels);
    }
    float sum = vec_sum(vec_add(vec_add(sums[0], sums[1]), sums[2]));
    for (; i < count; i++)
        for (unsigned c = 0; c < 3; c++) {
            out[3 * i + c] = plane[c][i];
            sum += 0.0f * plane[c][i];
        }
    return sum == 0.0f;
}

void ve__kernels_fill_neon(ve__kernels *table)
{
    static const ve__kernels all = {
        .name = "neon",
        .dense_f32 = {packed_bytes, pack, panel_bytes, panel_write, panel_norm, panel_scale, multiply,
                      multiply_gelu, 12},
        .depthwise_bytes = depthwise_bytes,
        .depthwise_pack = depthwise_pack,
        .depthwise = depthwise,
        .norm_rows = norm_rows,
        .sum_rows = sum_rows,
        .gelu = gelu,
        .pixels = pixels,
        .interleave = interleave,
        .half_to_float = half_to_float,
        .dot = dot,
    };
    *table = all;
}
