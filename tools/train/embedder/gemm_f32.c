/* SPDX-License-Identifier: MIT */
/* The layouts and products of gemm.h in plain float, by OpenBLAS: for the comparison with PyTorch. */
#include "gemm.h"

#include <cblas.h>
#include <string.h>

void gemm_pack_kn(operand *packed, const float *source, long source_stride, long k, long n)
{
    for (long i = 0; i < k; i++)
        memcpy(packed + i * n, source + i * source_stride, (size_t)n * sizeof *packed);
}

void gemm_pack_nk(operand *packed, const float *source, long source_stride, long k, long n)
{
    for (long i = 0; i < k; i++)
        for (long j = 0; j < n; j++)
            packed[i * n + j] = source[j * source_stride + i];
}

void gemm_left_floats(operand *left, long panels, long panel, long m, const float *source, long source_stride)
{
    (void)panels;
    gemm_pack_kn(left + panel * PANEL * m, source, source_stride, PANEL, m);
}

void gemm_left_operands(operand *left, long panels, long panel, long m, const operand *source,
                        long source_stride)
{
    gemm_left_floats(left, panels, panel, m, source, source_stride);
}

void gemm_right_operands(operand *right, long n, long panel, const operand *source, long source_stride)
{
    gemm_left_floats(right, 0, panel, n, source, source_stride);
}

static void panel(const operand *rows, long row_stride, const operand *packed, long k, long used_k, long n,
                  float *out, long out_stride)
{
    (void)k;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, PANEL, (blasint)n, (blasint)used_k, 1, rows,
                (blasint)row_stride, packed, (blasint)n, 0, out, (blasint)out_stride);
}

static void gradient(const operand *left, const operand *right, long m, long n, long rows, float *sum)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)rows, 1, left,
                (blasint)m, right, (blasint)n, 1, sum, (blasint)n);
}

static void start_thread(void) {}

const gemm_kernels gemm_f32 = {"f32", start_thread, panel, gradient};
