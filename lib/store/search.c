/* SPDX-License-Identifier: MIT */
/*
 * Exact search. Rows are walked block by block: each block is multiplied with all queries while it is in the
 * cache, and the scores that are good enough go into one heap per query. Threads take contiguous parts of the
 * rows, each with heaps of its own, which are merged; since a heap's order is total (score, then id), the
 * result does not depend on how the rows were dealt out.
 *
 * With codes, one query reads a quarter of the bytes. For each row v = s c + e (codes.h) and a query q = t d +
 * f, with the integer product p = c . d:
 *
 *     |v . q - s t p| = |s c . f + e . q| <= (|v| + |e|) |f| + |e| |q|
 *
 * plus what float arithmetic may lose. So each row's score has a lower and an upper bound. The k-th best lower
 * bound is a threshold that at least k rows reach; rows whose upper bound is below it cannot be among the best
 * k. Only the others, the candidates, are multiplied in full: the result equals the plain scan's, bit for bit.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/codes.h"
#include "store/store.h"
#include "store/topk.h"

#define GROUP_QUERIES 64u            /* that are worked on at a time */
#define BLOCK_ROWS    1024u          /* at most */
#define BLOCK_BYTES   (256u * 1024u) /* of rows, for several queries: half of a common second-level cache */
/* More candidates than one row in so many: the codes do not separate the rows, and the plain scan is faster. */
#define CANDIDATE_SHARE 8u

typedef struct candidate {
    uint32_t row;
    float upper;
} candidate;

/* What one thread needs. */
typedef struct worker {
    ve__topk *tops; /* one per query of the group */
    ve_match *matches;
    float *scores; /* [GROUP_QUERIES][BLOCK_ROWS] */
    int32_t *sums; /* [BLOCK_ROWS] */
    candidate *candidates;
    size_t candidate_count, candidate_capacity;
    int has_overflown;
} worker;

typedef struct search {
    const ve_store *store;
    const ve__table *table;
    const ve__search_kernels *kernels;
    const float *queries; /* padded, of this group */
    unsigned query_count, length, dim;
    size_t stride; /* floats in a padded query or row */
    float min_score;
    size_t k;
    worker *workers;
    unsigned worker_count;
    ve__query_codes codes;
    float slack; /* part of a score's error bound that is the same for all rows */
} search;

/* ---- rows that lie together */

typedef void block_function(const search *s, worker *w, const ve__chunk *chunk, uint32_t first, unsigned count);

/* Calls `function` for the blocks of rows [first, end). */
static void for_blocks(const search *s, worker *w, uint32_t first, uint32_t end, unsigned block_rows,
                       block_function *function)
{
    while (first < end) {
        const ve__chunk *chunk = ve__table_chunk(s->table, first);
        uint32_t left = chunk->first + chunk->capacity - first;
        uint32_t count = end - first < left ? end - first : left;
        count = count < block_rows ? count : block_rows;
        function(s, w, chunk, first, count);
        first += count;
    }
}

static void push_scores(ve__topk *top, const ve__chunk *chunk, uint32_t first, unsigned count,
                        const float *scores)
{
    const ve__row *rows = chunk->rows + (first - chunk->first);
    for (unsigned r = 0; r < count; r++)
        if (scores[r] >= top->limit && rows[r].id != 0)
            ve__topk_push(top, rows[r].id, scores[r]);
}

static void scan_block(const search *s, worker *w, const ve__chunk *chunk, uint32_t first, unsigned count)
{
    s->kernels->dot_rows(ve__chunk_vector(s->table, chunk, first), s->stride, count, s->queries, s->stride,
                         s->query_count, s->length, w->scores, BLOCK_ROWS);
    for (unsigned q = 0; q < s->query_count; q++)
        push_scores(&w->tops[q], chunk, first, count, w->scores + (size_t)q * BLOCK_ROWS);
}

static unsigned block_rows(const search *s)
{
    size_t rows = BLOCK_BYTES / (s->stride * sizeof(float)) / 16 * 16;
    if (s->query_count == 1 || rows > BLOCK_ROWS)
        return BLOCK_ROWS;
    return rows < 16 ? 16 : (unsigned)rows;
}

static void share_rows(const search *s, unsigned thread, uint32_t *first, uint32_t *end)
{
    ve__share(s->table->row_count, thread, s->worker_count, first, end);
}

static void scan(void *data, unsigned thread, unsigned thread_count)
{
    const search *s = data;
    uint32_t first, end;
    (void)thread_count;
    share_rows(s, thread, &first, &end);
    for_blocks(s, &s->workers[thread], first, end, block_rows(s), scan_block);
}

/* ---- codes */

static void remember(worker *w, uint32_t row, float upper, float limit)
{
    if (w->candidate_count == w->candidate_capacity) { /* the threshold has risen: many may be out by now */
        size_t kept = 0;
        for (size_t i = 0; i < w->candidate_count; i++)
            if (w->candidates[i].upper >= limit)
                w->candidates[kept++] = w->candidates[i];
        w->candidate_count = kept;
        w->has_overflown = kept > w->candidate_capacity / 2;
    }
    if (!w->has_overflown)
        w->candidates[w->candidate_count++] = (candidate){row, upper};
}

static void scan_codes_block(const search *s, worker *w, const ve__chunk *chunk, uint32_t first, unsigned count)
{
    uint32_t within = first - chunk->first;
    const float *scales = chunk->scales + within, *errors = chunk->errors + within;
    ve__topk *lowest = &w->tops[0];
    if (w->has_overflown)
        return;
    s->kernels->dot_codes((const int8_t *)chunk->codes.bytes + (size_t)within * s->table->codes_bytes,
                          s->table->codes_bytes, count, s->codes.codes, s->table->codes_bytes, w->sums);
    for (unsigned r = 0; r < count; r++) {
        float score = scales[r] * (s->codes.scale * (float)w->sums[r]);
        float error = errors[r] * s->codes.norm + s->slack;
        if (!(score + error >= lowest->limit) || w->has_overflown)
            continue;
        remember(w, first + r, score + error, lowest->limit);
        if (score - error >= lowest->limit)
            ve__topk_push(lowest, first + r, score - error);
    }
}

static void scan_codes(void *data, unsigned thread, unsigned thread_count)
{
    const search *s = data;
    uint32_t first, end;
    (void)thread_count;
    share_rows(s, thread, &first, &end);
    for_blocks(s, &s->workers[thread], first, end, BLOCK_ROWS, scan_codes_block);
}

/* Multiplies the candidates in full. */
static void rank_candidates(const search *s, worker *w, float threshold, ve__topk *top)
{
    for (size_t i = 0; i < w->candidate_count; i++) {
        float score;
        const ve__row *row = ve__table_row(s->table, w->candidates[i].row);
        if (!(w->candidates[i].upper >= threshold))
            continue;
        s->kernels->dot_rows(ve__table_vector(s->table, w->candidates[i].row), s->stride, 1, s->queries,
                             s->stride, 1, s->length, &score, 1);
        if (score >= top->limit && row->id != 0)
            ve__topk_push(top, row->id, score);
    }
}

static void run(const search *s, ve__pool_function *function)
{
    if (s->worker_count > 1)
        ve__pool_run(s->store->pool, function, (void *)s);
    else
        function((void *)s, 0, 1);
}

/* What is lost apart from quantisation: the query's rounding times the longest row, and float arithmetic, here
 * and in the full product (each of `length` steps rounds by 2^-24 of at most |v| |q|), with room to spare. */
static float find_slack(const search *s)
{
    double longest = (double)s->table->largest_norm, per_step = 1.2e-7;
    double rounding = (s->length + 16) * per_step * longest * s->codes.norm;
    return (float)((longest * 1.01 * s->codes.error + rounding) * 1.001) + 1e-37f;
}

/* One query through the codes. False when there were too many candidates; then nothing has been found. */
static int search_codes(search *s, ve__topk *top)
{
    int has_overflown = 0;
    ve__codes_make_query(s->queries, s->dim, &s->codes);
    s->slack = find_slack(s);
    run(s, scan_codes);
    float threshold = top->limit;
    for (unsigned i = 0; i < s->worker_count; i++) {
        has_overflown |= s->workers[i].has_overflown;
        if (s->workers[i].tops[0].limit > threshold)
            threshold = s->workers[i].tops[0].limit;
    }
    for (unsigned i = 0; i < s->worker_count && !has_overflown; i++)
        rank_candidates(s, &s->workers[i], threshold, top);
    return !has_overflown;
}

/* ---- one group of queries */

static void start_workers(search *s)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        worker *w = &s->workers[i];
        w->candidate_count = 0;
        w->has_overflown = 0;
        for (unsigned q = 0; q < s->query_count; q++)
            ve__topk_start(&w->tops[q], w->matches + q * s->k, s->k, s->min_score);
    }
}

/* All that the workers found, best first, into the caller's arrays. */
static void collect(search *s, size_t k, ve_match *matches, size_t *found)
{
    for (unsigned q = 0; q < s->query_count; q++) {
        ve__topk *top = &s->workers[0].tops[q];
        for (unsigned i = 1; i < s->worker_count; i++) {
            const ve__topk *other = &s->workers[i].tops[q];
            for (size_t j = 0; j < other->count; j++)
                if (other->matches[j].score >= top->limit)
                    ve__topk_push(top, other->matches[j].id, other->matches[j].score);
        }
        ve__topk_finish(top);
        memcpy(matches + q * k, top->matches, top->count * sizeof *matches);
        found[q] = top->count;
    }
}

static void search_label(search *s, uint32_t label)
{
    worker *w = &s->workers[0];
    uint32_t row = s->table->labels.entries[label].first_row;
    for (; row != VE__NO_ROW; row = ve__table_row(s->table, row)->next)
        scan_block(s, w, ve__table_chunk(s->table, row), row, 1);
}

/* The bounds' heap and the result's heap are two; the second one is lent by the query slot behind. */
static int search_one_by_codes(search *s, size_t k, ve_match *matches, size_t *found)
{
    ve__topk top;
    ve__topk_start(&top, matches, s->k, s->min_score);
    (void)k;
    if (!search_codes(s, &top))
        return 0;
    ve__topk_finish(&top);
    *found = top.count;
    return 1;
}

static void search_group(search *s, int with_codes, uint32_t label, size_t k, ve_match *matches, size_t *found)
{
    start_workers(s);
    if (label != VE__NO_LABEL)
        search_label(s, label);
    else if (with_codes && s->query_count == 1 && search_one_by_codes(s, k, matches, found))
        return;
    else {
        start_workers(s);
        run(s, scan);
    }
    collect(s, k, matches, found);
}

/* ---- memory */

static void free_workers(search *s)
{
    for (unsigned i = 0; s->workers && i < s->worker_count; i++) {
        ve__release(s->workers[i].tops);
        ve__release(s->workers[i].matches);
        ve__release(s->workers[i].scores);
        ve__release(s->workers[i].sums);
        ve__release(s->workers[i].candidates);
    }
    ve__release(s->workers);
    ve__release(s->codes.codes);
}

static int make_worker(const search *s, worker *w, unsigned queries, int with_codes)
{
    size_t matches;
    if (!ve__multiply(queries * sizeof(ve_match), s->k, &matches))
        return 0;
    w->tops = ve__allocate(queries * sizeof *w->tops);
    w->matches = ve__allocate(matches);
    w->scores = ve__allocate(queries * BLOCK_ROWS * sizeof *w->scores);
    if (!with_codes)
        return w->tops && w->matches && w->scores;
    w->candidate_capacity = s->table->row_count / s->worker_count / CANDIDATE_SHARE + 2 * s->k + 64;
    w->sums = ve__allocate(BLOCK_ROWS * sizeof *w->sums);
    w->candidates = ve__allocate(w->candidate_capacity * sizeof *w->candidates);
    return w->tops && w->matches && w->scores && w->sums && w->candidates;
}

static ve_status make_workers(search *s, unsigned queries, int with_codes)
{
    int has_all = 1;
    s->workers = ve__allocate_zeroed(s->worker_count * sizeof *s->workers);
    if (with_codes)
        s->codes.codes = ve__allocate(s->table->codes_bytes * sizeof *s->codes.codes);
    for (unsigned i = 0; s->workers && i < s->worker_count; i++)
        has_all = has_all && make_worker(s, &s->workers[i], queries, with_codes);
    if (!s->workers || !has_all || (with_codes && !s->codes.codes))
        return ve__fail(VE_ERR_MEMORY, "no memory to search with %u queries for %zu matches each", queries,
                        s->k);
    return VE_OK;
}

/* ---- the search */

/* Queries as rows are kept: padded, and of unit length where the metric says so. */
static ve_status copy_query(const ve__store_header *header, const float *from, size_t number, float *to,
                            size_t stride)
{
    double squares = ve__store_squares(from, header->dim), factor = 1;
    if (!isfinite(squares))
        return ve__fail(VE_ERR_ARGUMENT, "query %zu holds a value that is infinite or not a number", number);
    if (header->metric == VE_METRIC_COSINE && !(squares > 0))
        return ve__fail(VE_ERR_ARGUMENT, "query %zu is zero", number);
    if (header->metric == VE_METRIC_COSINE)
        factor = 1 / sqrt(squares);
    for (unsigned i = 0; i < header->dim; i++)
        to[i] = (float)(from[i] * factor);
    memset(to + header->dim, 0, (stride - header->dim) * sizeof *to);
    return VE_OK;
}

static ve_status search_all(search *s, const float *queries, size_t query_count, int with_codes, uint32_t label,
                            size_t k, ve_match *matches, size_t *found)
{
    unsigned group = query_count < GROUP_QUERIES ? (unsigned)query_count : GROUP_QUERIES;
    float *padded = ve__allocate(group * s->stride * sizeof *padded);
    ve_status status = padded ? make_workers(s, group, with_codes)
                              : ve__fail(VE_ERR_MEMORY, "no memory for %zu queries", query_count);
    for (size_t q = 0; q < query_count && status == VE_OK; q += group) {
        s->queries = padded;
        s->query_count = query_count - q < group ? (unsigned)(query_count - q) : group;
        for (unsigned i = 0; i < s->query_count && status == VE_OK; i++)
            status = copy_query(&s->table->header, queries + (q + i) * s->dim, q + i, padded + i * s->stride,
                                s->stride);
        if (status == VE_OK)
            search_group(s, with_codes, label, k, matches + q * k, found + q);
    }
    ve__wipe(padded, padded ? group * s->stride * sizeof *padded : 0);
    ve__release(padded);
    free_workers(s);
    return status;
}

/* All queries are looked at before anything is stored: after a failure the caller's arrays are as they were. */
static ve_status check_queries(const ve__table *table, const float *queries, size_t query_count)
{
    float *scratch = ve__allocate(table->payload_bytes);
    ve_status status = scratch ? VE_OK : ve__fail(VE_ERR_MEMORY, "no memory for a query");
    for (size_t q = 0; q < query_count && status == VE_OK; q++)
        status = copy_query(&table->header, queries + q * table->header.dim, q, scratch,
                            table->payload_bytes / sizeof *scratch);
    ve__wipe(scratch, scratch ? table->payload_bytes : 0);
    ve__release(scratch);
    return status;
}

/* Inside the gate. has_pool: this thread may use the store's pool. */
static ve_status search_table(const ve_store *store, int has_pool, const float *queries, size_t query_count,
                              const ve_store_search_options *options, ve_match *matches, size_t *found)
{
    const ve__table *table = store->table;
    uint32_t label = VE__NO_LABEL;
    uint64_t most = table->live_count;
    VE_TRY(check_queries(table, queries, query_count));
    if (options->label) {
        label = ve__labels_find(&table->labels, options->label, strlen(options->label));
        most = label == VE__NO_LABEL ? 0 : table->labels.entries[label].count;
    }
    search s = {.store = store,
                .table = table,
                .kernels = &store->kernels->search,
                .dim = table->header.dim,
                .length = (unsigned)ve__round_up(table->header.dim, VE__SEARCH_LANES),
                .stride = table->payload_bytes / sizeof(float),
                .min_score = options->flags & VE_SEARCH_MIN_SCORE ? options->min_score : -INFINITY,
                .k = most < options->k ? (size_t)most : options->k,
                .worker_count = has_pool && label == VE__NO_LABEL ? ve__pool_threads(store->pool) : 1};
    if (s.k == 0) {
        memset(found, 0, query_count * sizeof *found);
        return VE_OK;
    }
    int with_codes = table->codes_bytes && query_count == 1 && !(options->flags & VE_SEARCH_NO_CODES);
    return search_all(&s, queries, query_count, with_codes, label, options->k, matches, found);
}

ve_status ve__store_search(ve_store *store, const float *queries, size_t query_count,
                           const ve_store_search_options *options, ve_match *matches, size_t *found)
{
    /* Two searches at a time: the second one goes without the pool rather than wait. */
    int has_pool = store->pool && ve__store_is_ours(store) && pthread_mutex_trylock(&store->pool_lock) == 0;
    ve__gate_read(&store->gate);
    ve_status status = ve__store_check_model(store, options->fingerprint);
    if (status == VE_OK)
        status = search_table(store, has_pool, queries, query_count, options, matches, found);
    ve__gate_leave(&store->gate);
    if (has_pool)
        pthread_mutex_unlock(&store->pool_lock);
    return status;
}
