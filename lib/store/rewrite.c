/* SPDX-License-Identifier: MIT */
/* Whole files: an empty one for a new store, and a compacted one in an old one's place. Both are written under
 * a temporary name, synced, renamed, and the folder synced: at every moment PATH is one complete store or the
 * other. */
#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "store/replay.h"
#include "store/seal.h"
#include "store/store.h"

/* Records in one commit of a rewritten file. */
#define COMMIT_RECORDS 1024u

ve_status ve__store_make_salt(const ve__io *io, uint8_t salt[VE__STORE_SALT_BYTES])
{
    ve__file file;
    size_t done = 0;
    VE_TRY(ve__io_open(io, "/dev/urandom", O_RDONLY, &file));
    ve_status status = ve__io_read(io, &file, 0, salt, VE__STORE_SALT_BYTES, &done);
    ve__io_close(&file);
    if (status == VE_OK && done < VE__STORE_SALT_BYTES)
        status = ve__fail(VE_ERR_IO, "/dev/urandom gave too little");
    return status;
}

static ve_status write_header(const ve__io *io, const ve__file *file, const ve__store_header *header)
{
    uint8_t page[VE__STORE_HEADER_BYTES];
    ve__store_header_encode(header, page);
    return ve__io_write(io, file, 0, page, sizeof page);
}

static ve_status write_row(ve__slot_writer *writer, const ve__table *table, uint32_t row, uint64_t commit,
                           int is_last)
{
    const ve__row *facts = ve__table_row(table, row);
    const ve__label *label = &table->labels.entries[facts->label];
    ve__staged staged = {.id = facts->id,
                         .target = VE__NO_SLOT,
                         .text_slots = facts->text_slots,
                         .label = label->text,
                         .label_length = label->length,
                         .metadata = facts->metadata,
                         .metadata_size = facts->metadata_size};
    return ve__slot_writer_add(writer, &staged, ve__table_vector(table, row), commit, is_last);
}

/* All live rows by rising id. */
static ve_status write_rows(ve__slot_writer *writer, const ve__table *table)
{
    uint64_t written = 0;
    for (size_t i = 0; i < table->ids.count; i++) {
        if (table->ids.rows[i] == VE__NO_ROW)
            continue;
        uint64_t commit = written / COMMIT_RECORDS + 1;
        written++;
        int is_last = written % COMMIT_RECORDS == 0 || written == table->live_count;
        VE_TRY(write_row(writer, table, table->ids.rows[i], commit, is_last));
    }
    return ve__slot_writer_flush(writer);
}

static ve_status write_contents(const ve__io *io, const ve__table *table, const ve_store_seal *seal,
                                const ve__store_header *header, const ve__pages *key, const ve__file *file)
{
    ve__slot_writer writer;
    VE_TRY(write_header(io, file, header));
    VE_TRY(ve__slot_writer_make(&writer, io, seal, key, header, file, 0, SIZE_MAX));
    ve_status status = write_rows(&writer, table);
    ve__slot_writer_free(&writer);
    VE_TRY(status);
    return ve__io_sync(io, file);
}

/* Removes what could not be finished; the first failure's text stays. */
static void discard(const ve__io *io, const char *path, ve_status status)
{
    char detail[512];
    strncpy(detail, ve_last_error(), sizeof detail - 1);
    detail[sizeof detail - 1] = 0;
    ve__io_unlink(io, path);
    ve__fail(status, "%s", detail);
}

ve_status ve__store_write_file(const ve__io *io, const ve__table *table, const ve_store_seal *seal,
                               uint64_t generation, const char *path)
{
    ve__store_header header = table->header;
    ve__pages key = {NULL, 0, 0};
    ve__file file;
    header.generation = generation;
    header.next_id = ve__table_next_id(table);
    header.marked_slots = table->used_slots;
    header.is_sealed = 0;
    memset(header.parameters, 0, sizeof header.parameters);
    memset(header.key_nonce, 0, sizeof header.key_nonce);
    memset(header.wrapped_key, 0, sizeof header.wrapped_key);
    memset(header.key_tag, 0, sizeof header.key_tag);
    VE_TRY(ve__store_make_salt(io, header.salt));
    if (seal)
        VE_TRY(ve__seal_make_key(io, seal, &header, &key));
    ve_status status = ve__io_open(io, path, O_RDWR | O_CREAT | O_EXCL, &file);
    if (status == VE_OK) {
        status = write_contents(io, table, seal, &header, &key, &file);
        ve__io_close(&file);
        if (status != VE_OK)
            discard(io, path, status);
    }
    ve__pages_give(&key);
    return status;
}

/* Puts the finished temporary file in the store's place. */
static ve_status put_in_place(ve_store *store)
{
    VE_TRY(ve__io_rename(&store->io, store->temporary_path, store->path));
    return ve__io_sync_folder(&store->io, store->path);
}

static ve_status write_new(ve_store *store, const ve_store_options *options)
{
    ve__store_header header = {.dim = options->dim,
                               .metric = options->metric ? options->metric : VE_METRIC_COSINE,
                               .generation = 1,
                               .next_id = 1};
    ve__table *table;
    ve__file none = {-1, NULL};
    if (options->fingerprint)
        strncpy(header.fingerprint, options->fingerprint, sizeof header.fingerprint - 1);
    if (options->model_name)
        strncpy(header.model_name, options->model_name, sizeof header.model_name - 1);
    VE_TRY(ve__table_create(&store->io, &header, &none, 0, 0, &table));
    ve_status status = ve__io_unlink(&store->io, store->temporary_path);
    if (status == VE_OK)
        status = ve__store_write_file(&store->io, table, store->seal, 1, store->temporary_path);
    ve__table_free(table);
    return status == VE_OK ? put_in_place(store) : status;
}

ve_status ve__store_create(ve_store *store, const ve_store_options *options)
{
    ve__file_facts facts;
    uint32_t wait_ms = store->flags & VE_STORE_EXCLUSIVE ? 0 : store->lock_wait_ms;
    if (!(store->flags & VE_STORE_EXCLUSIVE))
        VE_TRY(ve__io_lock(&store->io, &store->lock_file, wait_ms));
    ve_status status = ve__io_facts_of_path(&store->io, store->path, &facts);
    if (status == VE_OK && options->flags & VE_STORE_NEW)
        status = ve__fail(VE_ERR_EXISTS, "%s is there already", store->path);
    else if (status == VE_ERR_NOT_FOUND)
        status = write_new(store, options);
    if (!(store->flags & VE_STORE_EXCLUSIVE))
        ve__io_unlock(&store->lock_file);
    return status;
}

/* The new file is in place: read it, and let it take the old one's place in memory. */
static ve_status reload(ve_store *store)
{
    int has_changed;
    return ve__store_catch_up(store, &has_changed);
}

ve_status ve__store_rewrite(ve_store *store, int has_new_seal, const ve_store_seal *new_seal)
{
    VE_TRY(ve__store_begin(store));
    const ve_store_seal *seal = has_new_seal ? new_seal : store->table->header.is_sealed ? store->seal : NULL;
    ve_status status = ve__io_unlink(&store->io, store->temporary_path);
    if (status == VE_OK)
        status = ve__store_write_file(&store->io, store->table, seal, store->table->header.generation + 1,
                                      store->temporary_path);
    if (status == VE_OK) {
        store->seal = seal;
        status = put_in_place(store);
        if (status != VE_OK) /* which of the two files will be there after a crash is not known */
            store->has_failed = 1;
    }
    if (status == VE_OK)
        status = reload(store);
    ve__store_end(store);
    return status;
}
