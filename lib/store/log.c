/* SPDX-License-Identifier: MIT */
/*
 * Changes. Every one runs between ve__store_begin, which makes this handle the only writer and brings it up to
 * date, and ve__store_end:
 *
 *   stage in memory (all that can fail for want of memory) -> write slots -> sync -> make visible -> erase ->
 * sync
 *
 * Until the first sync has succeeded nothing was acknowledged; whatever went wrong, the file is cut back to its
 * last commit, by us or, if that fails, too, by the next writer.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/store.h"

static uint64_t end_offset(const ve__table *table)
{
    return ve__store_slot_offset(table->header.dim, table->end_slot);
}

/* Cuts what lies behind the last commit. It must be gone from the disk before new slots are written there: a
 * crash could otherwise mix old and new ones of the same commit number. */
static ve_status cut_tail(ve_store *store)
{
    ve__table *table = store->table;
    ve__file_facts facts;
    VE_TRY(ve__io_facts(&store->io, &table->file, &facts));
    if (facts.size > end_offset(table)) {
        store->dropped_bytes = facts.size - end_offset(table);
        VE_TRY(ve__io_truncate(&store->io, &table->file, end_offset(table)));
        table->is_synced = 0;
    }
    /* Commits of a writer that was killed before its sync are valid to all readers: make them last before
     * anything is built on them. */
    if (!table->is_synced)
        VE_TRY(ve__io_sync(&store->io, &table->file));
    table->is_synced = 1;
    return VE_OK;
}

static ve_status prepare(ve_store *store)
{
    int has_changed;
    VE_TRY(ve__store_catch_up(store, &has_changed));
    ve_status status = cut_tail(store);
    if (status != VE_OK)
        store->has_failed = 1;
    return status;
}

ve_status ve__store_begin(ve_store *store)
{
    if (store->flags & VE_STORE_READ_ONLY)
        return ve__fail(VE_ERR_STATE, "%s was opened read-only", store->path);
    /* The lock belongs to the open file, which a forked process shares: both would be writers. */
    if (!ve__store_is_ours(store))
        return ve__fail(VE_ERR_STATE, "%s was opened before fork(): each process opens its own", store->path);
    pthread_mutex_lock(&store->writer);
    ve_status status = VE_OK;
    if (store->has_failed)
        status = ve__fail(VE_ERR_STATE, "%s: an earlier write failed; open the store again", store->path);
    if (status == VE_OK && !(store->flags & VE_STORE_EXCLUSIVE))
        status = ve__io_lock(&store->io, &store->lock_file, store->lock_wait_ms);
    if (status != VE_OK) {
        pthread_mutex_unlock(&store->writer);
        return status;
    }
    status = prepare(store);
    if (status != VE_OK)
        ve__store_end(store);
    return status;
}

void ve__store_end(ve_store *store)
{
    if (!(store->flags & VE_STORE_EXCLUSIVE))
        ve__io_unlock(&store->lock_file);
    pthread_mutex_unlock(&store->writer);
}

/* A change came to nothing. */
static ve_status abandon(ve_store *store, ve_status status)
{
    char detail[512];
    ve__table *table = store->table;
    ve__file_facts facts;
    strncpy(detail, ve_last_error(), sizeof detail - 1);
    detail[sizeof detail - 1] = 0;
    ve__table_unstage(table, &store->gate);
    if (status == VE_ERR_IO || ve__io_facts(&store->io, &table->file, &facts) != VE_OK)
        store->has_failed = 1;
    else if (facts.size == end_offset(table))
        return ve__fail(status, "%s", detail);
    if (ve__io_truncate(&store->io, &table->file, end_offset(table)) != VE_OK ||
        ve__io_sync(&store->io, &table->file) != VE_OK)
        store->has_failed = 1;
    return ve__fail(status, "%s", detail);
}

/* Overwrites one slot's contents. */
static ve_status erase_slot(ve_store *store, uint64_t number, uint8_t *bytes, unsigned *text_slots)
{
    ve__table *table = store->table;
    uint64_t offset = ve__store_slot_offset(table->header.dim, number);
    uint8_t *trailer = bytes + table->payload_bytes;
    ve__slot slot;
    size_t done;
    VE_TRY(ve__io_read(&store->io, &table->file, offset, bytes, table->slot_bytes, &done));
    if (done < table->slot_bytes)
        return ve__fail(VE_ERR_CORRUPT, "%s became shorter", store->path);
    ve__slot_verdict verdict =
        ve__slot_decode(bytes, table->payload_bytes, trailer, table->header.salt, number, &slot);
    if (verdict == VE__SLOT_BAD_STRUCTURE)
        return ve__fail(VE_ERR_CORRUPT, "%s: slot at offset %llu: damaged", store->path,
                        (unsigned long long)offset);
    *text_slots = slot.text_slots;
    if (verdict == VE__SLOT_GOOD && slot.state == VE__SLOT_ERASED)
        return VE_OK;
    ve__slot_erase(bytes, table->payload_bytes, trailer, table->header.salt, number);
    return ve__io_write(&store->io, &table->file, offset, bytes, table->slot_bytes);
}

/* A record's slots, the text first: while its ADD slot still has its contents, the record is known to be
 * unerased. */
static ve_status erase_record(ve_store *store, uint64_t number, uint8_t *bytes)
{
    ve__table *table = store->table;
    const uint8_t *trailer = bytes + table->payload_bytes;
    size_t done;
    ve__slot slot;
    unsigned text_slots, none;
    VE_TRY(ve__io_read(&store->io, &table->file, ve__store_slot_offset(table->header.dim, number), bytes,
                       table->slot_bytes, &done));
    ve__slot_decode(bytes, table->payload_bytes, trailer, table->header.salt, number, &slot);
    text_slots = slot.text_slots;
    for (unsigned i = 1; i <= text_slots && number + i < table->end_slot; i++)
        VE_TRY(erase_slot(store, number + i, bytes, &none));
    return erase_slot(store, number, bytes, &none);
}

/* Erases all that was removed. After a failure here the removal itself stands, but was not done in full. */
static ve_status erase_removed(ve_store *store)
{
    ve__table *table = store->table;
    if (table->unerased_count == 0)
        return VE_OK;
    uint8_t *bytes = ve__allocate(table->slot_bytes);
    if (!bytes)
        return ve__fail(VE_ERR_MEMORY, "no memory to erase from %s; the next change will", store->path);
    ve_status status = VE_OK;
    for (size_t i = 0; i < table->unerased_count && status == VE_OK; i++)
        status = erase_record(store, table->unerased[i], bytes);
    ve__wipe(bytes, table->slot_bytes);
    ve__release(bytes);
    if (status == VE_OK)
        status = ve__io_sync(&store->io, &table->file);
    if (status == VE_OK)
        table->unerased_count = 0;
    else
        store->has_failed = 1;
    return status;
}

/* The slots are written: make them last, and visible. */
static ve_status commit(ve_store *store, ve__slot_writer *writer)
{
    ve__table *table = store->table;
    VE_TRY(ve__slot_writer_flush(writer));
    VE_TRY(ve__io_sync(&store->io, &table->file));
    ve__table_apply(table, &store->gate, ve__slot_writer_next(writer));
    return VE_OK;
}

/* After the commit, or instead of it. */
static ve_status conclude(ve_store *store, ve__slot_writer *writer, ve_status status)
{
    ve__slot_writer_free(writer);
    if (status != VE_OK)
        return abandon(store, status);
    return store->flags & VE_STORE_DEFER_ERASE ? VE_OK : erase_removed(store);
}

/* The vector as the store keeps it: unit length for the cosine metric, zeros behind. */
static ve_status copy_vector(const ve_store *store, const float *from, float *to)
{
    const ve__table *table = store->table;
    unsigned dim = table->header.dim;
    double squares = ve__store_squares(from, dim), factor = 1;
    if (!isfinite(squares))
        return ve__fail(VE_ERR_ARGUMENT, "the vector holds a value that is infinite or not a number");
    if (!(squares > 0))
        return ve__fail(VE_ERR_ARGUMENT, "the vector is zero");
    if (table->header.metric == VE_METRIC_COSINE)
        factor = 1 / sqrt(squares);
    for (unsigned i = 0; i < dim; i++)
        to[i] = (float)(from[i] * factor);
    memset(to + dim, 0, table->payload_bytes - dim * sizeof *to);
    return VE_OK;
}

static ve_status append_entry(ve_store *store, ve__slot_writer *writer, const ve_store_entry *entry,
                              uint64_t id, uint64_t target, int is_last)
{
    ve__table *table = store->table;
    const char *label = entry->label ? entry->label : "";
    float *vector;
    size_t rows;
    ve__staged staged = {.id = id,
                         .slot = ve__slot_writer_next(writer),
                         .target = target,
                         .label = label,
                         .label_length = strlen(label),
                         .metadata = entry->metadata,
                         .metadata_size = entry->metadata_size};
    staged.text_slots =
        (uint16_t)ve__store_text_slots(staged.label_length + staged.metadata_size, table->payload_bytes);
    VE_TRY(ve__table_room(&store->io, table, 1, &vector, &rows));
    VE_TRY(copy_vector(store, entry->vector, vector));
    VE_TRY(ve__table_stage(table, &store->gate, &staged));
    return ve__slot_writer_add(writer, &staged, vector, table->commit + 1, is_last);
}

static ve_status make_writer(ve_store *store, ve__slot_writer *writer, size_t slots)
{
    ve__table *table = store->table;
    return ve__slot_writer_make(writer, &store->io, store->seal, &table->key, &table->header, &table->file,
                                table->end_slot, slots);
}

static ve_status add_all(ve_store *store, const ve_store_entry *entries, size_t count, uint64_t *ids)
{
    ve__slot_writer writer;
    uint64_t first_id = ve__table_next_id(store->table);
    size_t text = (entries->label ? strlen(entries->label) : 0) + entries->metadata_size;
    size_t slots = count * (1 + ve__store_text_slots(text, store->table->payload_bytes));
    ve_status status = make_writer(store, &writer, slots);
    for (size_t i = 0; i < count && status == VE_OK; i++)
        status = append_entry(store, &writer, &entries[i], first_id + i, VE__NO_SLOT, i + 1 == count);
    if (status == VE_OK)
        status = commit(store, &writer);
    status = conclude(store, &writer, status);
    for (size_t i = 0; i < count && ids && status == VE_OK; i++)
        ids[i] = first_id + i;
    return status;
}

ve_status ve__store_add(ve_store *store, const ve_store_entry *entries, size_t count, uint64_t *ids)
{
    if (count == 0)
        return VE_OK;
    VE_TRY(ve__store_begin(store));
    ve_status status = add_all(store, entries, count, ids);
    ve__store_end(store);
    return status;
}

static ve_status no_such_id(const ve_store *store, uint64_t id)
{
    return ve__fail(VE_ERR_NOT_FOUND, "%s holds no vector %llu", store->path, (unsigned long long)id);
}

static ve_status replace(ve_store *store, uint64_t id, const ve_store_entry *entry)
{
    ve__slot_writer writer;
    uint32_t row = ve__table_find(store->table, id);
    if (row == VE__NO_ROW)
        return no_such_id(store, id);
    ve_status status = make_writer(store, &writer, 64);
    if (status == VE_OK)
        status = append_entry(store, &writer, entry, id, ve__table_row(store->table, row)->slot, 1);
    if (status == VE_OK)
        status = commit(store, &writer);
    return conclude(store, &writer, status);
}

ve_status ve__store_replace(ve_store *store, uint64_t id, const ve_store_entry *entry)
{
    VE_TRY(ve__store_begin(store));
    ve_status status = replace(store, id, entry);
    ve__store_end(store);
    return status;
}

/* Removes a row and, with all_of_label, those that follow it in its label's chain. */
static ve_status remove_rows(ve_store *store, uint32_t row, int all_of_label)
{
    ve__table *table = store->table;
    ve__slot_writer writer;
    ve_status status = make_writer(store, &writer, 64);
    while (row != VE__NO_ROW && status == VE_OK) {
        const ve__row *facts = ve__table_row(table, row);
        uint32_t next = all_of_label ? facts->next : VE__NO_ROW;
        status = ve__table_stage_removal(table, facts->id, facts->slot);
        if (status == VE_OK)
            status =
                ve__slot_writer_remove(&writer, facts->id, facts->slot, table->commit + 1, next == VE__NO_ROW);
        row = next;
    }
    if (status == VE_OK)
        status = commit(store, &writer);
    return conclude(store, &writer, status);
}

ve_status ve__store_remove(ve_store *store, uint64_t id)
{
    VE_TRY(ve__store_begin(store));
    uint32_t row = ve__table_find(store->table, id);
    ve_status status = row == VE__NO_ROW ? no_such_id(store, id) : remove_rows(store, row, 0);
    ve__store_end(store);
    return status;
}

static ve_status remove_label(ve_store *store, const char *label, uint64_t *removed)
{
    const ve__labels *labels = &store->table->labels;
    uint32_t found = ve__labels_find(labels, label, strlen(label));
    if (found == VE__NO_LABEL || labels->entries[found].count == 0)
        return ve__fail(VE_ERR_NOT_FOUND, "%s holds no vector labelled \"%s\"", store->path, label);
    uint64_t count = labels->entries[found].count;
    VE_TRY(remove_rows(store, labels->entries[found].first_row, 1));
    if (removed)
        *removed = count;
    return VE_OK;
}

ve_status ve__store_remove_label(ve_store *store, const char *label, uint64_t *removed)
{
    VE_TRY(ve__store_begin(store));
    ve_status status = remove_label(store, label, removed);
    ve__store_end(store);
    return status;
}

ve_status ve__store_tidy(ve_store *store)
{
    uint32_t wait_ms = store->lock_wait_ms;
    store->lock_wait_ms = 0;
    ve_status status = ve__store_begin(store);
    store->lock_wait_ms = wait_ms;
    if (status == VE_ERR_BUSY)
        return VE_OK; /* whoever holds the lock has tidied up */
    VE_TRY(status);
    status = ve__io_unlink(&store->io, store->temporary_path);
    if (status == VE_OK && !(store->flags & VE_STORE_DEFER_ERASE))
        status = erase_removed(store);
    ve__store_end(store);
    return status;
}
