/* SPDX-License-Identifier: MIT */
/* Weights into packed operands, norms folded in (network.h). */
#include <string.h>

#include "network.h"

static const float *values_of(const network *net, const float *weights, int parameter_number)
{
    return weights + net->table.list[parameter_number].offset;
}

/* The stem's filter with k in the order of the patches: (ky, kx, channel). */
static void pack_stem(network *net, const float *weights, float *unpacked)
{
    const layer_parameters *p = &net->table.stem;
    const float *w = values_of(net, weights, p->weight);
    long channels = stage_channels[0];
    memset(unpacked, 0, STEM_K * STEM_WIDTH * sizeof *unpacked);
    for (long o = 0; o < channels; o++)
        for (long c = 0; c < 3; c++)
            for (long k = 0; k < 16; k++)
                unpacked[o * STEM_K + k * 3 + c] = w[(o * 3 + c) * 16 + k];
    size_t bytes = (size_t)channels * sizeof(float);
    memcpy(net->stem.bias, values_of(net, weights, p->bias), bytes);
    memcpy(net->stem.norm_weight, values_of(net, weights, p->norm_weight), bytes);
    memcpy(net->stem.norm_bias, values_of(net, weights, p->norm_bias), bytes);
    gemm_pack_nk(net->stem.weight, unpacked, STEM_K, STEM_K, STEM_WIDTH);
}

static void pack_down(network *net, int stage, const float *weights, float *unpacked)
{
    const layer_parameters *p = &net->table.down[stage];
    const float *w = values_of(net, weights, p->weight), *bias = values_of(net, weights, p->bias);
    const float *gamma = values_of(net, weights, p->norm_weight), *beta = values_of(net, weights, p->norm_bias);
    long below = stage_channels[stage - 1], k_below = stage_k[stage - 1],
         stride_below = stage_stride[stage - 1];
    long row = 4 * k_below, k = stage_k[stage];
    down_operands *down = &net->down[stage];
    memset(unpacked, 0, (size_t)(k * row) * sizeof *unpacked);
    for (long o = 0; o < stage_channels[stage]; o++) {
        float folded = bias[o];
        for (long i = 0; i < below; i++)
            for (long tap = 0; tap < 4; tap++) {
                float v = w[(o * below + i) * 4 + tap];
                folded += v * beta[i];
                unpacked[o * row + tap * k_below + i] = v * gamma[i];
            }
        down->bias[o] = folded;
    }
    gemm_pack_nk(down->weight, unpacked, row, row, stage_stride[stage]);
    for (long tap = 0; tap < 4; tap++)
        gemm_pack_kn(down->weight_back + tap * stride_below * k, unpacked + tap * k_below, row, k,
                     stride_below);
}

static void pack_taps(const network *net, const block_parameters *p, const block_operands *block, long channels,
                      const float *weights)
{
    const float *taps = values_of(net, weights, p->taps);
    for (long c = 0; c < channels; c++)
        for (long t = 0; t < 49; t++) {
            long base = (c >> 4) * 49;
            block->taps[(base + t) * 16 + (c & 15)] = taps[c * 49 + t];
            block->taps_flipped[(base + 48 - t) * 16 + (c & 15)] = taps[c * 49 + t];
        }
    size_t bytes = (size_t)channels * sizeof(float);
    memcpy(block->taps_bias, values_of(net, weights, p->taps_bias), bytes);
    memcpy(block->fc2_bias, values_of(net, weights, p->fc2_bias), bytes);
    memcpy(block->scale, values_of(net, weights, p->scale), bytes);
}

static void pack_block(network *net, int stage, int number, const float *weights, float *unpacked)
{
    const block_parameters *p = &net->table.block[stage][number];
    const block_operands *block = &net->block[stage][number];
    const float *fc1 = values_of(net, weights, p->fc1), *fc1_bias = values_of(net, weights, p->fc1_bias);
    const float *gamma = values_of(net, weights, p->norm_weight), *beta = values_of(net, weights, p->norm_bias);
    long channels = stage_channels[stage], hidden = 4 * channels, stride = stage_stride[stage],
         k = stage_k[stage];
    pack_taps(net, p, block, channels, weights);
    memset(unpacked, 0, (size_t)(k * hidden) * sizeof *unpacked);
    for (long n = 0; n < hidden; n++) {
        float folded = fc1_bias[n];
        for (long c = 0; c < channels; c++) {
            folded += fc1[n * channels + c] * beta[c];
            unpacked[n * k + c] = fc1[n * channels + c] * gamma[c];
        }
        block->fc1_bias[n] = folded;
    }
    gemm_pack_nk(block->fc1, unpacked, k, k, hidden);
    gemm_pack_kn(block->fc1_back, unpacked, k, hidden, stride);
    memcpy(unpacked, values_of(net, weights, p->fc2), (size_t)(channels * hidden) * sizeof *unpacked);
    memset(unpacked + channels * hidden, 0, (size_t)((k - channels) * hidden) * sizeof *unpacked);
    gemm_pack_nk(block->fc2, unpacked, hidden, hidden, stride);
    gemm_pack_kn(block->fc2_back, unpacked, hidden, k, hidden);
}

void network_pack(network *net, int unit, const float *weights, int thread)
{
    float *unpacked = net->scratch[thread].unpacked;
    int stage, number;
    if (unit == 0) {
        pack_stem(net, weights, unpacked);
    } else if (unit < 4) {
        pack_down(net, unit, weights, unpacked);
    } else if (unit < UNITS) {
        network_unit_block(unit, &stage, &number);
        pack_block(net, stage, number, weights, unpacked);
    }
}
