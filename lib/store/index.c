/* SPDX-License-Identifier: MIT */
/* Sorted ids, hashed labels. */
#include "store/index.h"

#include <string.h>

#include "base/memory.h"
#include "store/pages.h"

static ve_status no_memory(const char *what)
{
    return ve__fail(VE_ERR_MEMORY, "no memory for the store's %s", what);
}

ve_status ve__ids_reserve(ve__ids *ids, size_t more)
{
    size_t wanted = ids->count + more;
    if (wanted <= ids->capacity)
        return VE_OK;
    wanted = wanted < ids->capacity + ids->capacity / 2 + 64 ? ids->capacity + ids->capacity / 2 + 64 : wanted;
    uint64_t *grown_ids = ve__resize(ids->ids, wanted * sizeof *ids->ids);
    if (!grown_ids)
        return no_memory("ids");
    ids->ids = grown_ids;
    uint32_t *grown_rows = ve__resize(ids->rows, wanted * sizeof *ids->rows);
    if (!grown_rows)
        return no_memory("ids");
    ids->rows = grown_rows;
    ids->capacity = wanted;
    return VE_OK;
}

void ve__ids_append(ve__ids *ids, uint64_t id, uint32_t row)
{
    ids->ids[ids->count] = id;
    ids->rows[ids->count++] = row;
}

size_t ve__ids_place(const ve__ids *ids, uint64_t id)
{
    size_t low = 0, high = ids->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t ve__ids_row(const ve__ids *ids, uint64_t id)
{
    size_t place = ve__ids_place(ids, id);
    return place < ids->count && ids->ids[place] == id ? ids->rows[place] : VE__NO_ROW;
}

void ve__ids_free(ve__ids *ids)
{
    ve__release(ids->ids);
    ve__release(ids->rows);
    memset(ids, 0, sizeof *ids);
}

/* FNV-1a: labels are short, and whoever may write the store needs no collisions to slow it down. */
static uint32_t hash_of(const char *text, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static uint32_t find(const ve__labels *labels, const char *text, size_t length, uint32_t hash)
{
    if (labels->bucket_count == 0)
        return VE__NO_LABEL;
    uint32_t at = labels->buckets[hash & (labels->bucket_count - 1)];
    for (; at != VE__NO_LABEL; at = labels->entries[at].next) {
        const ve__label *entry = &labels->entries[at];
        if (entry->hash == hash && entry->length == length && memcmp(entry->text, text, length) == 0)
            return at;
    }
    return VE__NO_LABEL;
}

uint32_t ve__labels_find(const ve__labels *labels, const char *text, size_t length)
{
    return find(labels, text, length, hash_of(text, length));
}

/* As many buckets as entries: chains of one or two. */
static ve_status grow(ve__labels *labels)
{
    uint32_t capacity = labels->entry_capacity ? labels->entry_capacity * 2 : 16;
    ve__label *entries = ve__resize(labels->entries, capacity * sizeof *entries);
    if (!entries)
        return no_memory("labels");
    labels->entries = entries;
    uint32_t *buckets = ve__resize(labels->buckets, capacity * sizeof *buckets);
    if (!buckets)
        return no_memory("labels");
    labels->buckets = buckets;
    labels->bucket_count = labels->entry_capacity = capacity;
    memset(buckets, 0xff, capacity * sizeof *buckets);   /* VE__NO_LABEL */
    for (uint32_t i = 0; i < labels->entry_count; i++) { /* all are in use, or grow() would not be needed */
        uint32_t *bucket = &buckets[entries[i].hash & (capacity - 1)];
        entries[i].next = *bucket;
        *bucket = i;
    }
    return VE_OK;
}

static ve_status add(ve__labels *labels, const char *text, size_t length, uint32_t hash, uint32_t *label)
{
    int reuses = labels->entry_count > 0 && labels->first_free != VE__NO_LABEL;
    if (labels->entry_count == 0)
        labels->first_free = VE__NO_LABEL;
    if (!reuses && labels->entry_count == labels->entry_capacity)
        VE_TRY(grow(labels));
    char *copy = ve__allocate(length + 1);
    if (!copy)
        return no_memory("labels");
    memcpy(copy, text, length);
    copy[length] = 0;
    *label = reuses ? labels->first_free : labels->entry_count++;
    ve__label *entry = &labels->entries[*label];
    if (reuses)
        labels->first_free = entry->next;
    uint32_t *bucket = &labels->buckets[hash & (labels->bucket_count - 1)];
    *entry = (ve__label){.text = copy, .length = (uint32_t)length, .hash = hash, .next = *bucket};
    entry->first_row = VE__NO_ROW;
    *bucket = *label;
    return VE_OK;
}

ve_status ve__labels_refer(ve__labels *labels, const char *text, size_t length, uint32_t *label)
{
    uint32_t hash = hash_of(text, length);
    uint32_t found = find(labels, text, length, hash);
    if (found == VE__NO_LABEL)
        VE_TRY(add(labels, text, length, hash, &found));
    labels->entries[found].references++;
    *label = found;
    return VE_OK;
}

void ve__labels_release(ve__labels *labels, uint32_t label)
{
    ve__label *entry = &labels->entries[label];
    if (--entry->references > 0)
        return;
    uint32_t *link = &labels->buckets[entry->hash & (labels->bucket_count - 1)];
    while (*link != label)
        link = &labels->entries[*link].next;
    *link = entry->next;
    ve__wipe(entry->text, entry->length);
    ve__release(entry->text);
    entry->text = NULL;
    entry->next = labels->first_free;
    labels->first_free = label;
}

void ve__labels_free(ve__labels *labels)
{
    for (uint32_t i = 0; i < labels->entry_count; i++) {
        if (labels->entries[i].text)
            ve__wipe(labels->entries[i].text, labels->entries[i].length);
        ve__release(labels->entries[i].text);
    }
    ve__release(labels->entries);
    ve__release(labels->buckets);
    memset(labels, 0, sizeof *labels);
}
