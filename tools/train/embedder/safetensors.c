/* SPDX-License-Identifier: MIT */
/* See safetensors.h: u64 length of the header, a JSON header, tensors. */
#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"

enum { MOST_HEADER = 1 << 20 };

static char *read_header(const char *path, FILE *file, uint64_t *bytes)
{
    if (fread(bytes, sizeof *bytes, 1, file) != 1 || *bytes < 2 || *bytes > MOST_HEADER)
        fail("%s: not a safetensors file", path);
    char *header = calloc(*bytes + 1, 1);
    if (!header || fread(header, 1, *bytes, file) != *bytes)
        fail("%s: cannot read its header", path);
    return header;
}

/* Where the tensor's bytes begin behind the header. */
static long find_tensor(const char *path, const char *header, const parameter *p)
{
    char key[80], *at;
    snprintf(key, sizeof key, "\"%s\"", p->name);
    const char *entry = strstr(header, key), *end = entry ? strchr(entry, '}') : NULL;
    const char *type = entry ? strstr(entry, "\"F32\"") : NULL;
    const char *offsets = entry ? strstr(entry, "\"data_offsets\"") : NULL;
    const char *list = offsets ? strchr(offsets, '[') : NULL;
    if (!end || !type || !list || type > end || list > end)
        fail("%s: no f32 tensor %s", path, p->name);
    long begin = strtol(list + 1, &at, 10), after = strtol(at + 1, NULL, 10);
    if (begin < 0 || after - begin != p->count * 4)
        fail("%s: tensor %s has %ld bytes instead of %ld", path, p->name, after - begin, p->count * 4);
    return begin;
}

void safetensors_read(const char *path, const parameter_table *table, float *weights)
{
    uint64_t header_bytes;
    FILE *file = fopen(path, "rb");
    if (!file)
        fail("cannot open %s", path);
    char *header = read_header(path, file, &header_bytes);
    for (int i = 0; i < table->count; i++) {
        const parameter *p = &table->list[i];
        long at = 8 + (long)header_bytes + find_tensor(path, header, p);
        if (fseek(file, at, SEEK_SET) != 0 ||
            fread(weights + p->offset, 4, (size_t)p->count, file) != (size_t)p->count)
            fail("%s: ends within tensor %s", path, p->name);
    }
    fclose(file);
    free(header);
}

/* Returns the header's length, a multiple of 8. */
static long write_header(FILE *file, const parameter_table *table)
{
    long offset = 0;
    fputs("{\"__metadata__\":{\"format\":\"pt\"}", file);
    for (int i = 0; i < table->count; i++) {
        const parameter *p = &table->list[i];
        fprintf(file, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", p->name);
        for (int d = 0; d < p->dims; d++)
            fprintf(file, "%s%d", d ? "," : "", p->shape[d]);
        fprintf(file, "],\"data_offsets\":[%ld,%ld]}", offset, offset + p->count * 4);
        offset += p->count * 4;
    }
    fputc('}', file);
    while (ftell(file) % 8 != 0)
        fputc(' ', file);
    return ftell(file) - 8;
}

void safetensors_write(const char *path, const parameter_table *table, const float *weights)
{
    char temporary[4096];
    uint64_t bytes = 0;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "wb");
    if (!file)
        fail("cannot write %s", temporary);
    fwrite(&bytes, sizeof bytes, 1, file);
    bytes = (uint64_t)write_header(file, table);
    for (int i = 0; i < table->count; i++)
        fwrite(weights + table->list[i].offset, 4, (size_t)table->list[i].count, file);
    if (fseek(file, 0, SEEK_SET) != 0 || fwrite(&bytes, sizeof bytes, 1, file) != 1 || fflush(file) != 0 ||
        fsync(fileno(file)) != 0 || ferror(file) || fclose(file) != 0 || rename(temporary, path) != 0)
        fail("cannot write %s", path);
}
