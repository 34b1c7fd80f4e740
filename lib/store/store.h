/* SPDX-License-Identifier: MIT */
/* The store's own contract: what lib/api calls, and what the files of this folder share.
 *
 *   format   bytes <-> numbers                io      system calls, watched by tests
 *   table    rows in memory                   index   ids and labels
 *   replay   file -> table (open, refresh)    log     changes -> file (append, erase)
 *   rewrite  new files (create, compact)      check   check, recover
 *   search   top-k                            seal    encryption by the program's functions
 *
 * Locks, in the order in which they are taken: store->writer (one thread changes or refreshes), the lock file
 * (one process changes), store->gate (readers of the table against its changes). */
#ifndef VE_STORE_STORE_H
#define VE_STORE_STORE_H

#include "base/threads.h"
#include "kernels/kernels.h"
#include "store/table.h"

struct ve_store {
    char *path, *lock_path, *temporary_path; /* one block */
    uint32_t flags, dim, lock_wait_ms;
    int is_bound; /* fingerprint says which model the caller has */
    char fingerprint[65];
    char compatible[65]; /* a second model, taken for the same; "": none */
    ve__io io;
    const ve_store_seal *seal;
    const ve__kernels *kernels;

    pid_t owner; /* the process that opened it: locks and threads do not survive fork() */
    pthread_mutex_t writer;
    ve__gate gate;
    ve__file lock_file;
    ve__table *table; /* changed inside the gate */
    int has_failed;   /* a write failed: no more of them */
    uint64_t dropped_bytes;

    ve__pool *pool; /* NULL: the caller's thread alone */
    pthread_mutex_t pool_lock;
};

/* Opens or makes; `options` are checked already and complete. io: the plain system's is a zeroed struct. */
ve_status ve__store_open(const char *path, const ve_store_options *options, const ve__io *io, ve_store **store);
void ve__store_close(ve_store *store);
/* Did this process open it, not one that it was forked from? */
int ve__store_is_ours(const ve_store *store);
/* Fails with VE_ERR_MISMATCH, naming both models, unless vectors of this one belong into the store. NULL: as
 * opened. */
ve_status ve__store_check_model(const ve_store *store, const char *fingerprint);

/* ---- replay */

/* What reading found besides the records. */
typedef struct ve__replayed {
    uint64_t torn_bytes; /* behind the last commit */
    int has_changed;     /* there was something new */
} ve__replayed;
/* Reads everything behind table->end_slot. gate: NULL while nobody else knows the table. */
ve_status ve__replay(const ve__io *io, const ve_store_seal *seal, ve__table *table, ve__gate *gate,
                     ve__replayed *replayed);
/* Opens the file at path and reads all of it into a new table. flags: VE_STORE_... */
ve_status ve__store_load(const ve__io *io, const ve_store_seal *seal, const char *path, uint32_t flags,
                         ve__table **table, ve__replayed *replayed);
/* Opens the file, checks what it is, and reads the header (its copy 0, or 1). */
ve_status ve__store_open_file(const ve__io *io, const char *path, uint32_t flags, unsigned copy, ve__file *file,
                              ve__file_facts *facts, ve__store_header *header);
/* Takes in what others did: new commits, or a whole new file. The caller holds store->writer. */
ve_status ve__store_catch_up(ve_store *store, int *has_changed);

/* ---- log: the caller holds nothing */

ve_status ve__store_add(ve_store *store, const ve_store_entry *entries, size_t count, uint64_t *ids);
ve_status ve__store_replace(ve_store *store, uint64_t id, const ve_store_entry *entry);
ve_status ve__store_remove(ve_store *store, uint64_t id);
ve_status ve__store_remove_label(ve_store *store, const char *label, uint64_t *removed);
/* At opening: cuts a torn tail, finishes erasures, removes an unfinished rewrite; nothing if another writer is
 * busy. */
ve_status ve__store_tidy(ve_store *store);

/* Between these two the caller is the only writer of the file, and up to date. */
ve_status ve__store_begin(ve_store *store);
void ve__store_end(ve_store *store);

/* Slots that a record takes besides its first one. */
size_t ve__store_text_slots(size_t text_bytes, size_t payload_bytes);

/* Turns records into slots: a window of the file that is written when it is full. */
typedef struct ve__slot_writer {
    const ve__io *io;
    const ve_store_seal *seal;
    const ve__pages *key;
    const ve__store_header *header;
    const ve__file *file;
    size_t payload_bytes, slot_bytes;
    uint8_t *window;
    size_t capacity, used; /* slots */
    uint64_t first;        /* number of the window's first slot */
} ve__slot_writer;
ve_status ve__slot_writer_make(ve__slot_writer *writer, const ve__io *io, const ve_store_seal *seal,
                               const ve__pages *key, const ve__store_header *header, const ve__file *file,
                               uint64_t first_slot, size_t slots_expected);
/* Appends a vector's slot and its TEXT slots; `staged` says what they hold. */
ve_status ve__slot_writer_add(ve__slot_writer *writer, const ve__staged *staged, const float *vector,
                              uint64_t commit, int is_last);
ve_status ve__slot_writer_remove(ve__slot_writer *writer, uint64_t id, uint64_t target, uint64_t commit,
                                 int is_last);
ve_status ve__slot_writer_flush(ve__slot_writer *writer);
void ve__slot_writer_free(ve__slot_writer *writer);
static inline uint64_t ve__slot_writer_next(const ve__slot_writer *writer)
{
    return writer->first + writer->used;
}

/* ---- rewrite */

/* Makes an empty store file at path, in one step. */
ve_status ve__store_create(ve_store *store, const ve_store_options *options);
/* Rewrites the file from the table, sealed as it was or, with has_new_seal, with new_seal (NULL: not at all).
 */
ve_status ve__store_rewrite(ve_store *store, int has_new_seal, const ve_store_seal *new_seal);
/* A file that has been written, open. */
typedef struct ve__new_file {
    ve__file file;
    ve__file_facts facts;
    ve__store_header header;
    ve__pages key;
} ve__new_file;
void ve__new_file_free(ve__new_file *made);
/* Writes the live rows of a table, by rising id, as a new file (VE_ERR_EXISTS), synced; the folder is not. */
ve_status ve__store_write_file(const ve__io *io, const ve__table *table, const ve_store_seal *seal,
                               uint64_t generation, const char *path, ve__new_file *made);
/* 16 bytes that no other file has. */
ve_status ve__store_make_salt(const ve__io *io, uint8_t salt[VE__STORE_SALT_BYTES]);

/* ---- search */

ve_status ve__store_search(ve_store *store, const float *queries, size_t query_count,
                           const ve_store_search_options *options, ve_match *matches, size_t *found);

/* ---- check */

ve_status ve__store_check(const ve__io *io, const char *path, const ve_store_seal *seal,
                          ve_store_report *report);
ve_status ve__store_recover(const ve__io *io, const char *path, const char *new_path, const ve_store_seal *seal,
                            ve_store_report *report);

#endif
