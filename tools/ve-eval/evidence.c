/* SPDX-License-Identifier: MIT */
/* What all figures are made of: the similarities of comparisons, of the same person and of strangers. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "complain.h"
#include "evidence.h"
#include "kernels/kernels.h"
#include "queue.h"

/* Up to this many comparisons of strangers are all kept; of more this share, above the highest rate that is
 * reported, so that people can be drawn again. */
#define KEEP_ALL   4000000u
#define KEEP_SHARE 0.025
#define MAX_SAME   200000000u /* 12 bytes each */

/* A tile of products that stays in the cache. */
#define TILE_ROWS    256u
#define TILE_QUERIES 64u

uint32_t evidence_bin(float score)
{
    double at = ((double)score + 1) * (EVIDENCE_BINS / 2);
    return at <= 0 ? 0 : at >= EVIDENCE_BINS - 1 ? EVIDENCE_BINS - 1 : (uint32_t)at;
}

/* ---- growing lists */

static int reserve(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t larger = *capacity ? 2 * *capacity : 1024;
    void *moved = realloc(*array, larger * size);
    if (!moved)
        return -1;
    *array = moved;
    *capacity = larger;
    return 0;
}

static int add_same(evidence *e, comparison c)
{
    if (e->same_count >= MAX_SAME ||
        reserve((void **)&e->same, e->same_count, &e->same_capacity, sizeof c) != 0)
        return -1;
    e->same[e->same_count++] = c;
    return 0;
}

static int add_stranger(evidence *e, comparison c)
{
    if (reserve((void **)&e->strangers, e->strangers_kept, &e->strangers_capacity, sizeof c) != 0)
        return -1;
    e->strangers[e->strangers_kept++] = c;
    return 0;
}

static int add_crossing(evidence *e, float score)
{
    if (reserve((void **)&e->crossing, e->crossing_count, &e->crossing_capacity, sizeof score) != 0)
        return -1;
    e->crossing[e->crossing_count++] = score;
    return 0;
}

/* ---- the two walks: the first counts and keeps the same person's, the second keeps strangers' */

static int count_comparison(evidence *e, comparison c, int is_same)
{
    if (is_same)
        return add_same(e, c);
    e->stranger_bins[evidence_bin(c.score)]++;
    return 0;
}

static int keep_comparison(evidence *e, comparison c, int is_same, uint32_t keep_from)
{
    if (is_same)
        return 0;
    uint32_t bin = evidence_bin(c.score);
    if (bin == e->crossing_bin && add_crossing(e, c.score) != 0)
        return -1;
    return bin >= keep_from ? add_stranger(e, c) : 0;
}

/* By score, then by pictures: the order does not depend on the number of threads. */
static int compare_rising(const void *a, const void *b)
{
    const comparison *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->second > y->second) - (x->second < y->second);
}

static int compare_falling(const void *a, const void *b)
{
    return compare_rising(b, a);
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The highest bin at whose lower edge at least as large a share of the strangers lies above as of the same
 * person lies below. */
static uint32_t find_crossing(const evidence *e)
{
    uint64_t above = e->stranger_count, below = 0;
    double strangers = e->stranger_count ? (double)e->stranger_count : 1;
    double same = e->same_count ? (double)e->same_count : 1;
    for (uint32_t bin = 0; bin + 1 < EVIDENCE_BINS; bin++) {
        above -= e->stranger_bins[bin];
        below += e->same_bins[bin];
        if ((double)above / strangers < (double)below / same)
            return bin;
    }
    return EVIDENCE_BINS - 1;
}

/* After the first walk: what the second one has to keep. */
static uint32_t plan_second_walk(evidence *e)
{
    uint64_t above = 0, wanted;
    for (uint32_t bin = 0; bin < EVIDENCE_BINS; bin++)
        e->stranger_count += e->stranger_bins[bin];
    for (size_t i = 0; i < e->same_count; i++)
        e->same_bins[evidence_bin(e->same[i].score)]++;
    if (e->same_count)
        qsort(e->same, e->same_count, sizeof *e->same, compare_rising);
    e->crossing_bin = find_crossing(e);
    if (e->stranger_count <= KEEP_ALL)
        return 0;
    wanted = (uint64_t)(KEEP_SHARE * (double)e->stranger_count) + 2;
    for (uint32_t bin = EVIDENCE_BINS; bin-- > 0;)
        if ((above += e->stranger_bins[bin]) >= wanted)
            return bin;
    return 0;
}

static void sort_kept(evidence *e)
{
    if (e->strangers_kept)
        qsort(e->strangers, e->strangers_kept, sizeof *e->strangers, compare_falling);
    if (e->crossing_count)
        qsort(e->crossing, e->crossing_count, sizeof *e->crossing, compare_floats);
}

static int begin(evidence *e)
{
    memset(e, 0, sizeof *e);
    e->same_bins = calloc(EVIDENCE_BINS, sizeof *e->same_bins);
    e->stranger_bins = calloc(EVIDENCE_BINS, sizeof *e->stranger_bins);
    return e->same_bins && e->stranger_bins ? 0 : complain_memory("counting similarities");
}

void evidence_free(evidence *all)
{
    free(all->same);
    free(all->strangers);
    free(all->crossing);
    free(all->same_bins);
    free(all->stranger_bins);
    memset(all, 0, sizeof *all);
}

int evidence_of_list(evidence *all, const comparison *list, const int *is_same, size_t count)
{
    int result = begin(all);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = count_comparison(all, list[i], is_same[i]);
    uint32_t keep_from = result == 0 ? plan_second_walk(all) : 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = keep_comparison(all, list[i], is_same[i], keep_from);
    if (result != 0)
        return complain_memory("the comparisons");
    sort_kept(all);
    return 0;
}

/* ---- all pairs of vectors, tile by tile, on several threads */

typedef struct walk {
    const float *rows;
    size_t stride, count;
    const uint32_t *person;
    const ve__search_kernels *kernels;
    size_t tiles_across, tiles_down;
    evidence *parts; /* one a thread, so that none waits for another */
    int is_second;
    uint32_t keep_from;
    work_queue queue;
} walk;

static int visit(const walk *w, evidence *part, float score, size_t first, size_t second)
{
    comparison c = {score, (uint32_t)first, (uint32_t)second};
    int is_same = w->person[first] == w->person[second];
    return w->is_second ? keep_comparison(part, c, is_same, w->keep_from) : count_comparison(part, c, is_same);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Pairs first < second, `first` among the tile's queries, `second` among its rows. */
static int visit_tile(const walk *w, evidence *part, size_t tile, float *scores)
{
    size_t first = tile / w->tiles_across * TILE_QUERIES, second = tile % w->tiles_across * TILE_ROWS;
    size_t first_end = least(first + TILE_QUERIES, w->count), second_end = least(second + TILE_ROWS, w->count);
    if (second_end <= first + 1)
        return 0;
    w->kernels->dot_rows(w->rows + second * w->stride, w->stride, (unsigned)(second_end - second),
                         w->rows + first * w->stride, w->stride, (unsigned)(first_end - first),
                         (unsigned)w->stride, scores, TILE_ROWS);
    for (size_t i = first; i < first_end; i++)
        for (size_t j = second > i ? second : i + 1; j < second_end; j++)
            if (visit(w, part, scores[(i - first) * TILE_ROWS + (j - second)], i, j) != 0)
                return -1;
    return 0;
}

static void walk_some(void *data, unsigned thread, unsigned thread_count)
{
    walk *w = data;
    size_t tile, all = w->tiles_across * w->tiles_down;
    float *scores = malloc(TILE_QUERIES * TILE_ROWS * sizeof *scores);
    (void)thread_count;
    if (!scores)
        queue_fail(&w->queue);
    while (scores && (tile = queue_take(&w->queue)) < all)
        if (visit_tile(w, &w->parts[thread], tile, scores) != 0)
            queue_fail(&w->queue);
    free(scores);
}

static int walk_all(walk *w, ve__pool *pool, int is_second)
{
    w->is_second = is_second;
    queue_start(&w->queue, w->tiles_across * w->tiles_down,
                is_second ? "blocks of comparisons sorted" : "blocks of comparisons made");
    ve__pool_run(pool, walk_some, w);
    queue_end(&w->queue);
    return w->queue.has_failed ? complain_memory("the comparisons") : 0;
}

/* Moves one thread's findings into the whole. */
static int gather(evidence *all, evidence *part)
{
    for (size_t i = 0; i < part->same_count; i++)
        if (add_same(all, part->same[i]) != 0)
            return complain_memory("the comparisons of the same person");
    for (size_t i = 0; i < part->strangers_kept; i++)
        if (add_stranger(all, part->strangers[i]) != 0)
            return complain_memory("the comparisons of strangers");
    for (size_t i = 0; i < part->crossing_count; i++)
        if (add_crossing(all, part->crossing[i]) != 0)
            return complain_memory("the comparisons of strangers");
    part->same_count = part->strangers_kept = part->crossing_count = 0;
    return 0;
}

static int walk_twice(evidence *all, walk *w, ve__pool *pool)
{
    unsigned threads = ve__pool_threads(pool);
    if (walk_all(w, pool, 0) != 0)
        return -1;
    for (unsigned i = 0; i < threads; i++) {
        if (gather(all, &w->parts[i]) != 0)
            return -1;
        for (uint32_t bin = 0; bin < EVIDENCE_BINS; bin++)
            all->stranger_bins[bin] += w->parts[i].stranger_bins[bin];
    }
    w->keep_from = plan_second_walk(all);
    for (unsigned i = 0; i < threads; i++)
        w->parts[i].crossing_bin = all->crossing_bin;
    if (walk_all(w, pool, 1) != 0)
        return -1;
    for (unsigned i = 0; i < threads; i++)
        if (gather(all, &w->parts[i]) != 0)
            return -1;
    sort_kept(all);
    return 0;
}

static int begin_parts(walk *w, unsigned threads)
{
    w->parts = calloc(threads, sizeof *w->parts);
    if (!w->parts)
        return complain_memory("the threads");
    for (unsigned i = 0; i < threads; i++)
        if (begin(&w->parts[i]) != 0)
            return -1;
    return 0;
}

int evidence_of_vectors(evidence *all, const float *rows, size_t stride, size_t count, const uint32_t *person,
                        unsigned threads)
{
    const ve__kernels *kernels;
    ve__pool *pool = NULL;
    walk w = {.rows = rows, .stride = stride, .count = count, .person = person};
    if (begin(all) != 0)
        return -1;
    if (ve__kernels_select(&kernels) != VE_OK || ve__pool_create(threads, &pool) != VE_OK)
        return complain("%s", ve_last_error());
    w.kernels = &kernels->search;
    w.tiles_across = (count + TILE_ROWS - 1) / TILE_ROWS;
    w.tiles_down = (count + TILE_QUERIES - 1) / TILE_QUERIES;
    int result = begin_parts(&w, threads);
    if (result == 0)
        result = walk_twice(all, &w, pool);
    for (unsigned i = 0; w.parts && i < threads; i++)
        evidence_free(&w.parts[i]);
    free(w.parts);
    ve__pool_free(pool);
    all->is_all_pairs = 1;
    return result;
}
