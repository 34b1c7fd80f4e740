/* SPDX-License-Identifier: MIT */
/* The kernels for AVX-512 (F, BW, DQ, VL). */
#include "kernels/vec_avx512.h"

#include "base/memory.h"
#define VE__NORM_HERE
#include "kernels/norm_rows_template.h"
#include "kernels/rows_template.h"

#define DW(name)  vec_##name
#define DW_TYPE   vec
#define DW_WIDEST 14
#include "kernels/depthwise_template.h"

#define DW(name)  half_##name
#define DW_TYPE   half
#define DW_WIDEST 7
#define DW_FEW_WIDTHS
#include "kernels/depthwise_template.h"

#include "kernels/dense_x86_template.h"
#include "kernels/depthwise_rows_template.h"

VE__COLD void ve__kernels_fill_avx512(ve__kernels *table)
{
    static const ve__kernels all = {
        .name = "avx512",
        .dense_f32 = {packed_bytes, pack, panel_bytes, panel_write, panel_norm, panel_scale, multiply,
                      multiply_gelu, 2},
        .depthwise_bytes = depthwise_bytes,
        .depthwise_pack = depthwise_pack,
        .depthwise = depthwise,
        .norm_rows = norm_rows,
        .sum_rows = sum_rows,
        .gelu = gelu,
        .pixels = pixels,
        .half_to_float = half_to_float,
        .dot = dot,
    };
    *table = all;
}
