/* SPDX-License-Identifier: MIT */
/* See loss.h. */
#include "loss.h"

#include <cblas.h>

/* matrix [count][batch] = rows x all^T */
static void similarities(const float *all, int batch, int first, int count, float *matrix)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, batch, EMBEDDING, 1,
                all + (long)first * EMBEDDING, EMBEDDING, all, EMBEDDING, 0, matrix + (long)first * batch,
                batch);
}

/* d/dunit_i of sum_ij (s_ij - t_ij)^2 / batch^2 is 4 / batch^2 * sum_j (s_ij - t_ij) unit_j. */
static double relational(network *net, int batch, int first, int count, float weight)
{
    float *own = net->similarity, *teacher = net->similarity + (long)batch * batch;
    double sum = 0;
    similarities(net->unit, batch, first, count, own);
    similarities(net->target, batch, first, count, teacher);
    for (long i = (long)first * batch; i < (long)(first + count) * batch; i++) {
        own[i] -= teacher[i];
        sum += (double)own[i] * own[i];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, EMBEDDING, batch,
                weight * 4 / ((float)batch * (float)batch), own + (long)first * batch, batch, net->unit,
                EMBEDDING, 0, net->d_out + (long)first * EMBEDDING, EMBEDDING);
    return sum;
}

void loss_rows(network *net, int batch, int first, int count, const loss_weights *weights, loss_sums *sums)
{
    float share = weights->distil / (float)batch;
    sums->relational += relational(net, batch, first, count, weights->relational);
    for (long i = first; i < first + count; i++) {
        const float *unit = net->unit + i * EMBEDDING, *target = net->target + i * EMBEDDING;
        float *d = net->d_out + i * EMBEDDING, cosine = 0;
        for (long j = 0; j < EMBEDDING; j++) {
            cosine += unit[j] * target[j];
            d[j] -= share * target[j];
        }
        sums->distil += 1 - (double)cosine;
    }
}

void loss_through_norm(network *net, int first, int count)
{
    for (long i = first; i < first + count; i++) {
        const float *unit = net->unit + i * EMBEDDING, *out = net->out + i * EMBEDDING;
        float *d = net->d_out + i * EMBEDDING, along = 0, length = 0;
        for (long j = 0; j < EMBEDDING; j++) {
            along += d[j] * unit[j];
            length += out[j] * unit[j];
        }
        for (long j = 0; j < EMBEDDING; j++)
            d[j] = (d[j] - along * unit[j]) / length;
    }
}
