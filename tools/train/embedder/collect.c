/* SPDX-License-Identifier: MIT */
/* The threads' packed gradients into PyTorch's layout, folded norms and scales taken apart (network.h).
 *
 * With y = W (gamma * n + beta) + b and the gradients S of W * diag(gamma) and s of the folded bias:
 * dW = S * diag(gamma) + s beta^T, dgamma = column sums of S * W, dbeta = W^T s, db = s. */
#include <string.h>

#include "network.h"

static float *gradient_of(network *net, int parameter_number)
{
    return net->gradients + net->table.list[parameter_number].offset;
}

static const float *weight_of(const network *net, int parameter_number)
{
    return net->weights + net->table.list[parameter_number].offset;
}

/* Adds the other threads' sums to the first one's, clears them, and returns the first one's. */
static float *join(network *net, long at, long count)
{
    float *sum = net->scratch[0].sums + at;
    for (int t = 1; t < net->threads; t++) {
        float *other = net->scratch[t].sums + at;
        for (long i = 0; i < count; i++)
            sum[i] += other[i];
        memset(other, 0, (size_t)count * sizeof *other);
    }
    return sum;
}

static void copy_and_clear(float *to, float *sum, long count)
{
    memcpy(to, sum, (size_t)count * sizeof *to);
    memset(sum, 0, (size_t)count * sizeof *sum);
}

static void collect_stem(network *net)
{
    const layer_parameters *p = &net->table.stem;
    const stem_operands *stem = &net->stem;
    float *sum = join(net, stem->sum_weight, STEM_WIDTH * STEM_K), *w = gradient_of(net, p->weight);
    long channels = stage_channels[0];
    for (long o = 0; o < channels; o++)
        for (long c = 0; c < 3; c++)
            for (long k = 0; k < 16; k++)
                w[(o * 3 + c) * 16 + k] = sum[o * STEM_K + k * 3 + c];
    memset(sum, 0, STEM_WIDTH * STEM_K * sizeof *sum);
    copy_and_clear(gradient_of(net, p->bias), join(net, stem->sum_bias, STEM_WIDTH), channels);
    copy_and_clear(gradient_of(net, p->norm_weight), join(net, stem->sum_norm_weight, STEM_WIDTH), channels);
    copy_and_clear(gradient_of(net, p->norm_bias), join(net, stem->sum_norm_bias, STEM_WIDTH), channels);
}

static void collect_down(network *net, int stage)
{
    const layer_parameters *p = &net->table.down[stage];
    const down_operands *down = &net->down[stage];
    long channels = stage_channels[stage], below = stage_channels[stage - 1], k_below = stage_k[stage - 1];
    long count = stage_stride[stage] * 4 * k_below;
    float *sum = join(net, down->sum_weight, count), *sum_bias = join(net, down->sum_bias, stage_stride[stage]);
    const float *w = weight_of(net, p->weight), *gamma = weight_of(net, p->norm_weight);
    const float *beta = weight_of(net, p->norm_bias);
    float *dw = gradient_of(net, p->weight), *dgamma = gradient_of(net, p->norm_weight);
    float *dbeta = gradient_of(net, p->norm_bias);
    memset(dgamma, 0, (size_t)below * sizeof *dgamma);
    memset(dbeta, 0, (size_t)below * sizeof *dbeta);
    for (long o = 0; o < channels; o++)
        for (long i = 0; i < below; i++)
            for (long tap = 0; tap < 4; tap++) {
                float s = sum[(o * 4 + tap) * k_below + i];
                long at = (o * below + i) * 4 + tap;
                dw[at] = s * gamma[i] + sum_bias[o] * beta[i];
                dgamma[i] += s * w[at];
                dbeta[i] += sum_bias[o] * w[at];
            }
    memset(sum, 0, (size_t)count * sizeof *sum);
    copy_and_clear(gradient_of(net, p->bias), sum_bias, channels);
}

/* sum_fc1 is [channel][hidden]; blocks of 16 hidden numbers keep its transposed reading in the cache. */
static void collect_fc1(network *net, const block_parameters *p, const float *sum, const float *sum_bias,
                        long channels)
{
    const float *w = weight_of(net, p->fc1), *gamma = weight_of(net, p->norm_weight);
    const float *beta = weight_of(net, p->norm_bias);
    float *dw = gradient_of(net, p->fc1), *dgamma = gradient_of(net, p->norm_weight);
    float *dbeta = gradient_of(net, p->norm_bias);
    long hidden = 4 * channels;
    memset(dgamma, 0, (size_t)channels * sizeof *dgamma);
    memset(dbeta, 0, (size_t)channels * sizeof *dbeta);
    for (long from = 0; from < hidden; from += 16)
        for (long n = from; n < from + 16; n++)
            for (long c = 0; c < channels; c++) {
                float s = sum[c * hidden + n];
                dw[n * channels + c] = s * gamma[c] + sum_bias[n] * beta[c];
                dgamma[c] += s * w[n * channels + c];
                dbeta[c] += sum_bias[n] * w[n * channels + c];
            }
}

/* The block adds scale * (fc2 h + bias): sum_fc2 and sum_out are gradients without the scale. */
static void collect_fc2(network *net, const block_parameters *p, const float *sum, const float *sum_out,
                        long channels)
{
    const float *w = weight_of(net, p->fc2), *bias = weight_of(net, p->fc2_bias),
                *scale = weight_of(net, p->scale);
    float *dw = gradient_of(net, p->fc2), *dscale = gradient_of(net, p->scale);
    float *dbias = gradient_of(net, p->fc2_bias);
    long hidden = 4 * channels;
    for (long c = 0; c < channels; c++) {
        float total = bias[c] * sum_out[c];
        for (long n = 0; n < hidden; n++) {
            total += w[c * hidden + n] * sum[c * hidden + n];
            dw[c * hidden + n] = scale[c] * sum[c * hidden + n];
        }
        dscale[c] = total;
        dbias[c] = scale[c] * sum_out[c];
    }
}

static void collect_block(network *net, int stage, int number)
{
    const block_parameters *p = &net->table.block[stage][number];
    const block_operands *block = &net->block[stage][number];
    long channels = stage_channels[stage], hidden = 4 * channels, stride = stage_stride[stage];
    float *fc1 = join(net, block->sum_fc1, stride * hidden), *fc2 = join(net, block->sum_fc2, stride * hidden);
    float *fc1_bias = join(net, block->sum_fc1_bias, hidden), *out = join(net, block->sum_out, stride);
    float *taps = join(net, block->sum_taps, 49 * stride), *dtaps = gradient_of(net, p->taps);
    collect_fc1(net, p, fc1, fc1_bias, channels);
    collect_fc2(net, p, fc2, out, channels);
    for (long c = 0; c < channels; c++)
        for (long t = 0; t < 49; t++)
            dtaps[c * 49 + t] = taps[((c >> 4) * 49 + t) * 16 + (c & 15)];
    memset(fc1, 0, (size_t)(stride * hidden) * sizeof *fc1);
    memset(fc2, 0, (size_t)(stride * hidden) * sizeof *fc2);
    memset(taps, 0, (size_t)(49 * stride) * sizeof *taps);
    memset(out, 0, (size_t)stride * sizeof *out);
    copy_and_clear(gradient_of(net, p->fc1_bias), fc1_bias, hidden);
    copy_and_clear(gradient_of(net, p->taps_bias), join(net, block->sum_taps_bias, stride), channels);
    memset(net->scratch[0].sums + block->sum_taps_bias, 0, (size_t)stride * sizeof(float));
}

static double sum_of_squares(const network *net, int unit)
{
    int first, last;
    double total = 0;
    network_unit_parameters(net, unit, &first, &last);
    long from = net->table.list[first].offset, end = net->table.list[last].offset + net->table.list[last].count;
    for (long i = from; i < end; i++)
        total += (double)net->gradients[i] * net->gradients[i];
    return total;
}

double network_collect(network *net, int unit)
{
    int stage, number;
    if (unit == 0) {
        collect_stem(net);
    } else if (unit < 4) {
        collect_down(net, unit);
    } else {
        network_unit_block(unit, &stage, &number);
        collect_block(net, stage, number);
    }
    return sum_of_squares(net, unit);
}
