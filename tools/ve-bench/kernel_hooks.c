/* SPDX-License-Identifier: MIT */
/* See kernel_hooks.h. The entries of a kernel table get no pointer of their own, so the real table and the
 * hooks have to lie in static memory. */
#include "kernel_hooks.h"

const char *const kernel_kind_names[KERNEL_KINDS] = {
    "depthwise 7x7", "norm into panel",   "fc1 + GELU", "fc2 + residual", "stem, downsampling, head",
    "write panel",   "scale panel (GRN)", "norm rows",  "sum rows",       "GELU"};

static ve__kernels real_table;
static kernel_hooks installed;

static void begin(const kernel_call *call)
{
    installed.begin(installed.data, call);
}

static void end(const kernel_call *call)
{
    installed.end(installed.data, call);
}

static void hooked_panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    kernel_call call = {KIND_WRITE_PANEL, NULL, rows, 0, k};
    begin(&call);
    real_table.dense_f32.panel_write(x, stride, rows, k, panel);
    end(&call);
}

static void hooked_panel_norm(const float *x, size_t stride, unsigned rows, unsigned k,
                              const ve__norm_rule *rule, void *panel)
{
    kernel_call call = {KIND_NORM_PANEL, NULL, rows, 0, k};
    begin(&call);
    real_table.dense_f32.panel_norm(x, stride, rows, k, rule, panel);
    end(&call);
}

static void hooked_panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    kernel_call call = {KIND_SCALE_PANEL, NULL, rows, 0, k};
    begin(&call);
    real_table.dense_f32.panel_scale(panel, rows, k, scale);
    end(&call);
}

static void hooked_multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                            const float *const *residual, float *const *out)
{
    kernel_call call = {residual ? KIND_CONTRACT : KIND_DENSE, packed, rows, k, n};
    begin(&call);
    real_table.dense_f32.multiply(panel, rows, k, packed, n, residual, out);
    end(&call);
}

static void hooked_multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                                 void *panel_out, float *square_sums)
{
    kernel_call call = {KIND_EXPAND, packed, rows, k, n};
    begin(&call);
    real_table.dense_f32.multiply_gelu(panel, rows, k, packed, n, panel_out, square_sums);
    end(&call);
}

static void hooked_write_i8(const float *x, size_t stride, unsigned rows, unsigned k, const float *factor,
                            const ve__range *ranges, void *panel)
{
    kernel_call call = {KIND_WRITE_PANEL, NULL, rows, 0, k};
    begin(&call);
    real_table.dense_i8.panel_write(x, stride, rows, k, factor, ranges, panel);
    end(&call);
}

static void hooked_norm_i8(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                           const float *factor, void *panel)
{
    kernel_call call = {KIND_NORM_PANEL, NULL, rows, 0, k};
    begin(&call);
    real_table.dense_i8.panel_norm(x, stride, rows, k, rule, factor, panel);
    end(&call);
}

static void hooked_multiply_i8(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                               const float *const *residual, float *const *out)
{
    kernel_call call = {residual ? KIND_CONTRACT : KIND_DENSE, packed, rows, k, n};
    begin(&call);
    real_table.dense_i8.multiply(panel, rows, k, packed, n, residual, out);
    end(&call);
}

static void hooked_multiply_gelu_i8(const void *panel, unsigned rows, unsigned k, const void *packed,
                                    unsigned n, float *out, size_t stride, ve__range *ranges,
                                    float *square_sums)
{
    kernel_call call = {KIND_EXPAND, packed, rows, k, n};
    begin(&call);
    real_table.dense_i8.multiply_gelu(panel, rows, k, packed, n, out, stride, ranges, square_sums);
    end(&call);
}

static void hooked_depthwise(const float *x, ptrdiff_t row_stride, unsigned ky_first, unsigned ky_end,
                             unsigned channels, const void *packed, unsigned count, float *out)
{
    kernel_call call = {KIND_DEPTHWISE, packed, count, 7 * (ky_end - ky_first), channels};
    begin(&call);
    real_table.depthwise(x, row_stride, ky_first, ky_end, channels, packed, count, out);
    end(&call);
}

static void hooked_norm_rows(const float *x, size_t stride, unsigned rows, unsigned channels,
                             const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                             size_t out_stride)
{
    kernel_call call = {KIND_NORM_ROWS, NULL, rows, 0, channels};
    begin(&call);
    real_table.norm_rows(x, stride, rows, channels, rule, weight, bias, out, out_stride);
    end(&call);
}

static void hooked_sum_rows(const float *x, unsigned count, unsigned channels, float *sum)
{
    kernel_call call = {KIND_SUM_ROWS, NULL, count, 0, channels};
    begin(&call);
    real_table.sum_rows(x, count, channels, sum);
    end(&call);
}

static void hooked_gelu(float *x, size_t count)
{
    kernel_call call = {KIND_GELU, NULL, 1, 0, (unsigned)count};
    begin(&call);
    real_table.gelu(x, count);
    end(&call);
}

void kernel_hooks_install(const ve__kernels *real, const kernel_hooks *hooks, ve__kernels *hooked)
{
    real_table = *real;
    installed = *hooks;
    *hooked = *real;
    hooked->dense_f32.panel_write = hooked_panel_write;
    hooked->dense_f32.panel_norm = hooked_panel_norm;
    hooked->dense_f32.panel_scale = hooked_panel_scale;
    hooked->dense_f32.multiply = hooked_multiply;
    hooked->dense_f32.multiply_gelu = hooked_multiply_gelu;
    hooked->dense_i8.panel_write = hooked_write_i8;
    hooked->dense_i8.panel_norm = hooked_norm_i8;
    hooked->dense_i8.multiply = hooked_multiply_i8;
    hooked->dense_i8.multiply_gelu = hooked_multiply_gelu_i8;
    hooked->depthwise = hooked_depthwise;
    hooked->norm_rows = hooked_norm_rows;
    hooked->sum_rows = hooked_sum_rows;
    hooked->gelu = hooked_gelu;
}
