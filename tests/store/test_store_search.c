/* SPDX-License-Identifier: MIT */
/* Search: equal to a plain reference in double, the same bits for one query and many, with codes and without,
 * for any number of threads and any instruction set; ties, k = 0, k above the count, empty stores. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "store/store.h"
#include "support/stores.h"

typedef enum data_kind {
    NORMAL,    /* independent directions */
    CLUSTERED, /* all within a hair's breadth of each other: codes cannot tell them apart */
    SPIKED,    /* one large value, many tiny ones: the coarsest codes */
    TIED,      /* few different vectors, each many times */
    TINY       /* near the smallest floats (inner product only) */
} data_kind;
#define DATA_KINDS 5

static void make_vector(chance *random, data_kind kind, float *vector, unsigned dim)
{
    unsigned pick = chance_below(random, 7);
    chance fixed = {12345};
    if (kind == TIED)
        fixed.state += pick * 1000003u;
    chance_vector(kind == TIED ? &fixed : random, vector, dim);
    if (kind == CLUSTERED)
        for (unsigned i = 0; i < dim; i++)
            vector[i] = 1 + vector[i] * 1e-6f;
    if (kind == SPIKED)
        for (unsigned i = 0; i < dim; i++)
            vector[i] = i == pick % dim ? 100 + vector[i] * 1e-3f : vector[i] * 0.2f;
    if (kind == TINY)
        for (unsigned i = 0; i < dim; i++)
            vector[i] *= 1e-18f;
}

static void open_store(const char *path, unsigned dim, ve_metric metric, uint32_t flags, unsigned threads,
                       ve_store **store)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    options.flags = flags;
    options.dim = dim;
    options.metric = metric;
    options.threads = threads;
    assert_int_equal(ve_store_open(path, &options, store), VE_OK);
}

static void fill(ve_store *store, data_kind kind, size_t count, unsigned dim, uint64_t seed)
{
    chance random = {seed};
    float *vectors = malloc(count * dim * sizeof *vectors);
    ve_store_entry *entries = calloc(count, sizeof *entries);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < count; i++) {
        make_vector(&random, kind, vectors + i * dim, dim);
        entries[i] = (ve_store_entry){.vector = vectors + i * dim, .dim = dim, .label = names[i % 3]};
    }
    assert_int_equal(ve_store_add_many(store, entries, count, NULL), VE_OK);
    free(vectors);
    free(entries);
}

/* ---- the reference */

typedef struct scored {
    uint64_t id;
    double score;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score ? 1 : x->id < y->id ? -1 : x->id > y->id;
}

static size_t reference(ve_store *store, const float *query, unsigned dim, int is_cosine, const char *label,
                        scored *out)
{
    ve_store_record record = {.id = 0};
    float vector[512];
    size_t count = 0;
    double squares = 0;
    for (unsigned i = 0; i < dim; i++)
        squares += (double)query[i] * query[i];
    while (ve_store_next(store, record.id, &record, vector) == VE_OK) {
        double sum = 0;
        for (unsigned i = 0; i < dim; i++)
            sum += (double)query[i] * vector[i];
        if (!label || strcmp(label, record.label) == 0)
            out[count++] = (scored){record.id, is_cosine ? sum / sqrt(squares) : sum};
    }
    qsort(out, count, sizeof *out, by_score);
    return count;
}

/* Scores agree to rounding; ids in the same order, except where scores are nearer than rounding. */
static void check_against(const ve_match *matches, size_t found, const scored *truth, size_t k,
                          double tolerance)
{
    assert_int_equal(found, k);
    for (size_t i = 0; i < found; i++) {
        assert_true(fabs(matches[i].score - truth[i].score) <= tolerance);
        if (i > 0)
            assert_true(matches[i - 1].score > matches[i].score ||
                        (matches[i - 1].score == matches[i].score && matches[i - 1].id < matches[i].id));
    }
}

static void finds_what_the_reference_finds(void **state)
{
    (void)state;
    static const unsigned dims[] = {1, 15, 16, 17, 128, 320};
    char folder[64];
    strcpy(folder, make_folder());
    for (unsigned d = 0; d < sizeof dims / sizeof *dims; d++)
        for (int metric = VE_METRIC_COSINE; metric <= VE_METRIC_INNER_PRODUCT; metric++) {
            enum { COUNT = 700, K = 25 };
            ve_store *store = NULL;
            ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
            float query[512];
            ve_match matches[K];
            scored truth[COUNT];
            size_t found;
            chance random = {7 + d};
            remove(path_in(folder, "s.ves"));
            open_store(path_in(folder, "s.ves"), dims[d], (ve_metric)metric, VE_STORE_NEW, 1, &store);
            fill(store, NORMAL, COUNT, dims[d], 3);
            for (uint64_t id = 10; id < 60; id++)
                assert_int_equal(ve_store_remove(store, id), VE_OK);
            options.k = K;
            for (int q = 0; q < 10; q++) {
                options.label = q % 2 ? "b" : NULL;
                chance_vector(&random, query, dims[d]);
                reference(store, query, dims[d], metric == VE_METRIC_COSINE, options.label, truth);
                assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
                check_against(matches, found, truth, K, 2e-6 * dims[d]);
            }
            ve_store_close(store);
        }
    remove_folder(folder);
}

/* ---- the same, to the bit, in every way of asking */

static void search_all_ways(ve_store *store, const float *queries, unsigned count, unsigned dim, uint32_t k,
                            const ve_match *wanted, const size_t *wanted_found)
{
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_match *matches = malloc((size_t)count * k * sizeof *matches);
    size_t found[80];
    options.k = k;
    for (unsigned together = 1; together <= count; together += 1 + together / 3)
        for (unsigned q = 0; q + together <= count; q += together) {
            memset(matches, 0, (size_t)count * k * sizeof *matches);
            options.flags = q % 2 ? VE_SEARCH_NO_CODES : 0;
            assert_int_equal(ve_store_search(store, queries + q * dim, together, &options, matches, found),
                             VE_OK);
            for (unsigned i = 0; i < together; i++) {
                assert_int_equal(found[i], wanted_found[q + i]);
                assert_memory_equal(matches + i * k, wanted + (q + i) * k, found[i] * sizeof *matches);
            }
        }
    free(matches);
}

static void gives_the_same_bits_in_every_way(void **state)
{
    (void)state;
    enum { QUERIES = 70, K = 13 };
    static const unsigned dims[] = {3, 128, 200};
    char folder[64];
    strcpy(folder, make_folder());
    for (unsigned d = 0; d < sizeof dims / sizeof *dims; d++)
        for (int kind = 0; kind < DATA_KINDS; kind++) {
            unsigned dim = dims[d];
            ve_metric metric = kind == TINY || d == 1 ? VE_METRIC_INNER_PRODUCT : VE_METRIC_COSINE;
            ve_store *store = NULL;
            ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
            float *queries = malloc(QUERIES * dim * sizeof *queries);
            ve_match *matches = calloc(QUERIES * K, sizeof *matches);
            size_t found[QUERIES];
            chance random = {5};
            const char *path = path_in(folder, "same.ves");
            remove(path);
            for (unsigned q = 0; q < QUERIES; q++)
                make_vector(&random, (data_kind)kind, queries + q * dim, dim);
            open_store(path, dim, metric, VE_STORE_NEW, 1, &store);
            fill(store, (data_kind)kind, 3000, dim, 21 + (unsigned)kind);
            for (uint64_t id = 100; id < 200; id++)
                assert_int_equal(ve_store_remove(store, id), VE_OK);
            options.k = K;
            for (unsigned q = 0; q < QUERIES; q++)
                assert_int_equal(
                    ve_store_search(store, queries + q * dim, 1, &options, matches + q * K, &found[q]), VE_OK);
            ve_store_close(store);
            for (unsigned threads = 1; threads <= 3; threads++) {
                open_store(path, dim, 0, VE_STORE_CODES | VE_STORE_READ_ONLY, threads, &store);
                search_all_ways(store, queries, QUERIES, dim, K, matches, found);
                ve_store_close(store);
            }
            free(queries);
            free(matches);
        }
    remove_folder(folder);
}

/* A random store with codes, thousands of queries, all k: the codes never lose one. */
static void codes_lose_nothing(void **state)
{
    (void)state;
    char folder[64];
    chance random = {2024};
    strcpy(folder, make_folder());
    for (int round = 0; round < 60; round++) {
        unsigned dim = 1 + chance_below(&random, 140);
        data_kind kind = (data_kind)chance_below(&random, DATA_KINDS);
        ve_metric metric = kind == TINY || round % 3 == 0 ? VE_METRIC_INNER_PRODUCT : VE_METRIC_COSINE;
        ve_store *store = NULL;
        const char *path = path_in(folder, "codes.ves");
        remove(path);
        open_store(path, dim, metric, VE_STORE_NEW | VE_STORE_CODES, 1, &store);
        fill(store, kind, 200 + chance_below(&random, 1500), dim, chance_bits(&random) | 1);
        for (int q = 0; q < 20; q++) {
            ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
            static ve_match with[600], without[600];
            size_t found_with, found_without;
            float query[160];
            make_vector(&random, (data_kind)chance_below(&random, DATA_KINDS), query, dim);
            options.k = 1 + chance_below(&random, q % 5 == 0 ? 600 : 20);
            options.flags = q % 4 == 0 ? VE_SEARCH_MIN_SCORE : 0;
            options.min_score = 0.3f;
            assert_int_equal(ve_store_search(store, query, 1, &options, with, &found_with), VE_OK);
            options.flags |= VE_SEARCH_NO_CODES;
            assert_int_equal(ve_store_search(store, query, 1, &options, without, &found_without), VE_OK);
            assert_int_equal(found_with, found_without);
            assert_memory_equal(with, without, found_with * sizeof *with);
        }
        ve_store_close(store);
    }
    remove_folder(folder);
}

static void defines_the_edges(void **state)
{
    (void)state;
    char folder[64];
    ve_store *store = NULL;
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    float query[8] = {1, 0, 0, 0, 0, 0, 0, 0}, zero[8] = {0}, bad[8] = {NAN};
    ve_match matches[10];
    size_t found = 99;
    strcpy(folder, make_folder());
    open_store(path_in(folder, "edge.ves"), 8, VE_METRIC_COSINE, VE_STORE_NEW, 1, &store);
    options.k = 10;
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
    assert_int_equal(found, 0);
    fill(store, TIED, 5, 8, 1);
    ve_store_entry same = {.vector = query, .dim = 8, .label = "same"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(ve_store_add(store, &same, NULL), VE_OK);
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
    assert_int_equal(found, 9);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(matches[i].id, 6 + i); /* equal scores: by id */
        assert_true(matches[i].score == 1.0f);
    }
    assert_int_equal(ve_store_replace(store, 6, &same), VE_OK); /* still the first, though it lies last */
    options.k = 2;
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
    assert_true(found == 2 && matches[0].id == 6 && matches[1].id == 7);
    options.k = 0;
    assert_int_equal(ve_store_search(store, query, 1, &options, NULL, &found), VE_OK);
    assert_int_equal(found, 0);
    options.k = 10;
    options.flags = VE_SEARCH_MIN_SCORE;
    options.min_score = 1.0f;
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
    assert_int_equal(found, 4);
    options.min_score = NAN;
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_ERR_ARGUMENT);
    options.flags = 0;
    options.label = "nobody";
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_OK);
    assert_int_equal(found, 0);
    options.label = NULL;
    found = 77;
    assert_int_equal(ve_store_search(store, zero, 1, &options, matches, &found), VE_ERR_ARGUMENT);
    assert_int_equal(ve_store_search(store, bad, 1, &options, matches, &found), VE_ERR_ARGUMENT);
    assert_int_equal(found, 77);
    assert_int_equal(ve_store_search(store, query, 1, NULL, matches, &found), VE_OK);
    assert_true(found == 1 && matches[0].id == 6);
    options.k = VE_STORE_MAX_RESULTS + 1;
    assert_int_equal(ve_store_search(store, query, 1, &options, matches, &found), VE_ERR_TOO_LARGE);
    ve_store_close(store);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_the_reference_finds),
        cmocka_unit_test(gives_the_same_bits_in_every_way),
        cmocka_unit_test(codes_lose_nothing),
        cmocka_unit_test(defines_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
