/* SPDX-License-Identifier: MIT */
/* Opening, closing, and keeping up with others. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/store.h"

#define DEFAULT_WAIT_MS 10000u

/* One of the two models that the caller takes for the same? */
static int is_declared(const ve_store *store, const char *fingerprint)
{
    return strcmp(store->fingerprint, fingerprint) == 0 ||
           (store->compatible[0] && strcmp(store->compatible, fingerprint) == 0);
}

ve_status ve__store_check_model(const ve_store *store, const char *fingerprint)
{
    const ve__store_header *header = &store->table->header;
    if (!fingerprint || strcmp(fingerprint, header->fingerprint) == 0)
        return VE_OK;
    if (store->compatible[0] && is_declared(store, fingerprint)) /* the file's own is, since it was opened */
        return VE_OK;
    return ve__fail(VE_ERR_MISMATCH, "%s belongs to %s%s%s, the vectors come from model %s", store->path,
                    header->fingerprint[0] ? "model " : "no model", header->fingerprint,
                    header->model_name[0] ? " (see its name in ve_store_info)" : "", fingerprint);
}

/* Does the file belong to what the caller said at opening? */
static ve_status check_binding(const ve_store *store, const ve__table *table, uint32_t metric)
{
    const ve__store_header *header = &table->header;
    if (store->is_bound && !is_declared(store, header->fingerprint))
        return ve__fail(VE_ERR_MISMATCH, "%s belongs to model %s (%s), not to model %s", store->path,
                        header->fingerprint[0] ? header->fingerprint : "none",
                        header->model_name[0] ? header->model_name : "no name", store->fingerprint);
    if (store->dim && store->dim != header->dim)
        return ve__fail(VE_ERR_MISMATCH, "%s holds vectors of %u dimensions, not of %u", store->path,
                        header->dim, store->dim);
    if (metric && metric != header->metric)
        return ve__fail(VE_ERR_MISMATCH, "%s has metric %u, not %u", store->path, header->metric, metric);
    return VE_OK;
}

static ve_status make_paths(ve_store *store, const char *path)
{
    size_t length = strlen(path);
    char *block = ve__allocate(3 * (length + 6));
    if (!block)
        return ve__fail(VE_ERR_MEMORY, "no memory for the name %s", path);
    store->path = block;
    store->lock_path = block + length + 6;
    store->temporary_path = store->lock_path + length + 6;
    memcpy(store->path, path, length + 1);
    memcpy(store->lock_path, path, length);
    memcpy(store->lock_path + length, ".lock", 6);
    memcpy(store->temporary_path, path, length);
    memcpy(store->temporary_path + length, ".tmp", 5);
    return VE_OK;
}

static ve_status open_lock(ve_store *store)
{
    ve__file_facts facts;
    if (store->flags & (VE_STORE_CREATE | VE_STORE_NEW))
        VE_TRY(ve__io_make_folder(&store->io, store->path));
    else
        VE_TRY(ve__io_facts_of_path(&store->io, store->path, &facts));
    VE_TRY(ve__io_open(&store->io, store->lock_path, O_RDWR | O_CREAT, &store->lock_file));
    if (!(store->flags & VE_STORE_EXCLUSIVE))
        return VE_OK;
    return ve__io_lock(&store->io, &store->lock_file, store->lock_wait_ms);
}

static ve_status load(ve_store *store, const ve_store_options *options)
{
    ve__replayed replayed = {0, 0};
    if (!(store->flags & VE_STORE_READ_ONLY))
        VE_TRY(open_lock(store));
    if (store->flags & (VE_STORE_CREATE | VE_STORE_NEW))
        VE_TRY(ve__store_create(store, options));
    VE_TRY(ve__store_load(&store->io, store->seal, store->path, store->flags, &store->table, &replayed));
    store->dropped_bytes = replayed.torn_bytes;
    VE_TRY(check_binding(store, store->table, options->metric));
    return store->flags & VE_STORE_READ_ONLY ? VE_OK : ve__store_tidy(store);
}

static ve_status fill(ve_store *store, const ve_store_options *options)
{
    store->flags = options->flags;
    store->dim = options->dim;
    store->lock_wait_ms = options->lock_wait_ms == 0                  ? DEFAULT_WAIT_MS
                          : options->lock_wait_ms == VE_STORE_NO_WAIT ? 0
                                                                      : options->lock_wait_ms;
    store->seal = options->seal;
    store->is_bound = options->fingerprint != NULL;
    if (options->fingerprint)
        strncpy(store->fingerprint, options->fingerprint, sizeof store->fingerprint - 1);
    if (options->compatible)
        strncpy(store->compatible, options->compatible, sizeof store->compatible - 1);
    VE_TRY(ve__kernels_select(&store->kernels));
    if (options->threads > 1)
        VE_TRY(ve__pool_create(options->threads, &store->pool));
    return VE_OK;
}

ve_status ve__store_open(const char *path, const ve_store_options *options, const ve__io *io, ve_store **result)
{
    ve_store *store = ve__allocate_zeroed(sizeof *store);
    if (!store)
        return ve__fail(VE_ERR_MEMORY, "no memory for a store");
    store->io = *io;
    store->owner = getpid();
    store->lock_file.descriptor = -1;
    pthread_mutex_init(&store->writer, NULL);
    pthread_mutex_init(&store->pool_lock, NULL);
    ve__gate_make(&store->gate);
    ve_status status = make_paths(store, path);
    if (status == VE_OK)
        status = fill(store, options);
    if (status == VE_OK)
        status = load(store, options);
    if (status != VE_OK) {
        ve__store_close(store);
        return status;
    }
    *result = store;
    return VE_OK;
}

/* Notes in the header how many slots are on the disk: from now on damage to them cannot look like a torn tail.
 * Only helps; nothing depends on its success. Not synced: it may arrive late or never, but never too early. */
static void write_mark(ve_store *store)
{
    ve__table *table = store->table;
    ve__file_facts facts;
    uint8_t mark[VE__STORE_MARK_BYTES];
    if (!table || !ve__store_is_ours(store) || store->flags & VE_STORE_READ_ONLY || store->has_failed ||
        !table->is_synced || table->end_slot <= table->header.marked_slots)
        return;
    if (!(store->flags & VE_STORE_EXCLUSIVE) && ve__io_lock(&store->io, &store->lock_file, 0) != VE_OK)
        return;
    ve__store_mark_encode(table->end_slot, table->header.salt, mark);
    if (ve__io_facts_of_path(&store->io, store->path, &facts) == VE_OK && facts.inode == table->inode &&
        facts.device == table->device &&
        facts.size >= ve__store_slot_offset(table->header.dim, table->end_slot))
        ve__io_write(&store->io, &table->file, VE__STORE_MARK_OFFSET, mark, sizeof mark);
    if (!(store->flags & VE_STORE_EXCLUSIVE))
        ve__io_unlock(&store->lock_file);
}

int ve__store_is_ours(const ve_store *store)
{
    return store->owner == getpid();
}

void ve__store_close(ve_store *store)
{
    if (!store)
        return;
    write_mark(store);
    ve__table_free(store->table);
    ve__io_close(&store->lock_file);
    if (ve__store_is_ours(store)) /* a forked process has no threads to stop */
        ve__pool_free(store->pool);
    ve__gate_free(&store->gate);
    pthread_mutex_destroy(&store->pool_lock);
    pthread_mutex_destroy(&store->writer);
    ve__release(store->path);
    ve__release(store);
}

/* Is the open file still the one at the path, and the same as it was? Compaction renames; a copy over the file
 * leaves the inode and changes the salt. */
static ve_status is_same_file(ve_store *store, const ve__file_facts *facts, int *is_same)
{
    const ve__table *table = store->table;
    uint8_t page[VE__STORE_HEADER_BYTES];
    ve__store_header header;
    size_t done;
    *is_same = 0;
    if (facts->device != table->device || facts->inode != table->inode ||
        facts->size < ve__store_slot_offset(table->header.dim, table->end_slot))
        return VE_OK;
    VE_TRY(ve__io_read(&store->io, &table->file, 0, page, sizeof page, &done));
    VE_TRY(ve__store_header_decode(page, done, 0, store->path, &header));
    *is_same = memcmp(header.salt, table->header.salt, sizeof header.salt) == 0;
    return VE_OK;
}

static ve_status load_other_file(ve_store *store)
{
    ve__table *table, *old = store->table;
    ve__replayed replayed = {0, 0};
    VE_TRY(ve__store_load(&store->io, store->seal, store->path, store->flags, &table, &replayed));
    ve_status status = check_binding(store, table, old->header.metric);
    if (status == VE_OK && table->header.dim != old->header.dim)
        status = ve__fail(VE_ERR_MISMATCH, "%s now holds vectors of %u dimensions, not of %u", store->path,
                          table->header.dim, old->header.dim);
    if (status != VE_OK) {
        ve__table_free(table);
        return status;
    }
    store->dropped_bytes = replayed.torn_bytes;
    ve__gate_write(&store->gate);
    store->table = table;
    ve__gate_leave(&store->gate);
    ve__table_free(old);
    return VE_OK;
}

ve_status ve__store_catch_up(ve_store *store, int *has_changed)
{
    ve__file_facts facts;
    ve__replayed replayed = {0, 0};
    int is_same;
    *has_changed = 0;
    VE_TRY(ve__io_facts_of_path(&store->io, store->path, &facts));
    VE_TRY(is_same_file(store, &facts, &is_same));
    if (!is_same) {
        *has_changed = 1;
        return load_other_file(store);
    }
    if (facts.size == ve__store_slot_offset(store->table->header.dim, store->table->end_slot))
        return VE_OK;
    VE_TRY(ve__replay(&store->io, store->seal, store->table, &store->gate, &replayed));
    *has_changed = replayed.has_changed;
    if (replayed.has_changed)
        store->table->is_synced = 0;
    return VE_OK;
}
