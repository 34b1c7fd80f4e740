/* SPDX-License-Identifier: MIT */
/* Helpers of the store's tests. */
#define _GNU_SOURCE /* memmem, mkdtemp */
#include "support/stores.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *make_folder(void)
{
    static char name[64];
    /* In memory where there is such a place: the tests sync thousands of times. */
    snprintf(name, sizeof name, "%s/ve-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(name))
        abort();
    return name;
}

void remove_folder(const char *folder)
{
    char name[512];
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name) != 0)
            remove_folder(name);
    }
    if (list)
        closedir(list);
    rmdir(folder);
}

const char *path_in(const char *folder, const char *name)
{
    static char names[8][256];
    static unsigned next;
    char *path = names[next++ % 8];
    snprintf(path, sizeof names[0], "%s/%s", folder, name);
    return path;
}

uint64_t chance_bits(chance *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state * 0x2545f4914f6cdd1dull;
}

unsigned chance_below(chance *random, unsigned end)
{
    return (unsigned)(chance_bits(random) >> 33) % end;
}

void chance_vector(chance *random, float *vector, unsigned dim)
{
    for (unsigned i = 0; i < dim; i++) {
        float sum = 0; /* of uniform ones: near enough to a normal distribution */
        for (unsigned j = 0; j < 4; j++)
            sum += (float)(chance_bits(random) >> 40) / (float)(1 << 24) - 0.5f;
        vector[i] = sum;
    }
}

void item_vector(uint64_t key, unsigned version, float *vector, unsigned dim)
{
    chance random = {key * 0x9e3779b97f4a7c15ull + version * 0xda942042e4dd58b5ull + 1};
    chance_bits(&random);
    chance_vector(&random, vector, dim);
}

void item_label(uint64_t key, char label[32])
{
    snprintf(label, 32, "person-%llu", (unsigned long long)key % 17);
}

size_t item_metadata(uint64_t key, unsigned version, unsigned char *metadata)
{
    size_t size = 16 + (size_t)((key * 7 + version * 13) % 5) * 90;
    memcpy(metadata, &key, 8);
    memcpy(metadata + 8, &version, 4);
    memset(metadata + 12, 0x5a, 4);
    for (size_t i = 16; i < size; i++)
        metadata[i] = (unsigned char)(key * 31 + version * 17 + i);
    return size;
}

void item_make(item *out, uint64_t key, unsigned version, unsigned dim)
{
    item_vector(key, version, out->vector, dim);
    item_label(key, out->label);
    memset(&out->entry, 0, sizeof out->entry);
    out->entry.vector = out->vector;
    out->entry.dim = dim;
    out->entry.label = out->label;
    out->entry.metadata = out->metadata;
    out->entry.metadata_size = item_metadata(key, version, out->metadata);
}

/* The stored form: unit length. The order in which the squares are added up may move a value to the next float.
 */
static int is_vector(const float *stored, const float *made, unsigned dim)
{
    double squares = 0;
    for (unsigned i = 0; i < dim; i++)
        squares += (double)made[i] * made[i];
    for (unsigned i = 0; i < dim; i++) {
        double wanted = made[i] / sqrt(squares);
        if (fabs(stored[i] - wanted) > fabs(wanted) * 1.2e-7)
            return 0;
    }
    return 1;
}

int item_is(ve_store *store, uint64_t id, uint64_t key, unsigned version, unsigned dim)
{
    uint64_t found_key;
    unsigned found_version;
    return item_read(store, id, dim, &found_key, &found_version) && found_key == key &&
           found_version == version;
}

int item_read(ve_store *store, uint64_t id, unsigned dim, uint64_t *key, unsigned *version)
{
    ve_store_record record;
    float vector[64];
    unsigned char metadata[512];
    item wanted;
    size_t size;
    if (ve_store_get(store, id, &record, vector) != VE_OK ||
        ve_store_get_metadata(store, id, metadata, sizeof metadata, &size) != VE_OK || size < 16)
        return 0;
    memcpy(key, metadata, 8);
    memcpy(version, metadata + 8, 4);
    item_make(&wanted, *key, *version, dim);
    return size == wanted.entry.metadata_size && memcmp(metadata, wanted.metadata, size) == 0 &&
           strcmp(record.label, wanted.label) == 0 && record.metadata_size == size &&
           is_vector(vector, wanted.vector, dim);
}

unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat facts;
    if (!file || fstat(fileno(file), &facts) != 0)
        abort();
    *size = (size_t)facts.st_size;
    unsigned char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        abort();
    fclose(file);
    return bytes;
}

void write_file(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        abort();
    close(file);
}

int file_contains(const char *path, const void *bytes, size_t size)
{
    size_t total;
    unsigned char *all = read_file(path, &total);
    int found = memmem(all, total, bytes, size) != NULL;
    free(all);
    return found;
}
