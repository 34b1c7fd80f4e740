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

/* The header of the file that takes a table's rows; its key comes later. */
static void make_header(const ve__table *table, uint64_t generation, ve__store_header *made)
{
    ve__store_header header = table->header;
    header.generation = generation;
    header.next_id = ve__table_next_id(table);
    header.marked_slots = table->used_slots;
    header.is_sealed = 0;
    memset(header.parameters, 0, sizeof header.parameters);
    memset(header.key_nonce, 0, sizeof header.key_nonce);
    memset(header.wrapped_key, 0, sizeof header.wrapped_key);
    memset(header.key_tag, 0, sizeof header.key_tag);
    *made = header;
}

void ve__new_file_free(ve__new_file *made)
{
    ve__io_close(&made->file);
    ve__pages_give(&made->key);
}

ve_status ve__store_write_file(const ve__io *io, const ve__table *table, const ve_store_seal *seal,
                               uint64_t generation, const char *path, ve__new_file *made)
{
    memset(made, 0, sizeof *made);
    made->file.descriptor = -1;
    make_header(table, generation, &made->header);
    VE_TRY(ve__store_make_salt(io, made->header.salt));
    if (seal)
        VE_TRY(ve__seal_make_key(io, seal, &made->header, &made->key));
    ve_status status = ve__io_open(io, path, O_RDWR | O_CREAT | O_EXCL, &made->file);
    if (status == VE_OK) {
        status = write_contents(io, table, seal, &made->header, &made->key, &made->file);
        if (status == VE_OK)
            status = ve__io_facts(io, &made->file, &made->facts);
        if (status != VE_OK)
            discard(io, path, status);
    }
    if (status != VE_OK)
        ve__new_file_free(made);
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
    ve__new_file made;
    ve__file none = {-1, NULL};
    if (options->fingerprint)
        strncpy(header.fingerprint, options->fingerprint, sizeof header.fingerprint - 1);
    if (options->model_name)
        strncpy(header.model_name, options->model_name, sizeof header.model_name - 1);
    VE_TRY(ve__table_create(&store->io, &header, &none, 0, 0, &table));
    ve_status status = ve__io_unlink(&store->io, store->temporary_path);
    if (status == VE_OK)
        status = ve__store_write_file(&store->io, table, store->seal, 1, store->temporary_path, &made);
    if (status == VE_OK)
        ve__new_file_free(&made);
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

/* The new file is in place and holds what the table holds: the table goes on with it. Reading the file back
 * would take the memory of two tables. Cannot fail. */
static void adopt(ve_store *store, ve__new_file *made, uint32_t *moves)
{
    ve__table *table = store->table;
    ve__gate_write(&store->gate);
    ve__table_renumber(table);
    ve__table_squeeze(table, moves);
    ve__io_close(&table->file);
    ve__pages_give(&table->key);
    table->file = (ve__file){made->file.descriptor, store->path};
    table->key = made->key;
    table->header = made->header;
    table->device = made->facts.device;
    table->inode = made->facts.inode;
    table->commit = (table->live_count + COMMIT_RECORDS - 1) / COMMIT_RECORDS;
    table->unerased_count = 0;
    table->is_synced = 1;
    store->dropped_bytes = 0;
    ve__gate_leave(&store->gate);
}

static ve_status rewrite(ve_store *store, const ve_store_seal *seal, uint32_t *moves)
{
    ve__new_file made;
    VE_TRY(ve__io_unlink(&store->io, store->temporary_path));
    VE_TRY(ve__store_write_file(&store->io, store->table, seal, store->table->header.generation + 1,
                                store->temporary_path, &made));
    store->seal = seal;
    ve_status status = put_in_place(store);
    if (status == VE_OK) {
        adopt(store, &made, moves);
        return VE_OK;
    }
    store->has_failed = 1; /* which of the two files will be there after a crash is not known */
    ve__new_file_free(&made);
    return status;
}

ve_status ve__store_rewrite(ve_store *store, int has_new_seal, const ve_store_seal *new_seal)
{
    VE_TRY(ve__store_begin(store));
    const ve_store_seal *seal = has_new_seal ? new_seal : store->table->header.is_sealed ? store->seal : NULL;
    uint32_t *moves = ve__allocate(((size_t)store->table->row_count + 1) * sizeof *moves);
    ve_status status =
        moves ? rewrite(store, seal, moves) : ve__fail(VE_ERR_MEMORY, "no memory to compact %s", store->path);
    ve__release(moves);
    ve__store_end(store);
    return status;
}
