/* SPDX-License-Identifier: MIT */
/* The backward pass of a stage (network.h). */
#include <string.h>

#include "depthwise.h"
#include "network.h"
#include "rows.h"
#include "transfer.h"

/* Rows whose operands are gathered before a weight gradient is multiplied: as many as the L2 cache bears. */
static const int rows_at_once[STAGES] = {512, 512, 256, 256};

static long at_most(long a, long b)
{
    return a < b ? a : b;
}

/* d_out = scale * d as operands, and the sum over the rows of d. */
static void scale_gradient(const block_operands *block, const float *d, long stride, long k, operand *d_out,
                           float *sums)
{
    for (long j = 0; j < k; j += 16) {
        int inside = j < stride;
        v16 scale = inside ? load(block->scale + j) : zeros(), sum = zeros();
        for (long r = 0; r < PANEL; r++) {
            v16 v = inside ? load(d + r * stride + j) : zeros();
            sum = _mm512_add_ps(sum, v);
            operand_store16(d_out + r * k + j, _mm512_mul_ps(v, scale));
        }
        if (inside)
            store(sums + j, _mm512_add_ps(load(sums + j), sum));
    }
}

/* A panel through GELU: activations and the gradient before GELU, both as right operands, the gradient also as
 * rows, and its sum over the rows. */
static void activate_backward(const float *bias, long width, long panel, scratch *s, float *sums)
{
    for (long j = 0; j < width; j += 32) {
        v16 bias0 = load(bias + j), bias1 = load(bias + j + 16), sum0 = zeros(), sum1 = zeros();
        for (long r = 0; r < PANEL; r += 2) {
            const float *h = s->hidden + r * width + j, *d = s->d_hidden + r * width + j;
            v16 d00, d01, d10, d11;
            v16 a00 = gelu(_mm512_add_ps(load(h), bias0), &d00);
            v16 a01 = gelu(_mm512_add_ps(load(h + 16), bias1), &d01);
            v16 a10 = gelu(_mm512_add_ps(load(h + width), bias0), &d10);
            v16 a11 = gelu(_mm512_add_ps(load(h + width + 16), bias1), &d11);
            d00 = _mm512_mul_ps(d00, load(d));
            d01 = _mm512_mul_ps(d01, load(d + 16));
            d10 = _mm512_mul_ps(d10, load(d + width));
            d11 = _mm512_mul_ps(d11, load(d + width + 16));
            sum0 = _mm512_add_ps(sum0, _mm512_add_ps(d00, d10));
            sum1 = _mm512_add_ps(sum1, _mm512_add_ps(d01, d11));
            operand_store32(s->activated + r * width + j, d00, d01);
            operand_store32(s->activated + (r + 1) * width + j, d10, d11);
            gemm_right_pair(s->right, width, panel, r, j, a00, a01, a10, a11);
            gemm_right_pair(s->right2, width, panel, r, j, d00, d01, d10, d11);
        }
        store(sums + j, _mm512_add_ps(load(sums + j), sum0));
        store(sums + j + 16, _mm512_add_ps(load(sums + j + 16), sum1));
    }
}

/* One panel: d at the block's output -> dz at the depthwise convolution's output. */
static void mlp_panel(const network *net, int stage, const block_operands *block, const operand *rows,
                      const float *inverse, const float *d, float *dz, long panel, long panels, scratch *s)
{
    long channels = stage_channels[stage], hidden = 4 * channels, stride = stage_stride[stage],
         k = stage_k[stage];
    scale_gradient(block, d, stride, k, s->d_out, s->sums + block->sum_out);
    gemm_left_floats(s->left, panels, panel, stride, d, stride);
    gemm_left_operands(s->left2, panels, panel, stride, rows, k);
    net->gemm->panel(rows, k, block->fc1, k, channels, hidden, s->hidden, hidden);
    net->gemm->panel(s->d_out, k, block->fc2_back, k, channels, hidden, s->d_hidden, hidden);
    activate_backward(block->fc1_bias, hidden, panel, s, s->sums + block->sum_fc1_bias);
    net->gemm->panel(s->activated, hidden, block->fc1_back, hidden, hidden, stride, s->out, stride);
    for (long r = 0; r < PANEL; r++)
        row_normalise_backward(s->out + r * stride, rows + r * k, inverse[r], (int)channels, dz + r * stride);
    panel_sums(dz, (int)stride, s->sums + block->sum_taps_bias);
}

static void mlp(const network *net, int stage, int number, long row, long count, scratch *s)
{
    const block_operands *block = &net->block[stage][number];
    long hidden = 4L * stage_channels[stage], stride = stage_stride[stage], k = stage_k[stage];
    const operand *rows = net->rows[stage][number] + row * k;
    const float *inverse = net->inverse[stage][number] + row, *d = net->gradient[stage] + row * stride;
    for (long from = 0; from < count; from += rows_at_once[stage]) {
        long now = at_most(count - from, rows_at_once[stage]);
        for (long r = 0; r < now; r += PANEL) {
            long at = from + r;
            mlp_panel(net, stage, block, rows + at * k, inverse + at, d + at * stride, s->dz + at * stride,
                      r / PANEL, now / PANEL, s);
        }
        net->gemm->gradient(s->left, s->right, stride, hidden, now, s->sums + block->sum_fc2);
        net->gemm->gradient(s->left2, s->right2, stride, hidden, now, s->sums + block->sum_fc1);
    }
}

/* The taps' gradient, and the input's added to what came through the residual. */
static void filter(network *net, int stage, int number, long image, const float *dz, scratch *s)
{
    const block_operands *block = &net->block[stage][number];
    long side = net->side[stage], stride = stage_stride[stage], row = image * side * side;
    const float *in = net->map[stage][number] + row * stride;
    float *d = net->gradient[stage] + row * stride;
    for (long group = 0; group < stride / 16; group++) {
        long taps = group * 49 * 16, channel = group * 16;
        depthwise_pad(in + channel, side, stride, s->padded);
        depthwise_taps_gradient(s->padded, side, dz + channel, stride, s->sums + block->sum_taps + taps);
        depthwise_pad(dz + channel, side, stride, s->padded);
        depthwise_convolve(s->padded, side, block->taps_flipped + taps, zeros(), d + channel, d + channel,
                           stride);
    }
}

static void block_backward(network *net, int stage, int number, long first, long count, scratch *s)
{
    long pixels = (long)net->side[stage] * net->side[stage];
    mlp(net, stage, number, first * pixels, count * pixels, s);
    for (long i = 0; i < count; i++)
        filter(net, stage, number, first + i, s->dz + i * pixels * stage_stride[stage], s);
}

/* A panel of gradients of a downsampling's taps to the maps of the stage below. */
static void scatter_patches(network *net, int stage, long first, long row, const float *taps)
{
    long stride = stage_stride[stage - 1], k = stage_k[stage - 1], side = net->side[stage - 1];
    for (long r = 0; r < PANEL; r++) {
        long corner = patch_row(net, stage, first, row + r);
        for (long tap = 0; tap < 4; tap++) {
            long to = corner + (tap >> 1) * side + (tap & 1);
            row_normalise_backward(taps + (r * 4 + tap) * stride, net->down_rows[stage] + to * k,
                                   net->down_inverse[stage][to], stage_channels[stage - 1],
                                   net->gradient[stage - 1] + to * stride);
        }
    }
}

static void down_panel(network *net, int stage, long first, long row, long panel, long panels, scratch *s)
{
    const down_operands *down = &net->down[stage];
    long stride = stage_stride[stage], k = stage_k[stage], below = stage_stride[stage - 1];
    long width = 4L * stage_k[stage - 1], pixels = (long)net->side[stage] * net->side[stage];
    const float *d = net->gradient[stage] + (first * pixels + row) * stride;
    for (long r = 0; r < PANEL; r++)
        for (long j = 0; j < k; j += 16)
            operand_store16(s->d_out + r * k + j, j < stride ? load(d + r * stride + j) : zeros());
    panel_sums(d, (int)stride, s->sums + down->sum_bias);
    gemm_left_floats(s->left, panels, panel, stride, d, stride);
    gather_patches(net, stage, first, row, s->patches);
    gemm_right_operands(s->right, width, panel, s->patches, width);
    for (long tap = 0; tap < 4; tap++)
        net->gemm->panel(s->d_out, k, down->weight_back + tap * below * k, k, stage_channels[stage], below,
                         s->hidden + tap * below, 4 * below);
    scatter_patches(net, stage, first, row, s->hidden);
}

static void downsample(network *net, int stage, long first, long count, scratch *s)
{
    const int most = 256;
    long side = net->side[stage - 1], below = side * side, rows = count * net->side[stage] * net->side[stage];
    long stride = stage_stride[stage - 1];
    if (side & 1) /* the last row and column feed no output */
        memset(net->gradient[stage - 1] + first * below * stride, 0,
               (size_t)(count * below * stride) * sizeof(float));
    for (long from = 0; from < rows; from += most) {
        long now = at_most(rows - from, most);
        for (long r = 0; r < now; r += PANEL)
            down_panel(net, stage, first, from + r, r / PANEL, now / PANEL, s);
        net->gemm->gradient(s->left, s->right, stage_stride[stage], 4L * stage_k[stage - 1], now,
                            s->sums + net->down[stage].sum_weight);
    }
}

static void stem_panel(network *net, long row, long panel, long panels, scratch *s)
{
    const stem_operands *stem = &net->stem;
    const float *d = net->gradient[0] + row * STEM_WIDTH;
    const operand *rows = net->stem_rows + row * STEM_K;
    float scaled[STEM_WIDTH];
    for (long j = 0; j < STEM_WIDTH; j += 16) {
        float *sum_weight = s->sums + stem->sum_norm_weight + j, *sum_bias = s->sums + stem->sum_norm_bias + j;
        v16 weight = load(sum_weight), bias = load(sum_bias);
        for (long r = 0; r < PANEL; r++) {
            v16 v = load(d + r * STEM_WIDTH + j);
            weight = _mm512_fmadd_ps(v, operand_load(rows + r * STEM_K + j), weight);
            bias = _mm512_add_ps(bias, v);
        }
        store(sum_weight, weight);
        store(sum_bias, bias);
    }
    for (long r = 0; r < PANEL; r++) {
        for (long j = 0; j < STEM_WIDTH; j += 16)
            store(scaled + j, _mm512_mul_ps(load(d + r * STEM_WIDTH + j), load(stem->norm_weight + j)));
        row_normalise_backward(scaled, rows + r * STEM_K, net->stem_inverse[row + r], stage_channels[0],
                               s->out + r * STEM_WIDTH);
    }
    panel_sums(s->out, STEM_WIDTH, s->sums + stem->sum_bias);
    gemm_left_floats(s->left, panels, panel, STEM_WIDTH, s->out, STEM_WIDTH);
    gemm_right_operands(s->right, STEM_K, panel, net->patches + row * STEM_K, STEM_K);
}

static void stem_backward(network *net, long first, long count, scratch *s)
{
    const int most = 512;
    long pixels = (long)net->side[0] * net->side[0], rows = count * pixels;
    for (long from = 0; from < rows; from += most) {
        long now = at_most(rows - from, most);
        for (long r = 0; r < now; r += PANEL)
            stem_panel(net, first * pixels + from + r, r / PANEL, now / PANEL, s);
        net->gemm->gradient(s->left, s->right, STEM_WIDTH, STEM_K, now, s->sums + net->stem.sum_weight);
    }
}

void network_backward(network *net, int stage, int first, int count, int thread)
{
    scratch *s = &net->scratch[thread];
    for (int number = stage_blocks[stage] - 1; number >= 0; number--)
        block_backward(net, stage, number, first, count, s);
    if (stage > 0)
        downsample(net, stage, first, count, s);
    else
        stem_backward(net, first, count, s);
}
