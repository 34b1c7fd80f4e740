/* SPDX-License-Identifier: MIT */
/* What compaction does to the table in memory: live rows move down over the removed ones, in place. */
#include <string.h>

#include "store/table.h"

void ve__table_renumber(ve__table *table)
{
    uint64_t slot = 0;
    for (size_t i = 0; i < table->ids.count; i++) {
        if (table->ids.rows[i] == VE__NO_ROW)
            continue;
        ve__row *row = ve__table_row(table, table->ids.rows[i]);
        row->slot = slot;
        slot += 1u + row->text_slots;
    }
    table->end_slot = slot;
}

static void move_row(ve__table *table, uint32_t from, uint32_t to)
{
    ve__chunk *source = ve__table_chunk(table, from), *target = ve__table_chunk(table, to);
    uint32_t at = from - source->first, into = to - target->first;
    memcpy(ve__chunk_vector(table, target, to), ve__chunk_vector(table, source, from), table->payload_bytes);
    target->rows[into] = source->rows[at];
    memset(&source->rows[at], 0, sizeof source->rows[at]); /* its metadata has one owner */
    if (!table->codes_bytes)
        return;
    memcpy((char *)target->codes.bytes + (size_t)into * table->codes_bytes,
           (const char *)source->codes.bytes + (size_t)at * table->codes_bytes, table->codes_bytes);
    target->scales[into] = source->scales[at];
    target->errors[into] = source->errors[at];
}

static void update(uint32_t *row, const uint32_t *moves)
{
    if (*row != VE__NO_ROW)
        *row = moves[*row];
}

/* Everything that names a row by its number. */
static void update_all(ve__table *table, const uint32_t *moves)
{
    for (size_t i = 0; i < table->ids.count; i++)
        update(&table->ids.rows[i], moves);
    for (uint32_t i = 0; i < table->labels.entry_count; i++)
        if (table->labels.entries[i].text)
            update(&table->labels.entries[i].first_row, moves);
    for (uint32_t row = 0; row < table->row_count; row++) {
        update(&ve__table_row(table, row)->previous, moves);
        update(&ve__table_row(table, row)->next, moves);
    }
}

/* Nothing of a vector stays behind its row's new place. */
static void wipe_rows(ve__table *table, uint32_t first, uint32_t end)
{
    for (uint32_t row = first; row < end; row++) {
        ve__chunk *chunk = ve__table_chunk(table, row);
        ve__wipe(ve__chunk_vector(table, chunk, row), table->payload_bytes);
        if (table->codes_bytes)
            ve__wipe((char *)chunk->codes.bytes + (size_t)(row - chunk->first) * table->codes_bytes,
                     table->codes_bytes);
    }
}

void ve__table_squeeze(ve__table *table, uint32_t *moves)
{
    uint32_t end = table->row_count, used = 0;
    for (uint32_t row = 0; row < end; row++) {
        int is_live = ve__table_row(table, row)->id != 0;
        moves[row] = is_live ? used : VE__NO_ROW;
        if (is_live && row != used)
            move_row(table, row, used);
        used += is_live ? 1 : 0;
    }
    wipe_rows(table, used, end);
    table->row_count = table->row_staged = used;
    update_all(table, moves);
    ve__table_drop_chunks(table);
}
