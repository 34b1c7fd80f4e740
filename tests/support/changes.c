/* SPDX-License-Identifier: MIT */
/* Random changes. */
#define _GNU_SOURCE /* memmem */
#include "support/changes.h"

#include <stdlib.h>
#include <string.h>

#define MOST_AT_ONCE 5

void expected_start(expected *state)
{
    memset(state, 0, sizeof *state);
    state->next_key = 1;
}

static ve_status add_some(ve_store *store, chance *random, expected *state)
{
    static item items[MOST_AT_ONCE];
    ve_store_entry entries[MOST_AT_ONCE];
    uint64_t ids[MOST_AT_ONCE];
    size_t count = 1 + chance_below(random, MOST_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        item_make(&items[i], state->next_key + i, 0, CHANGES_DIM);
        entries[i] = items[i].entry;
    }
    ve_status status = store ? ve_store_add_many(store, entries, count, ids) : VE_OK;
    for (size_t i = 0; i < count; i++) {
        if (store && status == VE_OK && ids[i] != state->next_key)
            return VE_ERR_STATE; /* not the id that it must be */
        state->versions[state->next_key++] = 1;
    }
    return status;
}

static ve_status replace_one(ve_store *store, expected *state, uint64_t id)
{
    item one;
    item_make(&one, id, state->versions[id], CHANGES_DIM);
    state->versions[id]++;
    return store ? ve_store_replace(store, id, &one.entry) : VE_OK;
}

static ve_status remove_one(ve_store *store, expected *state, uint64_t id)
{
    state->versions[id] = 0;
    return store ? ve_store_remove(store, id) : VE_OK;
}

static ve_status remove_label_of(ve_store *store, expected *state, uint64_t id)
{
    char label[32], other[32];
    item_label(id, label);
    for (uint64_t i = 1; i < state->next_key; i++) {
        item_label(i, other);
        if (strcmp(label, other) == 0)
            state->versions[i] = 0;
    }
    return store ? ve_store_remove_label(store, label, NULL) : VE_OK;
}

static uint64_t any_live(const expected *state, chance *random)
{
    uint64_t live[CHANGES_ITEMS];
    unsigned count = 0;
    for (uint64_t id = 1; id < state->next_key; id++)
        if (state->versions[id])
            live[count++] = id;
    return count ? live[chance_below(random, count)] : 0;
}

ve_status change_make(ve_store *store, chance *random, expected *state)
{
    uint64_t id = any_live(state, random);
    unsigned what = chance_below(random, 20);
    int is_full = state->next_key + MOST_AT_ONCE >= CHANGES_ITEMS;
    if (!is_full && (id == 0 || what < 9))
        return add_some(store, random, state);
    if (id != 0 && what < 13 && state->versions[id] < 200)
        return replace_one(store, state, id);
    if (id != 0 && what < 17)
        return remove_one(store, state, id);
    if (id != 0 && what < 18)
        return remove_label_of(store, state, id);
    return store ? ve_store_compact(store) : VE_OK;
}

int expected_holds(ve_store *store, const expected *state)
{
    uint64_t count = 0;
    for (uint64_t id = 1; id < state->next_key; id++) {
        if (!state->versions[id])
            continue;
        if (!item_is(store, id, id, state->versions[id] - 1u, CHANGES_DIM))
            return 0;
        count++;
    }
    return ve_store_count(store) == count;
}

int expected_is_all(const char *path, const expected *state)
{
    item one;
    float vector[CHANGES_DIM];
    size_t size;
    int is_clean = 1;
    unsigned char *all = read_file(path, &size);
    for (uint64_t id = 1; id < state->next_key && is_clean; id++)
        for (unsigned version = 0; version < 3; version++) {
            if (state->versions[id] == version + 1)
                continue;
            item_make(&one, id, version, CHANGES_DIM);
            memcpy(vector, one.vector, sizeof vector);
            ve_normalize(vector, CHANGES_DIM);
            is_clean = is_clean && !memmem(all, size, vector, 12) && !memmem(all, size, one.metadata, 14);
        }
    free(all);
    return is_clean;
}
