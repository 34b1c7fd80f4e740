/* SPDX-License-Identifier: MIT */
/* The forward pass of a stage (network.h). */
#include <string.h>

#include "depthwise.h"
#include "network.h"
#include "rows.h"
#include "transfer.h"

static void activate(const float *hidden, const float *bias, long width, operand *activated)
{
    for (long r = 0; r < PANEL; r++, hidden += width, activated += width)
        for (long j = 0; j < width; j += 32) {
            v16 slope;
            v16 low = gelu(_mm512_add_ps(load(hidden + j), load(bias + j)), &slope);
            v16 high = gelu(_mm512_add_ps(load(hidden + j + 16), load(bias + j + 16)), &slope);
            operand_store32(activated + j, low, high);
        }
}

/* out = in + scale * (y + bias) */
static void add_scaled(const float *y, const block_operands *block, long stride, const float *in, float *out)
{
    for (long r = 0; r < PANEL; r++)
        for (long j = 0; j < stride; j += 16) {
            long at = r * stride + j;
            v16 v = _mm512_add_ps(load(y + at), load(block->fc2_bias + j));
            store(out + at, _mm512_fmadd_ps(load(block->scale + j), v, load(in + at)));
        }
}

/* fc1, GELU, fc2, scale and residual on rows rows. */
static void mlp(const network *net, int stage, const block_operands *block, const operand *rows,
                const float *in, float *out, long count, scratch *s)
{
    long channels = stage_channels[stage], hidden = 4 * channels, stride = stage_stride[stage],
         k = stage_k[stage];
    for (long r = 0; r < count; r += PANEL) {
        net->gemm->panel(rows + r * k, k, block->fc1, k, channels, hidden, s->hidden, hidden);
        activate(s->hidden, block->fc1_bias, hidden, s->activated);
        net->gemm->panel(s->activated, hidden, block->fc2, hidden, hidden, stride, s->out, stride);
        add_scaled(s->out, block, stride, in + r * stride, out + r * stride);
    }
}

/* Depthwise convolution and LayerNorm of one image. */
static void filter(network *net, int stage, int number, long image, scratch *s)
{
    const block_operands *block = &net->block[stage][number];
    long side = net->side[stage], pixels = side * side, stride = stage_stride[stage], k = stage_k[stage];
    long row = image * pixels;
    const float *in = net->map[stage][number] + row * stride;
    for (long group = 0; group < stride / 16; group++) {
        depthwise_pad(in + group * 16, side, stride, s->padded);
        depthwise_convolve(s->padded, side, block->taps + group * 49 * 16, load(block->taps_bias + group * 16),
                           NULL, s->z + group * 16, stride);
    }
    for (long p = 0; p < pixels; p++)
        net->inverse[stage][number][row + p] = row_normalise(s->z + p * stride, stage_channels[stage],
                                                             net->rows[stage][number] + (row + p) * k, (int)k);
}

static void stem(network *net, long first, long count, scratch *s)
{
    long pixels = (long)net->side[0] * net->side[0], end = (first + count) * pixels;
    for (long r = first * pixels; r < end; r += PANEL) {
        net->gemm->panel(net->patches + r * STEM_K, STEM_K, net->stem.weight, STEM_K, STEM_USED_K, STEM_WIDTH,
                         s->out, STEM_WIDTH);
        panel_add(s->out, STEM_WIDTH, net->stem.bias);
        for (long i = r; i < r + PANEL; i++) {
            operand *rows = net->stem_rows + i * STEM_K;
            float *out = net->map[0][0] + i * STEM_WIDTH;
            net->stem_inverse[i] =
                row_normalise(s->out + (i - r) * STEM_WIDTH, stage_channels[0], rows, STEM_K);
            for (long j = 0; j < STEM_WIDTH; j += 16)
                store(out + j, _mm512_fmadd_ps(operand_load(rows + j), load(net->stem.norm_weight + j),
                                               load(net->stem.norm_bias + j)));
        }
    }
}

/* LayerNorm, then the 2x2 filter with step 2. */
static void downsample(network *net, int stage, long first, long count, scratch *s)
{
    long below = (long)net->side[stage - 1] * net->side[stage - 1],
         pixels = (long)net->side[stage] * net->side[stage];
    long k = stage_k[stage - 1], stride_below = stage_stride[stage - 1], stride = stage_stride[stage];
    const float *in = net->map[stage - 1][stage_blocks[stage - 1]];
    for (long r = first * below; r < (first + count) * below; r++)
        net->down_inverse[stage][r] = row_normalise(in + r * stride_below, stage_channels[stage - 1],
                                                    net->down_rows[stage] + r * k, (int)k);
    for (long r = 0; r < count * pixels; r += PANEL) {
        float *out = net->map[stage][0] + (first * pixels + r) * stride;
        gather_patches(net, stage, first, r, s->patches);
        net->gemm->panel(s->patches, 4 * k, net->down[stage].weight, 4 * k, 4 * k, stride, out, stride);
        panel_add(out, (int)stride, net->down[stage].bias);
    }
}

void network_forward(network *net, int stage, int first, int count, int thread)
{
    scratch *s = &net->scratch[thread];
    long pixels = (long)net->side[stage] * net->side[stage], row = first * pixels, stride = stage_stride[stage];
    if (stage == 0)
        stem(net, first, count, s);
    else
        downsample(net, stage, first, count, s);
    for (int number = 0; number < stage_blocks[stage]; number++) {
        for (long image = first; image < first + count; image++)
            filter(net, stage, number, image, s);
        mlp(net, stage, &net->block[stage][number], net->rows[stage][number] + row * stage_k[stage],
            net->map[stage][number] + row * stride, net->map[stage][number + 1] + row * stride, count * pixels,
            s);
    }
}
