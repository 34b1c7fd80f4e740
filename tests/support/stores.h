/* SPDX-License-Identifier: MIT */
/* What the store's tests share: a folder of their own, random vectors, and a model of what a store must hold.
 */
#ifndef VE_TESTS_SUPPORT_STORES_H
#define VE_TESTS_SUPPORT_STORES_H

#include "visembed.h"

/* A new private folder; its name stays valid until the next call. Removed by remove_folder. */
const char *make_folder(void);
void remove_folder(const char *folder);
/* "folder/name"; valid until the eighth call after. */
const char *path_in(const char *folder, const char *name);

/* A small generator (xorshift), so that a test's data depends on its seed alone. */
typedef struct chance {
    uint64_t state;
} chance;
uint64_t chance_bits(chance *random);
unsigned chance_below(chance *random, unsigned end);
void chance_vector(chance *random, float *vector, unsigned dim);

/* The vector, label and metadata that version `version` of item `key` has; made from these two numbers, so that
 * a reader can check what it finds without knowing more. metadata has room for 512 bytes. */
void item_vector(uint64_t key, unsigned version, float *vector, unsigned dim);
void item_label(uint64_t key, char label[32]);
size_t item_metadata(uint64_t key, unsigned version, unsigned char *metadata);
/* Fills an entry for an item; the arrays belong to the caller. */
typedef struct item {
    ve_store_entry entry;
    float vector[64];
    char label[32];
    unsigned char metadata[512];
} item;
void item_make(item *out, uint64_t key, unsigned version, unsigned dim);
/* Does record `id` of the store hold exactly version `version` of `key`? */
int item_is(ve_store *store, uint64_t id, uint64_t key, unsigned version, unsigned dim);
/* Reads key and version out of a record's metadata; 0 when vector, label and metadata do not belong together.
 */
int item_read(ve_store *store, uint64_t id, unsigned dim, uint64_t *key, unsigned *version);

/* A file's bytes (free them), and back. */
unsigned char *read_file(const char *path, size_t *size);
void write_file(const char *path, const void *bytes, size_t size);
/* Do these bytes occur in the file? */
int file_contains(const char *path, const void *bytes, size_t size);

#endif
