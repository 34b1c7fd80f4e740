/* SPDX-License-Identifier: MIT */
/* The store's side of bench-store: a process that keeps one store open and runs what the driver asks for, one
 * line a time, answering with seconds (and results), so that the driver can take turns with other programs'
 * workers.
 *
 *     make STORE COUNT DIM      makes a store of random vectors
 *     open STORE                how long opening takes, without and with codes kept
 *     file STORE                how long reading the file into memory takes
 *     read STREAMS              reading the vectors' memory once
 *     peak                      GFLOP/s
 *     search QUERIES K FLAGS    seconds, then the first query's ids
 *     queries FILE              writes the 64 queries as float32, unit length
 *     dump FILE                 writes the vectors as float32
 *     add COUNT BATCH FOLDER    COUNT pairs: seconds per vector of adding, and of a bare write and sync of as
 * many bytes
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "store/store.h"

#define QUERIES 64u

static ve_store *store;
static uint32_t dim;
static float *queries;

static uint64_t random_state = 88172645463325252ull;

static float random_float(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (float)(random_state >> 40) / (float)(1 << 24) - 0.5f;
}

static void stop(const char *what)
{
    fprintf(stderr, "bench-store worker: %s: %s\n", what, ve_last_error());
    exit(1);
}

/* Adds random vectors; the seconds that the store itself took. */
static double add_batch(ve_store *to, float *vectors, size_t count)
{
    ve_store_entry *entries = calloc(count, sizeof *entries);
    for (size_t i = 0; i < count * dim; i++)
        vectors[i] = random_float();
    for (size_t i = 0; i < count; i++)
        entries[i] = (ve_store_entry){.vector = vectors + i * dim, .dim = dim};
    double start = seconds_now();
    if (ve_store_add_many(to, entries, count, NULL) != VE_OK)
        stop("add");
    double seconds = seconds_now() - start;
    free(entries);
    return seconds;
}

static ve_store *open_store(const char *path, uint32_t flags)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *opened = NULL;
    options.flags = flags;
    options.dim = dim;
    if (ve_store_open(path, &options, &opened) != VE_OK)
        stop("open");
    return opened;
}

static void command_make(const char *path, size_t count, unsigned new_dim)
{
    dim = new_dim;
    float *vectors = malloc(10000u * dim * sizeof *vectors);
    ve_store *made = open_store(path, VE_STORE_NEW);
    for (size_t done = 0; done < count; done += 10000)
        add_batch(made, vectors, count - done < 10000 ? count - done : 10000);
    ve_store_close(made);
    free(vectors);
    puts("0");
}

/* The driver calls it in turns with `file`. The last one stays open for searches. */
static void command_open(const char *path)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store_close(store);
    dim = 0;
    double start = seconds_now();
    store = open_store(path, VE_STORE_READ_ONLY);
    double plain = seconds_now() - start;
    ve_store_close(store);
    start = seconds_now();
    store = open_store(path, VE_STORE_READ_ONLY | VE_STORE_CODES);
    printf("%.6f %.6f\n", plain, seconds_now() - start);
    ve_store_get_info(store, &info);
    dim = info.dim;
    free(queries);
    queries = malloc(QUERIES * dim * sizeof *queries);
    for (size_t i = 0; i < QUERIES * dim; i++)
        queries[i] = random_float();
    for (size_t i = 0; i < QUERIES; i++)
        ve_normalize(queries + i * dim, dim);
}

/* Into fresh memory of the file's size, as a program that loads it would. */
static void command_file(const char *path)
{
    double start = seconds_now();
    int file = open(path, O_RDONLY);
    size_t size = (size_t)lseek(file, 0, SEEK_END), done = 0;
    char *memory = malloc(size);
    for (ssize_t got = 1; got > 0 && done < size; done += (size_t)got)
        got = pread(file, memory + done, size - done < 1 << 20 ? size - done : 1 << 20, (off_t)done);
    close(file);
    printf("%.6f\n", seconds_now() - start);
    free(memory);
}

static void command_read(unsigned streams)
{
    const ve__chunk *chunk = &store->table->chunks[0];
    printf("%.6f\n",
           time_read(chunk->vectors.bytes, store->table->row_count * store->table->payload_bytes, streams));
}

static void command_search(unsigned count, unsigned k, unsigned flags)
{
    static ve_match matches[QUERIES * 100];
    size_t found[QUERIES];
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    options.k = k;
    options.flags = flags;
    double start = seconds_now();
    if (ve_store_search(store, queries, count, &options, matches, found) != VE_OK)
        stop("search");
    printf("%.6f", seconds_now() - start);
    for (size_t i = 0; i < found[0]; i++)
        printf(" %llu", (unsigned long long)matches[i].id);
    putchar('\n');
}

static void command_queries(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(queries, sizeof *queries * dim, QUERIES, file) != QUERIES || fclose(file) != 0)
        stop(path);
    puts("0");
}

static void command_dump(const char *path)
{
    FILE *file = fopen(path, "wb");
    for (uint32_t row = 0; file && row < store->table->row_count; row++)
        fwrite(ve__table_vector(store->table, row), sizeof(float), dim, file);
    if (!file || fclose(file) != 0)
        stop(path);
    puts("0");
}

/* A bare write and sync behind the end of `file`; seconds. */
static double write_bare(int file, const char *path, const char *block, size_t bytes, unsigned number)
{
    double start = seconds_now();
    if (pwrite(file, block, bytes, (off_t)(number * bytes)) != (ssize_t)bytes || fdatasync(file) != 0)
        stop(path);
    return seconds_now() - start;
}

/* Commits of `batch` vectors, in turns with bare writes and syncs of the same number of bytes; now the one
 * comes first, now the other. Prints the pairs. */
static void command_add(unsigned count, unsigned batch, const char *folder)
{
    char path[300], bare_path[300];
    size_t bytes = batch * ve__store_slot_bytes(dim);
    float *vectors = malloc((size_t)batch * dim * sizeof *vectors);
    char *block = malloc(bytes);
    memset(block, 0x5a, bytes); /* zeros that were never touched would be one page in the cache */
    snprintf(path, sizeof path, "%s/bench-add.ves", folder);
    snprintf(bare_path, sizeof bare_path, "%s/bench-add.bare", folder);
    unlink(path);
    ve_store *to = open_store(path, VE_STORE_NEW);
    int file = open(bare_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (unsigned i = 0; i < count; i++) {
        double bare = i % 2 ? write_bare(file, bare_path, block, bytes, i) : 0;
        double added = add_batch(to, vectors, batch);
        bare = i % 2 ? bare : write_bare(file, bare_path, block, bytes, i);
        printf("%s%.9f %.9f", i ? " " : "", added / batch, bare / batch);
    }
    putchar('\n');
    ve_store_close(to);
    close(file);
    unlink(path);
    unlink(bare_path);
    strcat(path, ".lock");
    unlink(path);
    free(vectors);
    free(block);
}

static int run(char *line)
{
    char name[16], path[256];
    unsigned a, b, c;
    size_t count;
    if (sscanf(line, "make %255s %zu %u", path, &count, &a) == 3)
        command_make(path, count, a);
    else if (sscanf(line, "open %255s", path) == 1)
        command_open(path);
    else if (sscanf(line, "file %255s", path) == 1)
        command_file(path);
    else if (sscanf(line, "read %u", &a) == 1)
        command_read(a);
    else if (sscanf(line, "%15s", name) == 1 && strcmp(name, "peak") == 0)
        printf("%.2f\n", measure_fma_peak(0.2));
    else if (sscanf(line, "search %u %u %u", &a, &b, &c) == 3)
        command_search(a, b, c);
    else if (sscanf(line, "queries %255s", path) == 1)
        command_queries(path);
    else if (sscanf(line, "dump %255s", path) == 1)
        command_dump(path);
    else if (sscanf(line, "add %u %u %255s", &a, &b, path) == 3)
        command_add(a, b, path);
    else
        return 0;
    return 1;
}

int main(void)
{
    char line[512];
    while (fgets(line, sizeof line, stdin)) {
        if (!run(line))
            puts("?");
        fflush(stdout);
    }
    ve_store_close(store);
    free(queries);
    return 0;
}
