/* SPDX-License-Identifier: MIT */
/* The training pictures: shards of aligned crops with the teacher's embeddings, named in a list file, one shard
 * a line:
 *
 *   CROPS.npy TARGETS.npy [PEOPLE.npy|- [exact]]
 *
 * crops u8 [n,112,112,3], targets f16 [n,512] of unit length, people i32 [n] (-1: no name; one numbering for
 * all shards). "exact": the targets were made of these very views (a bank), which are not degraded again. */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include <stdint.h>

#include "npy.h"

enum { MOST_SHARDS = 512 };

typedef struct shard {
    char name[512];
    npy crops, targets, people;
    int has_people, is_exact;
} shard;

typedef struct dataset {
    shard list[MOST_SHARDS];
    int count, people;
    long rows;
    uint64_t seed;
    /* The order of an epoch: a permutation of the rows there were at its beginning. */
    uint32_t *order;
    long epoch, order_rows, at;
} dataset;

typedef struct dataset_row {
    const uint8_t *crop;
    const uint16_t *target;
    int32_t person;
    int is_exact;
} dataset_row;

dataset *dataset_new(uint64_t seed);
/* Adds the list's shards that are not there yet; called again, it finds those that came later. */
void dataset_read(dataset *d, const char *list);
/* The numbers of the next batch's rows. Reads the list again before each epoch. */
void dataset_next(dataset *d, const char *list, int batch, uint32_t *rows);
/* Goes to a place of an epoch, for a run that is resumed. */
void dataset_seek(dataset *d, long epoch, long order_rows, long at);
dataset_row dataset_get(const dataset *d, uint32_t row);

#endif
