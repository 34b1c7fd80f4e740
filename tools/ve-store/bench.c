/* SPDX-License-Identifier: MIT */
/* ve-store bench: how long searches in this store take on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"

#define ROUNDS 15

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median time of one search, seconds; negative after a failure. */
static double time_search(ve_store *store, const float *queries, size_t count, ve_store_search_options *options,
                          ve_match *matches, size_t *found)
{
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        if (ve_store_search(store, queries, count, options, matches, found) != VE_OK)
            return -1;
        times[i] = now() - start;
    }
    qsort(times, ROUNDS, sizeof *times, by_size);
    return times[ROUNDS / 2];
}

static int run(ve_store *store, const ve_store_info *info, const store_options *options, float *queries,
               ve_match *matches)
{
    static const size_t counts[] = {1, 1, 4, 16, 64};
    size_t found[64];
    double bytes = (double)info->count * info->dim * sizeof(float);
    for (size_t i = 0; i < 64u * info->dim; i++)
        queries[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    printf("%-28s %10s %12s\n", "search", "ms", "GB/s, GFLOP/s");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ve_store_search_options search = VE_STORE_SEARCH_OPTIONS_INIT;
        search.k = options->k;
        search.flags = i == 0 ? VE_SEARCH_NO_CODES : 0;
        double seconds = time_search(store, queries, counts[i], &search, matches, found);
        if (seconds < 0)
            return complain("search", VE_ERR_STATE);
        printf("%2zu %-25s %10.3f %6.2f %6.1f\n", counts[i],
               i == 0   ? "query"
               : i == 1 ? "query, by codes"
                        : "queries",
               seconds * 1e3, bytes / seconds * 1e-9, bytes / 2 * (double)counts[i] / seconds * 1e-9);
    }
    return EXIT_YES;
}

int command_bench(const store_options *options)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    double start = now();
    ve_store *store = open_store(options, VE_STORE_READ_ONLY | VE_STORE_CODES);
    if (!store)
        return EXIT_TROUBLE;
    double seconds = now() - start;
    ve_status status = ve_store_get_info(store, &info);
    float *queries = malloc(64u * info.dim * sizeof *queries);
    ve_match *matches = malloc(64u * options->k * sizeof *matches);
    int result = EXIT_TROUBLE;
    if (status != VE_OK || !queries || !matches) {
        complain("bench", status != VE_OK ? status : VE_ERR_MEMORY);
    } else {
        printf("%llu vectors of %u dimensions, kernels %s, %u threads, best %u, open %.1f ms\n",
               (unsigned long long)info.count, info.dim, info.kernels, options->threads, options->k,
               seconds * 1e3);
        result = run(store, &info, options, queries, matches);
    }
    free(queries);
    free(matches);
    ve_store_close(store);
    return result;
}
