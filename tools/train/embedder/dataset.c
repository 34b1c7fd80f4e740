/* SPDX-License-Identifier: MIT */
/* See dataset.h. */
#include "dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "shape.h"

dataset *dataset_new(uint64_t seed)
{
    dataset *d = take(1, sizeof *d);
    d->seed = seed;
    return d;
}

static int is_known(const dataset *d, const char *crops)
{
    for (int i = 0; i < d->count; i++)
        if (strcmp(d->list[i].name, crops) == 0)
            return 1;
    return 0;
}

static void add_people(dataset *d, shard *s, const char *path)
{
    npy_need(path, "i4", &s->people);
    if (s->people.rows != s->crops.rows)
        fail("%s: %ld people for %ld crops", path, s->people.rows, s->crops.rows);
    const int32_t *person = s->people.data;
    for (long i = 0; i < s->people.rows; i++)
        if (person[i] >= d->people)
            d->people = person[i] + 1;
    s->has_people = 1;
}

static void add_shard(dataset *d, const char *crops, const char *targets, const char *people, int is_exact)
{
    if (d->count == MOST_SHARDS)
        fail("more than %d shards", MOST_SHARDS);
    shard *s = &d->list[d->count];
    snprintf(s->name, sizeof s->name, "%s", crops);
    npy_need(crops, "u1", &s->crops);
    npy_need(targets, "f2", &s->targets);
    if (s->crops.width != CROP_BYTES || s->targets.width != EMBEDDING || s->crops.rows != s->targets.rows)
        fail("%s and %s: not %d x %d x 3 and %d numbers a row, or not the same rows", crops, targets, CROP,
             CROP, EMBEDDING);
    if (people[0] && strcmp(people, "-") != 0)
        add_people(d, s, people);
    s->is_exact = is_exact;
    d->rows += s->crops.rows;
    d->count++;
}

void dataset_read(dataset *d, const char *list)
{
    char line[2200], crops[512], targets[512], people[512], exact[16];
    FILE *file = fopen(list, "r");
    if (!file)
        fail("cannot open %s", list);
    while (fgets(line, sizeof line, file)) {
        people[0] = exact[0] = 0;
        if (sscanf(line, "%511s %511s %511s %15s", crops, targets, people, exact) < 2 || crops[0] == '#')
            continue;
        if (!is_known(d, crops))
            add_shard(d, crops, targets, people, strcmp(exact, "exact") == 0);
    }
    fclose(file);
}

static void shuffle(dataset *d)
{
    uint64_t state = mix64(d->seed ^ mix64((uint64_t)d->epoch + 1));
    d->order = realloc(d->order, (size_t)d->order_rows * sizeof *d->order);
    if (!d->order)
        fail("no memory for %ld rows", d->order_rows);
    for (long i = 0; i < d->order_rows; i++)
        d->order[i] = (uint32_t)i;
    for (long i = d->order_rows - 1; i > 0; i--) {
        state = mix64(state);
        long j = (long)(state % (uint64_t)(i + 1));
        uint32_t other = d->order[i];
        d->order[i] = d->order[j];
        d->order[j] = other;
    }
}

void dataset_seek(dataset *d, long epoch, long order_rows, long at)
{
    if (order_rows > d->rows)
        fail("the state is of a run with %ld rows, the list has %ld", order_rows, d->rows);
    d->epoch = epoch;
    d->order_rows = order_rows;
    d->at = at;
    shuffle(d);
}

void dataset_next(dataset *d, const char *list, int batch, uint32_t *rows)
{
    if (!d->order || d->at + batch > d->order_rows) {
        long epoch = d->order ? d->epoch + 1 : 0;
        dataset_read(d, list);
        if (d->rows < batch)
            fail("%s: %ld rows, fewer than a batch", list, d->rows);
        dataset_seek(d, epoch, d->rows, 0);
    }
    memcpy(rows, d->order + d->at, (size_t)batch * sizeof *rows);
    d->at += batch;
}

dataset_row dataset_get(const dataset *d, uint32_t row)
{
    long at = row;
    const shard *s = d->list;
    while (at >= s->crops.rows)
        at -= (s++)->crops.rows;
    dataset_row found = {(const uint8_t *)s->crops.data + at * CROP_BYTES,
                         (const uint16_t *)s->targets.data + at * EMBEDDING, -1, s->is_exact};
    if (s->has_people)
        found.person = ((const int32_t *)s->people.data)[at];
    return found;
}
