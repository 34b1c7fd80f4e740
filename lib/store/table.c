/* SPDX-License-Identifier: MIT */
/* The store's table: chunks, staging, applying. */
#include "store/table.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/kernels.h"
#include "store/codes.h"

#define SMALLEST_CHUNK 64u

ve_status ve__table_create(const ve__io *io, const ve__store_header *header, ve__file *file, size_t rows,
                           int with_codes, ve__table **result)
{
    ve__table *table = ve__allocate_zeroed(sizeof *table);
    float *vectors;
    size_t got;
    if (!table)
        return ve__fail(VE_ERR_MEMORY, "no memory for a store");
    table->header = *header;
    table->payload_bytes = ve__store_payload_bytes(header->dim);
    table->slot_bytes = ve__store_slot_bytes(header->dim);
    table->codes_bytes = with_codes ? ve__codes_bytes(header->dim) : 0;
    table->next_id = 1;
    const ve__kernels *kernels;
    if (with_codes && ve__kernels_select(&kernels) == VE_OK)
        table->kernels = &kernels->search;
    else
        table->codes_bytes = 0;
    table->file.descriptor = -1;
    for (size_t wanted = rows; wanted > 0; wanted = 0) { /* the first chunk holds them all */
        ve_status status = ve__table_room(io, table, wanted, &vectors, &got);
        if (status != VE_OK) {
            ve__table_free(table);
            return status;
        }
    }
    table->file = *file;
    file->descriptor = -1;
    *result = table;
    return VE_OK;
}

static void free_chunk(ve__chunk *chunk, uint32_t rows)
{
    for (uint32_t i = 0; chunk->rows && i < rows; i++) {
        ve__wipe(chunk->rows[i].metadata, chunk->rows[i].metadata_size);
        ve__release(chunk->rows[i].metadata);
    }
    ve__release(chunk->rows);
    ve__pages_give(&chunk->vectors);
    ve__pages_give(&chunk->codes);
}

void ve__table_drop_chunks(ve__table *table)
{
    while (table->chunk_count > 0 && table->chunks[table->chunk_count - 1].first >= table->row_staged &&
           table->chunks[table->chunk_count - 1].first > 0)
        free_chunk(&table->chunks[--table->chunk_count], 0);
}

void ve__table_free(ve__table *table)
{
    if (!table)
        return;
    for (unsigned i = 0; i < table->chunk_count; i++) {
        ve__chunk *chunk = &table->chunks[i];
        uint32_t rows = table->row_staged > chunk->first ? table->row_staged - chunk->first : 0;
        free_chunk(chunk, rows < chunk->capacity ? rows : chunk->capacity);
    }
    ve__pages_give(&table->key);
    ve__io_close(&table->file);
    ve__ids_free(&table->ids);
    ve__labels_free(&table->labels);
    ve__release(table->changes);
    ve__release(table->dead_ids);
    ve__release(table->unerased);
    ve__wipe(table, sizeof *table);
    ve__release(table);
}

ve__chunk *ve__table_chunk(const ve__table *table, uint32_t row)
{
    unsigned i = 0;
    while (row - table->chunks[i].first >= table->chunks[i].capacity)
        i++;
    return (ve__chunk *)&table->chunks[i];
}

float *ve__table_vector(const ve__table *table, uint32_t row)
{
    return ve__chunk_vector(table, ve__table_chunk(table, row), row);
}

ve__row *ve__table_row(const ve__table *table, uint32_t row)
{
    ve__chunk *chunk = ve__table_chunk(table, row);
    return &chunk->rows[row - chunk->first];
}

double ve__store_squares(const float *vector, size_t dim)
{
    double sums[4] = {0, 0, 0, 0};
    size_t i = 0;
    for (; i + 4 <= dim; i += 4)
        for (size_t j = 0; j < 4; j++)
            sums[j] += (double)vector[i + j] * vector[i + j];
    for (; i < dim; i++)
        sums[0] += (double)vector[i] * vector[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static ve_status add_codes(const ve__io *io, ve__table *table, ve__chunk *chunk)
{
    size_t codes = (size_t)chunk->capacity * table->codes_bytes;
    VE_TRY(ve__pages_take(io, codes + (size_t)chunk->capacity * 2 * sizeof(float), &chunk->codes));
    chunk->scales = (float *)((char *)chunk->codes.bytes + codes);
    chunk->errors = chunk->scales + chunk->capacity;
    return VE_OK;
}

static ve_status add_chunk(const ve__io *io, ve__table *table, size_t wanted)
{
    ve__chunk chunk = {.first = table->row_staged};
    size_t capacity = table->row_staged / 2, bytes;
    capacity = capacity < wanted ? wanted : capacity;
    capacity = ve__round_up(capacity < SMALLEST_CHUNK ? SMALLEST_CHUNK : capacity, 16);
    if (table->chunk_count == VE__MAX_CHUNKS || capacity > VE__NO_ROW - 1 - table->row_staged ||
        !ve__multiply(capacity, table->slot_bytes, &bytes))
        return ve__fail(VE_ERR_TOO_LARGE, "more vectors than one store can hold");
    chunk.capacity = (uint32_t)capacity;
    chunk.rows = ve__allocate(capacity * sizeof *chunk.rows);
    if (!chunk.rows)
        return ve__fail(VE_ERR_MEMORY, "no memory for %zu vectors", capacity);
    ve_status status = ve__pages_take(io, capacity * table->payload_bytes, &chunk.vectors);
    if (status == VE_OK && table->codes_bytes)
        status = add_codes(io, table, &chunk);
    if (status != VE_OK) {
        free_chunk(&chunk, 0);
        return status;
    }
    table->chunks[table->chunk_count++] = chunk;
    return VE_OK;
}

ve_status ve__table_room(const ve__io *io, ve__table *table, size_t wanted, float **vectors, size_t *rows)
{
    ve__chunk *last = table->chunk_count ? &table->chunks[table->chunk_count - 1] : NULL;
    if (!last || table->row_staged - last->first >= last->capacity) {
        VE_TRY(add_chunk(io, table, wanted));
        last = &table->chunks[table->chunk_count - 1];
    }
    size_t left = last->capacity - (table->row_staged - last->first);
    *rows = left < wanted ? left : wanted;
    *vectors = ve__chunk_vector(table, last, table->row_staged);
    return VE_OK;
}

/* One more change that ve__table_apply makes. */
static ve_status add_change(ve__table *table, uint64_t id, uint64_t target, uint32_t new_row)
{
    if (table->change_count == table->change_capacity) {
        size_t capacity = table->change_capacity ? table->change_capacity * 2 : 16;
        ve__change *grown = ve__resize(table->changes, capacity * sizeof *grown);
        if (!grown)
            return ve__fail(VE_ERR_MEMORY, "no memory for %zu changes of a store", capacity);
        table->changes = grown;
        table->change_capacity = capacity;
    }
    table->changes[table->change_count++] = (ve__change){id, target, new_row};
    return VE_OK;
}

/* Room to remember the slots of `more` rows that are to be erased. */
static ve_status reserve_unerased(ve__table *table, size_t more)
{
    size_t capacity = table->unerased_count + more;
    if (capacity <= table->unerased_capacity)
        return VE_OK;
    capacity = ve__round_up(capacity + capacity / 2, 16);
    uint64_t *slots = ve__resize(table->unerased, capacity * sizeof *slots);
    if (!slots)
        return ve__fail(VE_ERR_MEMORY, "no memory for a list of removed vectors");
    table->unerased = slots;
    table->unerased_capacity = capacity;
    return VE_OK;
}

/* Room for the ids of all that is staged and of one more. */
static ve_status reserve_ids(ve__table *table)
{
    return ve__ids_reserve(&table->ids, table->row_staged - table->row_count + table->dead_count + 1);
}

static ve_status refer(ve__table *table, ve__gate *gate, const ve__staged *staged, uint32_t *label)
{
    if (gate)
        ve__gate_write(gate);
    ve_status status = reserve_ids(table);
    if (status == VE_OK)
        status = ve__labels_refer(&table->labels, staged->label, staged->label_length, label);
    if (gate)
        ve__gate_leave(gate);
    return status;
}

static void make_codes(ve__table *table, ve__chunk *chunk, uint32_t row)
{
    uint32_t within = row - chunk->first;
    int8_t *codes = (int8_t *)chunk->codes.bytes + (size_t)within * table->codes_bytes;
    float norm = ve__codes_make(table->kernels, ve__chunk_vector(table, chunk, row), table->header.dim, codes,
                                &chunk->scales[within], &chunk->errors[within]);
    if (norm > table->staged_norm)
        table->staged_norm = norm;
}

ve_status ve__table_stage(ve__table *table, ve__gate *gate, const ve__staged *staged)
{
    uint32_t row = table->row_staged, label;
    uint8_t *metadata = NULL;
    ve__chunk *chunk = ve__table_chunk(table, row);
    if (staged->target != VE__NO_SLOT) {
        VE_TRY(reserve_unerased(table, table->change_count + 1));
        VE_TRY(add_change(table, staged->id, staged->target, row));
    }
    if (staged->metadata_size > 0) {
        metadata = ve__allocate(staged->metadata_size);
        if (!metadata)
            return ve__fail(VE_ERR_MEMORY, "no memory for %zu bytes of metadata", staged->metadata_size);
        memcpy(metadata, staged->metadata, staged->metadata_size);
    }
    ve_status status = refer(table, gate, staged, &label);
    if (status != VE_OK) {
        ve__wipe(metadata, staged->metadata_size);
        ve__release(metadata);
        return status;
    }
    if (table->codes_bytes)
        make_codes(table, chunk, row);
    chunk->rows[row - chunk->first] = (ve__row){.id = staged->id,
                                                .slot = staged->slot,
                                                .metadata = metadata,
                                                .metadata_size = (uint32_t)staged->metadata_size,
                                                .label = label,
                                                .previous = VE__NO_ROW,
                                                .next = VE__NO_ROW,
                                                .text_slots = staged->text_slots};
    table->row_staged++;
    return VE_OK;
}

ve_status ve__table_stage_removal(ve__table *table, uint64_t id, uint64_t target)
{
    VE_TRY(reserve_unerased(table, table->change_count + 1));
    return add_change(table, id, target, VE__NO_ROW);
}

ve_status ve__table_stage_dead(ve__table *table, ve__gate *gate, uint64_t id)
{
    if (table->dead_count == table->dead_capacity) {
        size_t capacity = table->dead_capacity ? table->dead_capacity * 2 : 16;
        ve__dead_id *grown = ve__resize(table->dead_ids, capacity * sizeof *grown);
        if (!grown)
            return ve__fail(VE_ERR_MEMORY, "no memory for %zu ids of a store", capacity);
        table->dead_ids = grown;
        table->dead_capacity = capacity;
    }
    if (gate)
        ve__gate_write(gate);
    ve_status status = reserve_ids(table);
    if (gate)
        ve__gate_leave(gate);
    if (status == VE_OK)
        table->dead_ids[table->dead_count++] = (ve__dead_id){id, table->row_staged};
    return status;
}

ve_status ve__table_note_unerased(ve__table *table, uint64_t slot)
{
    VE_TRY(reserve_unerased(table, table->change_count + 1));
    table->unerased[table->unerased_count++] = slot;
    return VE_OK;
}

static void link_label(ve__table *table, uint32_t row, ve__row *facts)
{
    ve__label *label = &table->labels.entries[facts->label];
    facts->next = label->first_row;
    facts->previous = VE__NO_ROW;
    if (label->first_row != VE__NO_ROW)
        ve__table_row(table, label->first_row)->previous = row;
    label->first_row = row;
    if (label->count++ == 0)
        table->labels.used++;
}

static void unlink_label(ve__table *table, const ve__row *facts)
{
    ve__label *label = &table->labels.entries[facts->label];
    if (facts->previous == VE__NO_ROW)
        label->first_row = facts->next;
    else
        ve__table_row(table, facts->previous)->next = facts->next;
    if (facts->next != VE__NO_ROW)
        ve__table_row(table, facts->next)->previous = facts->previous;
    if (--label->count == 0)
        table->labels.used--;
    ve__labels_release(&table->labels, facts->label);
}

/* Overwrites a row's vector with values that no search finds: every comparison with "not a number" is false. */
static void blank_row(ve__table *table, uint32_t row)
{
    ve__chunk *chunk = ve__table_chunk(table, row);
    uint32_t within = row - chunk->first;
    float *vector = ve__chunk_vector(table, chunk, row);
    for (size_t i = 0; i < table->payload_bytes / sizeof *vector; i++)
        vector[i] = NAN;
    if (table->codes_bytes) {
        ve__wipe((char *)chunk->codes.bytes + (size_t)within * table->codes_bytes, table->codes_bytes);
        chunk->scales[within] = chunk->errors[within] = NAN;
    }
}

static void drop_row(ve__table *table, uint32_t row)
{
    ve__row *facts = ve__table_row(table, row);
    unlink_label(table, facts);
    table->unerased[table->unerased_count++] = facts->slot;
    table->used_slots -= 1u + facts->text_slots;
    table->live_count--;
    ve__wipe(facts->metadata, facts->metadata_size);
    ve__release(facts->metadata);
    memset(facts, 0, sizeof *facts);
    blank_row(table, row);
}

/* New ids come in rising order; the id of a replacement is known already. */
static void publish_id(ve__table *table, uint64_t id, uint32_t row)
{
    if (id < table->next_id)
        return;
    table->next_id = id + 1;
    ve__ids_append(&table->ids, id, row);
}

static void publish_row(ve__table *table, uint32_t row)
{
    ve__row *facts = ve__table_row(table, row);
    link_label(table, row, facts);
    table->used_slots += 1u + facts->text_slots;
    table->live_count++;
    publish_id(table, facts->id, row);
}

/* A removed row is dropped; a replaced one, too, and its id gets the new row. A row that had been erased before
 * the file was read is not there. */
static void make_change(ve__table *table, const ve__change *change)
{
    size_t place = ve__ids_place(&table->ids, change->id);
    int is_known = place < table->ids.count && table->ids.ids[place] == change->id;
    uint32_t old = is_known ? table->ids.rows[place] : VE__NO_ROW;
    if (old != VE__NO_ROW) {
        drop_row(table, old);
        table->ids.rows[place] = VE__NO_ROW;
    }
    if (is_known && change->new_row != VE__NO_ROW)
        table->ids.rows[place] = change->new_row;
}

void ve__table_apply(ve__table *table, ve__gate *gate, uint64_t end_slot)
{
    if (gate)
        ve__gate_write(gate);
    table->commit++;
    table->end_slot = end_slot;
    table->largest_norm = table->staged_norm;
    size_t dead = 0;
    for (uint32_t row = table->row_count; row < table->row_staged; row++) {
        for (; dead < table->dead_count && table->dead_ids[dead].before <= row; dead++)
            publish_id(table, table->dead_ids[dead].id, VE__NO_ROW);
        publish_row(table, row);
    }
    for (; dead < table->dead_count; dead++)
        publish_id(table, table->dead_ids[dead].id, VE__NO_ROW);
    table->row_count = table->row_staged;
    for (size_t i = 0; i < table->change_count; i++)
        make_change(table, &table->changes[i]);
    table->change_count = table->dead_count = 0;
    if (gate)
        ve__gate_leave(gate);
}

void ve__table_unstage(ve__table *table, ve__gate *gate)
{
    if (gate)
        ve__gate_write(gate);
    while (table->row_staged > table->row_count) {
        ve__row *facts = ve__table_row(table, --table->row_staged);
        ve__labels_release(&table->labels, facts->label);
        ve__wipe(facts->metadata, facts->metadata_size);
        ve__release(facts->metadata);
        ve__wipe(ve__table_vector(table, table->row_staged), table->payload_bytes);
    }
    table->change_count = table->dead_count = 0;
    if (gate)
        ve__gate_leave(gate);
}

uint64_t ve__table_memory(const ve__table *table)
{
    uint64_t bytes = sizeof *table + table->ids.capacity * (sizeof(uint64_t) + sizeof(uint32_t)) +
                     table->labels.entry_capacity * (sizeof(ve__label) + sizeof(uint32_t));
    for (unsigned i = 0; i < table->chunk_count; i++)
        bytes += table->chunks[i].vectors.size + table->chunks[i].codes.size +
                 table->chunks[i].capacity * sizeof(ve__row);
    return bytes;
}

int ve__table_is_locked(const ve__table *table)
{
    int is_locked = 1;
    for (unsigned i = 0; i < table->chunk_count; i++)
        is_locked = is_locked && table->chunks[i].vectors.is_locked &&
                    (!table->codes_bytes || table->chunks[i].codes.is_locked);
    return is_locked;
}
