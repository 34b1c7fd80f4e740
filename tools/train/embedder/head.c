/* SPDX-License-Identifier: MIT */
/* Pooling, LayerNorm and the linear layer: f32 throughout (network.h). */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "network.h"
#include "rows.h"

/* The mean of an image's pixels, normalised in double. */
static void pool(network *net, long image)
{
    long pixels = (long)net->side[3] * net->side[3];
    const float *map = net->map[3][stage_blocks[3]] + image * pixels * LAST;
    float *row = net->pooled_rows + image * LAST;
    double mean = 0, variance = 0;
    for (long c = 0; c < LAST; c += 16) {
        v16 sum = zeros();
        for (long p = 0; p < pixels; p++)
            sum = _mm512_add_ps(sum, load(map + p * LAST + c));
        store(row + c, _mm512_mul_ps(sum, spread(1.0f / (float)pixels)));
    }
    for (long c = 0; c < LAST; c++)
        mean += row[c];
    mean /= LAST;
    for (long c = 0; c < LAST; c++)
        variance += (row[c] - mean) * (row[c] - mean);
    float inverse = net->pooled_inverse[image] = (float)(1 / sqrt(variance / LAST + (double)NORM_EPS));
    for (long c = 0; c < LAST; c++)
        row[c] = (row[c] - (float)mean) * inverse;
}

void network_head_forward(network *net, const float *weights, int first, int count)
{
    const parameter *list = net->table.list;
    const layer_parameters *p = &net->table.head;
    const float *gamma = weights + list[p->norm_weight].offset, *beta = weights + list[p->norm_bias].offset;
    const float *bias = weights + list[p->bias].offset, *weight = weights + list[p->weight].offset;
    for (long i = first; i < first + count; i++) {
        pool(net, i);
        for (long c = 0; c < LAST; c++)
            net->head_rows[i * LAST + c] = net->pooled_rows[i * LAST + c] * gamma[c] + beta[c];
        memcpy(net->out + i * EMBEDDING, bias, EMBEDDING * sizeof *bias);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, EMBEDDING, LAST, 1,
                net->head_rows + (long)first * LAST, LAST, weight, LAST, 1, net->out + (long)first * EMBEDDING,
                EMBEDDING);
    for (long i = first; i < first + count; i++) {
        const float *out = net->out + i * EMBEDDING;
        float squares = 0;
        for (long j = 0; j < EMBEDDING; j++)
            squares += out[j] * out[j];
        float inverse = 1 / (sqrtf(squares) + 1e-12f);
        for (long j = 0; j < EMBEDDING; j++)
            net->unit[i * EMBEDDING + j] = out[j] * inverse;
    }
}

void network_head_backward(network *net, int first, int count)
{
    const parameter *list = net->table.list;
    const float *gamma = net->weights + list[net->table.head.norm_weight].offset;
    long pixels = (long)net->side[3] * net->side[3];
    float d[LAST];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, LAST, EMBEDDING, 1,
                net->d_out + (long)first * EMBEDDING, EMBEDDING,
                net->weights + list[net->table.head.weight].offset, LAST, 0, net->d_head + (long)first * LAST,
                LAST);
    for (long i = first; i < first + count; i++) {
        const float *row = net->pooled_rows + i * LAST;
        float mean = 0, slope = 0;
        for (long c = 0; c < LAST; c++) {
            d[c] = net->d_head[i * LAST + c] * gamma[c];
            mean += d[c] / LAST;
            slope += d[c] * row[c] / LAST;
        }
        for (long c = 0; c < LAST; c++)
            d[c] = net->pooled_inverse[i] * (d[c] - mean - row[c] * slope) / (float)pixels;
        for (long p = 0; p < pixels; p++)
            memcpy(net->gradient[3] + (i * pixels + p) * LAST, d, sizeof d);
    }
}

double network_head_collect(network *net, int batch)
{
    const parameter *list = net->table.list;
    const layer_parameters *p = &net->table.head;
    float *dgamma = net->gradients + list[p->norm_weight].offset,
          *dbeta = net->gradients + list[p->norm_bias].offset;
    float *dbias = net->gradients + list[p->bias].offset;
    double total = 0;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, EMBEDDING, LAST, batch, 1, net->d_out, EMBEDDING,
                net->head_rows, LAST, 0, net->gradients + list[p->weight].offset, LAST);
    memset(dgamma, 0, LAST * sizeof *dgamma);
    memset(dbeta, 0, LAST * sizeof *dbeta);
    memset(dbias, 0, EMBEDDING * sizeof *dbias);
    for (long i = 0; i < batch; i++) {
        for (long j = 0; j < EMBEDDING; j++)
            dbias[j] += net->d_out[i * EMBEDDING + j];
        for (long c = 0; c < LAST; c++) {
            dgamma[c] += net->d_head[i * LAST + c] * net->pooled_rows[i * LAST + c];
            dbeta[c] += net->d_head[i * LAST + c];
        }
    }
    for (long i = list[p->norm_weight].offset; i < net->table.total; i++)
        total += (double)net->gradients[i] * net->gradients[i];
    return total;
}
