/* SPDX-License-Identifier: MIT */
/* From an id or a label to a row of the table. */
#ifndef VE_STORE_INDEX_H
#define VE_STORE_INDEX_H

#include "base/status.h"

#define VE__NO_ROW UINT32_MAX

/* Ids with their rows, sorted by id. Ids only ever grow, so that a new one goes to the end; one that was
 * removed keeps its place, with VE__NO_ROW. */
typedef struct ve__ids {
    uint64_t *ids;
    uint32_t *rows;
    size_t count, capacity;
} ve__ids;

/* Makes room for `more` appends that cannot fail. */
ve_status ve__ids_reserve(ve__ids *ids, size_t more);
void ve__ids_append(ve__ids *ids, uint64_t id, uint32_t row);
/* The place of an id, or of the next larger one; ids->count when there is none. */
size_t ve__ids_place(const ve__ids *ids, uint64_t id);
/* The row of an id, or VE__NO_ROW. */
uint32_t ve__ids_row(const ve__ids *ids, uint64_t id);
void ve__ids_free(ve__ids *ids);

typedef struct ve__label {
    char *text; /* NULL: this entry is free */
    uint32_t length, hash;
    uint32_t next;       /* in the bucket, or in the list of free entries */
    uint32_t first_row;  /* of the chain of its rows */
    uint32_t references; /* rows that are there or about to be */
    uint64_t count;      /* rows that are there */
} ve__label;

/* A hash table of labels. Entries keep their number as long as they are referenced. */
typedef struct ve__labels {
    ve__label *entries;
    uint32_t *buckets;
    uint32_t entry_count, entry_capacity, bucket_count, first_free;
    uint64_t used; /* entries with count > 0 */
} ve__labels;

#define VE__NO_LABEL UINT32_MAX

/* Finds or makes the entry and adds a reference to it. */
ve_status ve__labels_refer(ve__labels *labels, const char *text, size_t length, uint32_t *label);
/* Takes a reference away; the last one wipes the text. */
void ve__labels_release(ve__labels *labels, uint32_t label);
uint32_t ve__labels_find(const ve__labels *labels, const char *text, size_t length);
void ve__labels_free(ve__labels *labels);

#endif
