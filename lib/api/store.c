/* SPDX-License-Identifier: MIT */
/* The store's public functions: arguments are checked here, the work is done in store/. */
#include "store/store.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/objects.h"

/* ve_store_options before `compatible`. */
#define SMALLEST_OPTIONS ((uint32_t)offsetof(ve_store_options, compatible))

static const ve__io plain_io;

/* ---- opening */

static ve_status check_fingerprint(const char *fingerprint)
{
    size_t length = fingerprint ? strlen(fingerprint) : 64;
    if (length != 64 || (fingerprint && strspn(fingerprint, "0123456789abcdef") != length))
        return ve__fail(VE_ERR_ARGUMENT, "a model's fingerprint is 64 hex digits in lower case, not \"%.80s\"",
                        fingerprint);
    return VE_OK;
}

static ve_status check_options(const ve_store_options *options)
{
    const uint32_t makes = VE_STORE_CREATE | VE_STORE_NEW;
    const uint32_t known = VE_STORE_READ_ONLY | makes | VE_STORE_EXCLUSIVE | VE_STORE_DEFER_ERASE |
                           VE_STORE_ALLOW_SHARED | VE_STORE_CODES;
    if (options->flags & ~known)
        return ve__fail(VE_ERR_UNSUPPORTED, "unknown flags 0x%x", options->flags & ~known);
    if (options->flags & VE_STORE_READ_ONLY &&
        options->flags & (makes | VE_STORE_EXCLUSIVE | VE_STORE_DEFER_ERASE))
        return ve__fail(VE_ERR_ARGUMENT, "a store that is read only cannot be made or changed");
    if (options->flags & makes && options->dim == 0)
        return ve__fail(VE_ERR_ARGUMENT, "dim is needed to make a store");
    if (options->dim > VE_MAX_DIM)
        return ve__fail(VE_ERR_ARGUMENT, "dim is %u, above %u", options->dim, VE_MAX_DIM);
    if (options->metric > VE_METRIC_INNER_PRODUCT)
        return ve__fail(VE_ERR_ARGUMENT, "metric %u is none of ve_metric", options->metric);
    if (options->threads > VE__MAX_THREADS)
        return ve__fail(VE_ERR_ARGUMENT, "%u threads, above %u", options->threads, VE__MAX_THREADS);
    if (options->model_name && strlen(options->model_name) > 127)
        return ve__fail(VE_ERR_ARGUMENT, "model_name is longer than 127 bytes");
    if (options->seal && options->seal->struct_size < sizeof *options->seal)
        return ve__fail(VE_ERR_ARGUMENT, "the seal's struct_size is %u", options->seal->struct_size);
    if (options->compatible && !options->fingerprint)
        return ve__fail(VE_ERR_ARGUMENT, "a compatible model is declared, but no model's fingerprint is given");
    VE_TRY(check_fingerprint(options->compatible));
    return check_fingerprint(options->fingerprint);
}

ve_status ve_store_open(const char *path, const ve_store_options *options, ve_store **store)
{
    ve_store_options ours;
    VE_CHECK_ARG(path != NULL && path[0] != 0);
    VE_CHECK_ARG(store != NULL);
    VE_TRY(ve__options_copy(&ours, sizeof ours, options, SMALLEST_OPTIONS));
    VE_TRY(check_options(&ours));
    return ve__store_open(path, &ours, &plain_io, store);
}

void ve_store_close(ve_store *store)
{
    ve__store_close(store);
}

/* ---- facts */

static void fill_info(const ve_store *store, ve_store_info *info)
{
    const ve__table *table = store->table;
    uint64_t used = ve__store_slot_offset(table->header.dim, table->used_slots);
    info->dim = table->header.dim;
    info->metric = table->header.metric;
    info->is_sealed = table->header.is_sealed;
    info->count = table->live_count;
    info->label_count = table->labels.used;
    info->next_id = ve__table_next_id(table);
    info->generation = table->header.generation;
    info->file_bytes = ve__store_slot_offset(table->header.dim, table->end_slot);
    info->unused_bytes = info->file_bytes - used;
    info->dropped_bytes = store->dropped_bytes;
    info->memory_bytes = ve__table_memory(table);
    info->is_locked_in_memory = (uint32_t)ve__table_is_locked(table);
    info->format_version = VE__STORE_VERSION;
    memcpy(info->fingerprint, table->header.fingerprint, sizeof info->fingerprint);
    memcpy(info->model_name, table->header.model_name, sizeof info->model_name);
    strncpy(info->kernels, store->kernels->name, sizeof info->kernels - 1);
}

ve_status ve_store_get_info(ve_store *store, ve_store_info *info)
{
    ve_store_info ours;
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(info != NULL);
    if (info->struct_size < sizeof ours.struct_size)
        return ve__fail(VE_ERR_ARGUMENT, "set info->struct_size first: VE_STORE_INFO_INIT");
    memset(&ours, 0, sizeof ours);
    ve__gate_read(&store->gate);
    fill_info(store, &ours);
    ve__gate_leave(&store->gate);
    ours.struct_size = info->struct_size;
    memcpy(info, &ours, info->struct_size < sizeof ours ? info->struct_size : sizeof ours);
    return VE_OK;
}

uint64_t ve_store_count(ve_store *store)
{
    if (!store)
        return 0;
    ve__gate_read(&store->gate);
    uint64_t count = store->table->live_count;
    ve__gate_leave(&store->gate);
    return count;
}

/* ---- changes */

/* The bytes of the character at text, 0 when it is no valid UTF-8 (RFC 3629) or a control character. */
static size_t character_bytes(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 0x20}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < 4; more++) {
        if ((text[0] & forms[more].mask) != forms[more].lead)
            continue;
        uint32_t code = text[0] & (unsigned char)~forms[more].mask;
        for (size_t i = 1; i <= more; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (text[i] & 0x3fu);
        }
        int is_bad = code < forms[more].smallest || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
                     (code >= 0x7f && code < 0xa0);
        return is_bad ? 0 : more + 1;
    }
    return 0;
}

static ve_status check_label(const char *label)
{
    size_t length = strlen(label);
    if (length > VE_STORE_MAX_LABEL)
        return ve__fail(VE_ERR_TOO_LARGE, "a label of %zu bytes, above %u", length, VE_STORE_MAX_LABEL);
    for (size_t at = 0, bytes; at < length; at += bytes) {
        bytes = character_bytes((const unsigned char *)label + at);
        if (bytes == 0)
            return ve__fail(VE_ERR_ARGUMENT, "label: byte %zu is a control character or no UTF-8", at);
    }
    return VE_OK;
}

static ve_status check_entry(const ve_store *store, const ve_store_entry *entry)
{
    VE_CHECK_ARG(entry->vector != NULL);
    VE_CHECK_ARG(entry->metadata != NULL || entry->metadata_size == 0);
    VE_TRY(check_fingerprint(entry->fingerprint));
    VE_TRY(ve__store_check_model(store, entry->fingerprint));
    if (entry->dim != store->table->header.dim)
        return ve__fail(VE_ERR_MISMATCH, "%s holds vectors of %u dimensions, not of %zu", store->path,
                        store->table->header.dim, entry->dim);
    if (entry->metadata_size > VE_STORE_MAX_METADATA)
        return ve__fail(VE_ERR_TOO_LARGE, "%zu bytes of metadata, above %u", entry->metadata_size,
                        VE_STORE_MAX_METADATA);
    double squares = ve__store_squares(entry->vector, entry->dim);
    if (!isfinite(squares))
        return ve__fail(VE_ERR_ARGUMENT, "the vector holds a value that is infinite or not a number");
    if (!(squares > 0))
        return ve__fail(VE_ERR_ARGUMENT, "the vector is zero");
    return entry->label ? check_label(entry->label) : VE_OK;
}

static ve_status check_entries(ve_store *store, const ve_store_entry *entries, size_t count)
{
    ve_status status = VE_OK;
    ve__gate_read(&store->gate);
    for (size_t i = 0; i < count && status == VE_OK; i++) {
        status = check_entry(store, &entries[i]);
        if (status != VE_OK && count > 1)
            ve__fail_within(status, "entry %zu of %zu", i, count);
    }
    ve__gate_leave(&store->gate);
    return status;
}

ve_status ve_store_add_many(ve_store *store, const ve_store_entry *entries, size_t count, uint64_t *ids)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(entries != NULL || count == 0);
    if (count > VE_STORE_MAX_BATCH)
        return ve__fail(VE_ERR_TOO_LARGE, "%zu entries at once, above %u", count, VE_STORE_MAX_BATCH);
    VE_TRY(check_entries(store, entries, count));
    return ve__store_add(store, entries, count, ids);
}

ve_status ve_store_add(ve_store *store, const ve_store_entry *entry, uint64_t *id)
{
    VE_CHECK_ARG(entry != NULL);
    return ve_store_add_many(store, entry, 1, id);
}

ve_status ve_store_replace(ve_store *store, uint64_t id, const ve_store_entry *entry)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(entry != NULL);
    VE_TRY(check_entries(store, entry, 1));
    return ve__store_replace(store, id, entry);
}

ve_status ve_store_remove(ve_store *store, uint64_t id)
{
    VE_CHECK_ARG(store != NULL);
    return ve__store_remove(store, id);
}

ve_status ve_store_remove_label(ve_store *store, const char *label, uint64_t *removed)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(label != NULL);
    return ve__store_remove_label(store, label, removed);
}

/* ---- reading */

static void copy_record(const ve__table *table, uint32_t row, ve_store_record *record, float *vector)
{
    const ve__row *facts = ve__table_row(table, row);
    const ve__label *label = &table->labels.entries[facts->label];
    if (record) {
        memset(record, 0, sizeof *record);
        record->id = facts->id;
        record->metadata_size = facts->metadata_size;
        memcpy(record->label, label->text, label->length);
    }
    if (vector)
        memcpy(vector, ve__table_vector(table, row), table->header.dim * sizeof *vector);
}

static ve_status no_such_id(uint64_t id)
{
    return ve__fail(VE_ERR_NOT_FOUND, "there is no vector %llu", (unsigned long long)id);
}

ve_status ve_store_get(ve_store *store, uint64_t id, ve_store_record *record, float *vector)
{
    VE_CHECK_ARG(store != NULL);
    ve__gate_read(&store->gate);
    uint32_t row = ve__table_find(store->table, id);
    if (row != VE__NO_ROW)
        copy_record(store->table, row, record, vector);
    ve__gate_leave(&store->gate);
    return row != VE__NO_ROW ? VE_OK : no_such_id(id);
}

static ve_status copy_metadata(const ve__table *table, uint64_t id, void *metadata, size_t capacity,
                               size_t *size)
{
    uint32_t row = ve__table_find(table, id);
    if (row == VE__NO_ROW)
        return no_such_id(id);
    const ve__row *facts = ve__table_row(table, row);
    *size = facts->metadata_size;
    if (*size > capacity)
        return ve__fail(VE_ERR_TOO_SMALL, "%zu bytes of metadata, room for %zu", *size, capacity);
    if (*size > 0)
        memcpy(metadata, facts->metadata, *size);
    return VE_OK;
}

ve_status ve_store_get_metadata(ve_store *store, uint64_t id, void *metadata, size_t capacity, size_t *size)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(metadata != NULL || capacity == 0);
    VE_CHECK_ARG(size != NULL);
    ve__gate_read(&store->gate);
    ve_status status = copy_metadata(store->table, id, metadata, capacity, size);
    ve__gate_leave(&store->gate);
    return status;
}

ve_status ve_store_next(ve_store *store, uint64_t after_id, ve_store_record *record, float *vector)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(record != NULL);
    ve__gate_read(&store->gate);
    const ve__ids *ids = &store->table->ids;
    size_t place = after_id == UINT64_MAX ? ids->count : ve__ids_place(ids, after_id + 1);
    while (place < ids->count && ids->rows[place] == VE__NO_ROW)
        place++;
    int is_there = place < ids->count;
    if (is_there)
        copy_record(store->table, ids->rows[place], record, vector);
    ve__gate_leave(&store->gate);
    return is_there ? VE_OK : ve__fail(VE_ERR_NOT_FOUND, "no vector after %llu", (unsigned long long)after_id);
}

static int by_label(const void *a, const void *b)
{
    return strcmp(((const ve_store_label *)a)->label, ((const ve_store_label *)b)->label);
}

static ve_status copy_labels(const ve__labels *from, ve_store_label *labels, size_t capacity, size_t *count)
{
    size_t used = 0;
    *count = (size_t)from->used;
    if (*count > capacity)
        return ve__fail(VE_ERR_TOO_SMALL, "%zu labels, room for %zu", *count, capacity);
    for (uint32_t i = 0; i < from->entry_count; i++) {
        const ve__label *entry = &from->entries[i];
        if (!entry->text || entry->count == 0)
            continue;
        memset(&labels[used], 0, sizeof labels[used]);
        memcpy(labels[used].label, entry->text, entry->length);
        labels[used++].count = entry->count;
    }
    return VE_OK;
}

ve_status ve_store_labels(ve_store *store, ve_store_label *labels, size_t capacity, size_t *count)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(labels != NULL || capacity == 0);
    VE_CHECK_ARG(count != NULL);
    ve__gate_read(&store->gate);
    ve_status status = copy_labels(&store->table->labels, labels, capacity, count);
    ve__gate_leave(&store->gate);
    if (status == VE_OK && *count > 0)
        qsort(labels, *count, sizeof *labels, by_label);
    return status;
}

/* ---- search */

ve_status ve_store_search(ve_store *store, const float *queries, size_t query_count,
                          const ve_store_search_options *options, ve_match *matches, size_t *found)
{
    ve_store_search_options ours = VE_STORE_SEARCH_OPTIONS_INIT;
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(queries != NULL || query_count == 0);
    if (options)
        VE_TRY(ve__options_copy(&ours, sizeof ours, options, sizeof ours));
    VE_CHECK_ARG(matches != NULL || ours.k == 0 || query_count == 0);
    VE_CHECK_ARG(found != NULL || query_count == 0);
    if (ours.flags & ~(VE_SEARCH_MIN_SCORE | VE_SEARCH_NO_CODES))
        return ve__fail(VE_ERR_UNSUPPORTED, "unknown search flags 0x%x", ours.flags);
    if (ours.k > VE_STORE_MAX_RESULTS)
        return ve__fail(VE_ERR_TOO_LARGE, "k is %u, above %u", ours.k, VE_STORE_MAX_RESULTS);
    if (ours.flags & VE_SEARCH_MIN_SCORE && isnan(ours.min_score))
        return ve__fail(VE_ERR_ARGUMENT, "min_score is not a number");
    VE_TRY(check_fingerprint(ours.fingerprint));
    return query_count == 0 ? VE_OK : ve__store_search(store, queries, query_count, &ours, matches, found);
}

/* ---- care */

ve_status ve_store_refresh(ve_store *store, int *changed)
{
    int has_changed = 0;
    VE_CHECK_ARG(store != NULL);
    pthread_mutex_lock(&store->writer);
    ve_status status = ve__store_catch_up(store, &has_changed);
    pthread_mutex_unlock(&store->writer);
    if (status == VE_OK && changed)
        *changed = has_changed;
    return status;
}

ve_status ve_store_compact(ve_store *store)
{
    VE_CHECK_ARG(store != NULL);
    return ve__store_rewrite(store, 0, NULL);
}

ve_status ve_store_reseal(ve_store *store, const ve_store_seal *seal)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(seal == NULL || seal->struct_size >= sizeof *seal);
    return ve__store_rewrite(store, 1, seal);
}

static ve_status check_report(const ve_store_report *report)
{
    VE_CHECK_ARG(report != NULL);
    if (report->struct_size < sizeof(ve_store_report))
        return ve__fail(VE_ERR_ARGUMENT, "set report->struct_size first: VE_STORE_REPORT_INIT");
    return VE_OK;
}

ve_status ve_store_check(const char *path, const ve_store_seal *seal, ve_store_report *report)
{
    ve_store_report ours = VE_STORE_REPORT_INIT;
    VE_CHECK_ARG(path != NULL);
    VE_TRY(check_report(report));
    ve_status status = ve__store_check(&plain_io, path, seal, &ours);
    if (status == VE_OK || status == VE_ERR_CORRUPT)
        *report = ours;
    return status;
}

ve_status ve_store_recover(const char *path, const char *new_path, const ve_store_seal *seal,
                           ve_store_report *report)
{
    ve_store_report ours = VE_STORE_REPORT_INIT;
    VE_CHECK_ARG(path != NULL);
    VE_CHECK_ARG(new_path != NULL);
    VE_TRY(check_report(report));
    VE_TRY(ve__store_recover(&plain_io, path, new_path, seal, &ours));
    *report = ours;
    return VE_OK;
}
