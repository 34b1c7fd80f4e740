/* SPDX-License-Identifier: MIT */
/* See evaluate.h. */
#include "evaluate.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "step.h"
#include "workers.h"

enum { BINS = 20000, BLOCK = 256, FOLDS = 10, MOST_BATCH_HERE = 128 };

void evaluate_embed(network *net, const npy *crops, const float *weights, int flips, float *embeddings)
{
    int batch = net->most_images < MOST_BATCH_HERE ? net->most_images : MOST_BATCH_HERE;
    for (long first = 0; first < crops->rows; first += batch) {
        long left = crops->rows - first;
        step_input input = {NULL,
                            NULL,
                            0,
                            0,
                            (const uint8_t *)crops->data + first * CROP_BYTES,
                            left < batch ? (int)left : batch,
                            flips};
        step_embed(net, &input, batch, weights);
        memcpy(embeddings + first * EMBEDDING, net->unit,
               (size_t)(input.crop_count * EMBEDDING) * sizeof(float));
    }
}

/* ---- all pairs, by histograms of their cosines */

typedef struct pair_count {
    const float *embeddings;
    const int32_t *person;
    long rows;
    int next;
    long same[MOST_THREADS][BINS + 1], different[MOST_THREADS][BINS + 1];
} pair_count;

static void count_block(pair_count *p, long first, long *same, long *different)
{
    static __thread float cosines[BLOCK * BLOCK];
    long height = p->rows - first < BLOCK ? p->rows - first : BLOCK;
    for (long from = first; from < p->rows; from += BLOCK) {
        long width = p->rows - from < BLOCK ? p->rows - from : BLOCK;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)height, (int)width, EMBEDDING, 1,
                    p->embeddings + first * EMBEDDING, EMBEDDING, p->embeddings + from * EMBEDDING, EMBEDDING,
                    0, cosines, BLOCK);
        for (long i = 0; i < height; i++)
            for (long j = from == first ? i + 1 : 0; j < width; j++) {
                int bin = (int)((cosines[i * BLOCK + j] + 1) * (BINS / 2));
                bin = bin < 0 ? 0 : bin > BINS ? BINS : bin;
                (p->person[first + i] == p->person[from + j] ? same : different)[bin]++;
            }
    }
}

static void count_blocks(void *context, int thread)
{
    pair_count *p = context;
    for (long block; (block = workers_take(&p->next)) * BLOCK < p->rows;)
        count_block(p, block * BLOCK, p->same[thread], p->different[thread]);
}

/* The accepted share of same-person pairs where at most `rate` of the others are. */
static double accepted(const long *same, const long *different, long same_count, long different_count,
                       double rate, double *threshold)
{
    long wrong = 0, right = 0;
    int bin = BINS;
    for (; bin >= 0 && wrong + different[bin] <= (long)(rate * (double)different_count); bin--) {
        wrong += different[bin];
        right += same[bin];
    }
    *threshold = (double)(bin + 1) * 2 / BINS - 1;
    return (double)right / (double)same_count;
}

held_out evaluate_held_out(network *net, const npy *crops, const npy *people)
{
    static pair_count p;
    held_out result = {0, 0, 0, 0, 0};
    double threshold;
    if (people->rows != crops->rows || crops->width != CROP_BYTES)
        fail("the held-out crops and people do not belong together");
    float *embeddings = malloc((size_t)(crops->rows * EMBEDDING) * sizeof *embeddings);
    if (!embeddings)
        fail("no memory for %ld embeddings", crops->rows);
    evaluate_embed(net, crops, net->average, 0, embeddings);
    memset(&p, 0, sizeof p);
    p.embeddings = embeddings;
    p.person = people->data;
    p.rows = crops->rows;
    workers_run(net->threads, count_blocks, &p);
    for (int bin = 0; bin <= BINS; bin++) {
        for (int t = 1; t < net->threads; t++) {
            p.same[0][bin] += p.same[t][bin];
            p.different[0][bin] += p.different[t][bin];
        }
        result.same += p.same[0][bin];
        result.different += p.different[0][bin];
    }
    result.tar3 = accepted(p.same[0], p.different[0], result.same, result.different, 1e-3, &result.threshold3);
    result.tar2 = accepted(p.same[0], p.different[0], result.same, result.different, 1e-2, &threshold);
    free(embeddings);
    return result;
}

/* ---- LFW */

typedef struct scored {
    float cosine;
    int same;
} scored;

static int by_falling_cosine(const void *a, const void *b)
{
    float x = ((const scored *)a)->cosine, y = ((const scored *)b)->cosine;
    return (x < y) - (x > y);
}

/* The cosine between the last accepted and the first refused pair that gets most of these pairs right. */
static float best_threshold(scored *pairs, int count)
{
    int right = 0, best, best_at = 0;
    qsort(pairs, (size_t)count, sizeof *pairs, by_falling_cosine);
    for (int i = 0; i < count; i++)
        right += !pairs[i].same;
    best = right;
    for (int i = 0; i < count; i++) {
        right += pairs[i].same ? 1 : -1;
        if (right > best) {
            best = right;
            best_at = i + 1;
        }
    }
    int below = best_at < count ? best_at : count - 1, above = best_at > 0 ? best_at - 1 : 0;
    return (pairs[above].cosine + pairs[below].cosine) / 2;
}

static double ten_folds(const scored *pairs, int count)
{
    int fold_pairs = count / FOLDS;
    double sum = 0;
    scored *others = malloc((size_t)count * sizeof *others);
    if (!others)
        fail("no memory for %d pairs", count);
    for (int fold = 0; fold < FOLDS; fold++) {
        int n = 0, right = 0;
        for (int i = 0; i < count; i++)
            if (i / fold_pairs != fold)
                others[n++] = pairs[i];
        float threshold = best_threshold(others, n);
        for (int i = fold * fold_pairs; i < (fold + 1) * fold_pairs; i++)
            right += (pairs[i].cosine > threshold) == pairs[i].same;
        sum += (double)right / fold_pairs;
    }
    free(others);
    return sum / FOLDS;
}

static double tar_of(scored *pairs, int count)
{
    int different = 0, seen = 0, right = 0;
    qsort(pairs, (size_t)count, sizeof *pairs, by_falling_cosine);
    for (int i = 0; i < count; i++)
        different += !pairs[i].same;
    int allowed = different / 1000;
    for (int i = 0; i < count; i++) {
        seen += !pairs[i].same;
        if (seen > allowed)
            break;
        right += pairs[i].same;
    }
    return (double)right / (count - different);
}

static void score(const float *embeddings, const npy *pairs, scored *scores)
{
    const int32_t *pair = pairs->data;
    for (long i = 0; i < pairs->rows; i++, pair += 3) {
        scores[i].cosine = cblas_sdot(EMBEDDING, embeddings + (long)pair[0] * EMBEDDING, 1,
                                      embeddings + (long)pair[1] * EMBEDDING, 1);
        scores[i].same = pair[2] != 0;
    }
}

/* Adds b to a and brings a to length 1. */
static void join(float *a, const float *b, long rows)
{
    for (long i = 0; i < rows; i++, a += EMBEDDING, b += EMBEDDING) {
        float squares = 0;
        for (int j = 0; j < EMBEDDING; j++) {
            a[j] += b[j];
            squares += a[j] * a[j];
        }
        for (int j = 0; j < EMBEDDING; j++)
            a[j] /= sqrtf(squares);
    }
}

lfw_result evaluate_lfw(network *net, const npy *crops, const npy *pairs)
{
    lfw_result result;
    int count = (int)pairs->rows;
    if (pairs->width != 3 || crops->width != CROP_BYTES)
        fail("LFW's crops or pairs have another shape than wanted");
    float *plain = malloc((size_t)(crops->rows * EMBEDDING) * sizeof *plain);
    float *flipped = malloc((size_t)(crops->rows * EMBEDDING) * sizeof *flipped);
    scored *scores = malloc((size_t)count * sizeof *scores);
    if (!plain || !flipped || !scores)
        fail("no memory for %ld embeddings", crops->rows);
    evaluate_embed(net, crops, net->average, 0, plain);
    evaluate_embed(net, crops, net->average, 1, flipped);
    score(plain, pairs, scores);
    result.accuracy = ten_folds(scores, count);
    result.tar3 = tar_of(scores, count);
    join(plain, flipped, crops->rows);
    score(plain, pairs, scores);
    result.accuracy_flipped = ten_folds(scores, count);
    result.tar3_flipped = tar_of(scores, count);
    free(plain);
    free(flipped);
    free(scores);
    return result;
}
