/* SPDX-License-Identifier: MIT */
/* For tests/integration/postgres.sh: makes a store, writes SQL queries for pgvector's cosine distance, and
 * prints what they must give: query|id|label|metadata in hex, the ten best of each query. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "visembed.h"

#define DIM     128u
#define COUNT   3000
#define QUERIES 20
#define K       10

static uint64_t state = 42;

static float random_float(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (float)(state >> 40) / (float)(1 << 24) - 0.5f;
}

static int stop(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, ve_last_error());
    return 1;
}

static int fill(ve_store *store)
{
    float vector[DIM];
    char label[64], metadata[32];
    for (int i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j < DIM; j++)
            vector[j] = random_float();
        snprintf(label, sizeof label, "%d \\N \"%c' \xc3\xa4", i, 'a' + i % 26);
        memset(metadata, i, sizeof metadata);
        ve_store_entry entry = {.vector = vector,
                                .dim = DIM,
                                .label = label,
                                .metadata = metadata,
                                .metadata_size = (size_t)(i % 32)};
        if (ve_store_add(store, &entry, NULL) != VE_OK)
            return stop("add");
    }
    return 0;
}

static void write_query(FILE *sql, int number, const float *query)
{
    fprintf(sql, "SELECT %d, id, label, encode(metadata, 'hex') FROM people ORDER BY embedding <=> '[", number);
    for (unsigned i = 0; i < DIM; i++)
        fprintf(sql, "%s%.9g", i ? "," : "", (double)query[i]);
    fprintf(sql, "]', id LIMIT %d;\n", K);
}

static void print_match(ve_store *store, int number, uint64_t id)
{
    ve_store_record record;
    unsigned char metadata[32];
    size_t size = 0;
    ve_store_get(store, id, &record, NULL);
    ve_store_get_metadata(store, id, metadata, sizeof metadata, &size);
    printf("%d|%llu|%s|", number, (unsigned long long)id, record.label);
    for (size_t i = 0; i < size; i++)
        printf("%02x", metadata[i]);
    putchar('\n');
}

int main(int argc, char **argv)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_search_options search = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_store *store = NULL;
    FILE *sql = argc == 3 ? fopen(argv[2], "w") : NULL;
    options.flags = VE_STORE_NEW;
    options.dim = DIM;
    search.k = K;
    if (!sql || ve_store_open(argv[1], &options, &store) != VE_OK || fill(store) != 0)
        return stop("make_truth");
    for (int number = 0; number < QUERIES; number++) {
        float query[DIM];
        ve_match matches[K];
        size_t found;
        for (unsigned i = 0; i < DIM; i++)
            query[i] = random_float();
        if (ve_store_search(store, query, 1, &search, matches, &found) != VE_OK)
            return stop("search");
        write_query(sql, number, query);
        for (size_t i = 0; i < found; i++)
            print_match(store, number, matches[i].id);
    }
    ve_store_close(store);
    return fclose(sql) != 0;
}
