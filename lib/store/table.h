/* SPDX-License-Identifier: MIT */
/* A store in memory: rows of vectors that lie tightly together, what belongs to each, and the ways to find one.
 *
 * Rows come in two steps. Staging puts a row behind the visible ones, where no other thread looks, and takes
 * all memory that it will need. Applying makes all staged rows and removals visible, in one step that cannot
 * fail. In between stands the disk. One thread at a time stages and applies (the store's writer lock); other
 * threads read visible rows inside the gate. */
#ifndef VE_STORE_TABLE_H
#define VE_STORE_TABLE_H

#include "kernels/search.h"
#include "store/format.h"
#include "store/gate.h"
#include "store/index.h"
#include "store/io.h"
#include "store/pages.h"

typedef struct ve__row {
    uint64_t id;   /* 0: removed */
    uint64_t slot; /* where it lies in the file */
    uint8_t *metadata;
    uint32_t metadata_size;
    uint32_t label;
    uint32_t previous, next; /* rows of the same label */
    uint16_t text_slots;
} ve__row;

/* Rows first ... first + capacity - 1. Chunks never move and never shrink. */
typedef struct ve__chunk {
    uint32_t first, capacity;
    ve__pages vectors;
    ve__row *rows;
    ve__pages codes; /* with VE_STORE_CODES: int8, then scale and error per row (codes.h) */
    float *scales, *errors;
} ve__chunk;

/* Each new chunk is half as large as all before together, so that 64 are enough for 2^32 rows. */
#define VE__MAX_CHUNKS 64

/* A removal or replacement that waits to be applied. */
typedef struct ve__change {
    uint64_t id, target;
    uint32_t new_row; /* VE__NO_ROW: removed */
} ve__change;

/* An id that was given to a vector which is gone; it belongs before row `before`. */
typedef struct ve__dead_id {
    uint64_t id;
    uint32_t before;
} ve__dead_id;

typedef struct ve__table {
    ve__store_header header;
    ve__file file;
    uint64_t device, inode;
    size_t payload_bytes, slot_bytes;
    unsigned codes_bytes;              /* of one row's codes; 0: none are kept */
    const ve__search_kernels *kernels; /* that make the codes */
    ve__pages key;                     /* 32 bytes, for sealed stores */

    ve__chunk chunks[VE__MAX_CHUNKS];
    unsigned chunk_count;
    uint32_t row_count;  /* visible, removed ones included */
    uint32_t row_staged; /* and staged */
    uint64_t live_count;
    ve__ids ids;
    ve__labels labels;
    float largest_norm,
        staged_norm; /* at least the norm of every visible (staged) row, where there are codes */

    ve__change *changes;
    size_t change_count, change_capacity;
    ve__dead_id *dead_ids;
    size_t dead_count, dead_capacity;

    uint64_t next_id;    /* above all ids that slots of this file introduced */
    uint64_t commit;     /* number of the last commit */
    uint64_t end_slot;   /* behind the last commit */
    uint64_t used_slots; /* by live rows */
    int is_synced;       /* every commit that was read is known to be on the disk */

    uint64_t *unerased; /* ADD slots that are removed and may still hold their contents */
    size_t unerased_count, unerased_capacity;
} ve__table;

/* Makes an empty table with room for `rows` rows at first. It takes over *file. */
ve_status ve__table_create(const ve__io *io, const ve__store_header *header, ve__file *file, size_t rows,
                           int with_codes, ve__table **table);
void ve__table_free(ve__table *table);

ve__chunk *ve__table_chunk(const ve__table *table, uint32_t row);
static inline float *ve__chunk_vector(const ve__table *table, const ve__chunk *chunk, uint32_t row)
{
    return (float *)((char *)chunk->vectors.bytes + (size_t)(row - chunk->first) * table->payload_bytes);
}
float *ve__table_vector(const ve__table *table, uint32_t row);
ve__row *ve__table_row(const ve__table *table, uint32_t row);

/* Room behind the staged rows: at least one row, at most `wanted`, that lie together at *vectors. */
ve_status ve__table_room(const ve__io *io, ve__table *table, size_t wanted, float **vectors, size_t *rows);
/* What a row that is staged needs, besides its vector, which lies where ve__table_room said. */
typedef struct ve__staged {
    uint64_t id, slot;
    uint64_t target; /* slot of the row with the same id that this one replaces; VE__NO_SLOT: a new id */
    uint16_t text_slots;
    const char *label;
    size_t label_length;
    const void *metadata;
    size_t metadata_size;
} ve__staged;
/* gate: entered for the moment in which shared lists grow; NULL while no other thread can know the table. */
ve_status ve__table_stage(ve__table *table, ve__gate *gate, const ve__staged *staged);
ve_status ve__table_stage_removal(ve__table *table, uint64_t id, uint64_t target);
/* Remembers that an id was used for a vector that has been erased since. */
ve_status ve__table_stage_dead(ve__table *table, ve__gate *gate, uint64_t id);
/* Remembers a slot that was removed, and that a crash left half erased. */
ve_status ve__table_note_unerased(ve__table *table, uint64_t slot);
/* Makes all that is staged visible, as the next commit, which ends before slot end_slot. Cannot fail. */
void ve__table_apply(ve__table *table, ve__gate *gate, uint64_t end_slot);
/* Forgets all that is staged. */
void ve__table_unstage(ve__table *table, ve__gate *gate);

/* The sum of the squares, in double: four sums side by side, so that no addition waits for the one before. */
double ve__store_squares(const float *vector, size_t dim);

/* The live row with an id, VE__NO_ROW: none. */
static inline uint32_t ve__table_find(const ve__table *table, uint64_t id)
{
    return ve__ids_row(&table->ids, id);
}
/* The id for the next vector: above those in the file, and those that compaction left behind. */
static inline uint64_t ve__table_next_id(const ve__table *table)
{
    return table->next_id > table->header.next_id ? table->next_id : table->header.next_id;
}
/* The slots of a file that holds the live rows by rising id and nothing else. Inside the gate. */
void ve__table_renumber(ve__table *table);
/* Gives back the chunks behind the last row. */
void ve__table_drop_chunks(ve__table *table);
/* Closes the gaps that removed rows left. moves: room for row_count numbers. Inside the gate; nothing is
 * staged. */
void ve__table_squeeze(ve__table *table, uint32_t *moves);
/* Bytes of memory that the table takes. */
uint64_t ve__table_memory(const ve__table *table);
int ve__table_is_locked(const ve__table *table);

#endif
