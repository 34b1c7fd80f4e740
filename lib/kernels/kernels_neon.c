/* SPDX-License-Identifier: MIT */
/* The kernels for NEON (ARMv8.0). */
#include "kernels/vec_neon.h"

#include "kernels/rows_neon.h"
#include "kernels/rows_template.h"

#include "kernels/depthwise_neon.h"

#include "kernels/dense_neon.h"

#define DW_ROWS(name) pair_##name
#define DW_LANES      8u
#include "kernels/depthwise_rows_template.h"

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
