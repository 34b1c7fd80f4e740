/* SPDX-License-Identifier: MIT */
/*
 * Looking a whole file over, and saving what is good in a damaged one. Unlike replay, which stops at the first
 * thing that is wrong, this looks at every slot by itself first (its checksums cover salt and position, so a
 * good slot is good wherever it stands among bad ones), and then judges each by what the others say:
 *
 *   - a bad slot with slots of a later commit behind it is damage, without them a torn tail;
 *   - contents that are gone or bad are in order when a good slot removes or replaces the record.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/replay.h"
#include "store/seal.h"
#include "store/store.h"

#define BATCH_SLOTS 256u

typedef struct slot_facts {
    ve__slot slot;
    uint8_t verdict;
    uint8_t has_broken_seal; /* though its checksums hold: no torn write, somebody changed it */
    uint8_t is_removed;      /* a good slot removes or replaces this record */
    uint8_t is_whole;        /* an ADD slot whose contents and text are good and live */
} slot_facts;

typedef struct survey {
    const ve__io *io;
    const ve_store_seal *seal;
    ve__store_header header;
    ve__pages key;
    ve__file file;
    size_t payload_bytes, slot_bytes;
    uint64_t file_bytes, count, tail; /* slots; the first one of a torn tail */
    slot_facts *slots;
    uint8_t *payloads, *trailers, *scratch;
} survey;

static void free_survey(survey *s)
{
    ve__pages_give(&s->key);
    ve__io_close(&s->file);
    ve__release(s->slots);
    if (s->payloads)
        ve__wipe(s->payloads, BATCH_SLOTS * s->payload_bytes);
    ve__release(s->payloads);
    ve__release(s->trailers);
    ve__release(s->scratch);
}

static void damage(const survey *s, ve_store_report *report, uint64_t offset)
{
    (void)s;
    if (report->damaged_slots++ == 0 || offset < report->first_damage)
        report->first_damage = offset;
}

/* The header: its first copy, or, reported as damage, its second. */
static ve_status open_survey(survey *s, const char *path, ve_store_report *report)
{
    ve__file_facts facts;
    const uint32_t flags = VE_STORE_READ_ONLY | VE_STORE_ALLOW_SHARED;
    ve_status status = ve__store_open_file(s->io, path, flags, 0, &s->file, &facts, &s->header);
    if (status == VE_ERR_CORRUPT || status == VE_ERR_FORMAT || status == VE_ERR_VERSION) {
        ve_status second = ve__store_open_file(s->io, path, flags, 1, &s->file, &facts, &s->header);
        if (second == VE_OK || status == VE_ERR_CORRUPT)
            damage(s, report, 0);
        status = second == VE_OK ? VE_OK : status;
    }
    VE_TRY(status);
    if (s->header.is_sealed && s->seal)
        VE_TRY(ve__seal_find_key(s->io, s->seal, &s->header, path, &s->key));
    s->payload_bytes = ve__store_payload_bytes(s->header.dim);
    s->slot_bytes = ve__store_slot_bytes(s->header.dim);
    s->file_bytes = facts.size;
    s->count = facts.size < VE__STORE_HEADER_BYTES ? 0 : (facts.size - VE__STORE_HEADER_BYTES) / s->slot_bytes;
    return VE_OK;
}

static ve_status make_room(survey *s)
{
    size_t bytes;
    if (s->count > SIZE_MAX || !ve__multiply((size_t)s->count, sizeof *s->slots, &bytes))
        return ve__fail(VE_ERR_TOO_LARGE, "%s: too large", s->file.path);
    s->slots = ve__allocate_zeroed(bytes);
    s->payloads = ve__allocate(BATCH_SLOTS * s->payload_bytes);
    s->trailers = ve__allocate(BATCH_SLOTS * VE__STORE_TRAILER_BYTES);
    s->scratch = ve__allocate(s->slot_bytes);
    if (!s->slots || !s->payloads || !s->trailers || !s->scratch)
        return ve__fail(VE_ERR_MEMORY, "no memory to check %s", s->file.path);
    return VE_OK;
}

/* The seal of a live slot holds, too. */
static int is_seal_good(survey *s, uint64_t number, const ve__slot *slot, uint8_t *payload, uint8_t *trailer)
{
    if (!s->key.bytes || slot->state == VE__SLOT_ERASED || slot->kind == VE__SLOT_REMOVE)
        return 1;
    return ve__unseal_slot(s->seal, &s->key, &s->header, number, payload, trailer, s->scratch) == VE_OK;
}

static ve_status read_slots(survey *s, uint64_t first, size_t wanted, size_t *done)
{
    VE_TRY(ve__io_read_pairs(s->io, &s->file, ve__store_slot_offset(s->header.dim, first), s->payloads,
                             s->payload_bytes, s->trailers, VE__STORE_TRAILER_BYTES, wanted, done));
    *done /= s->slot_bytes;
    return VE_OK;
}

static ve_status read_all(survey *s)
{
    for (uint64_t first = 0; first < s->count;) {
        size_t wanted = s->count - first < BATCH_SLOTS ? (size_t)(s->count - first) : BATCH_SLOTS, done;
        VE_TRY(read_slots(s, first, wanted, &done));
        if (done == 0) {
            s->count = first; /* the file became shorter */
            break;
        }
        for (size_t i = 0; i < done; i++) {
            slot_facts *f = &s->slots[first + i];
            uint8_t *payload = s->payloads + i * s->payload_bytes;
            uint8_t *trailer = s->trailers + i * VE__STORE_TRAILER_BYTES;
            f->verdict = (uint8_t)ve__slot_decode(payload, s->payload_bytes, trailer, s->header.salt, first + i,
                                                  &f->slot);
            f->has_broken_seal =
                f->verdict == VE__SLOT_GOOD && !is_seal_good(s, first + i, &f->slot, payload, trailer);
        }
        first += done;
    }
    return VE_OK;
}

/* The end of the commit that starts at slot `start`; 0 when not all of it is good. */
static uint64_t end_of_commit(const survey *s, uint64_t start)
{
    uint64_t commit = s->slots[start].slot.commit;
    for (uint64_t i = start; i < s->count; i++) {
        const slot_facts *f = &s->slots[i];
        if (f->verdict != VE__SLOT_GOOD || f->slot.commit != commit)
            return 0;
        if (f->slot.flags & VE__SLOT_LAST)
            return i + 1;
    }
    return 0;
}

/* Where the torn tail starts. Only the newest commit can be torn; slots with a bad structure right before its
 * first good one belong to it, if the commit before that is complete. */
static void find_tail(survey *s)
{
    uint64_t newest = 0, start = 0;
    for (uint64_t i = 0; i < s->count; i++)
        if (s->slots[i].verdict != VE__SLOT_BAD_STRUCTURE && s->slots[i].slot.commit > newest) {
            newest = s->slots[i].slot.commit;
            start = i;
        }
    s->tail = 0;
    if (newest == 0)
        return;
    uint64_t before = start;
    while (before > 0 && s->slots[before - 1].verdict == VE__SLOT_BAD_STRUCTURE)
        before--;
    const slot_facts *last = before > 0 ? &s->slots[before - 1] : NULL;
    int follows = last ? last->slot.commit + 1 == newest && last->slot.flags & VE__SLOT_LAST : newest == 1;
    uint64_t end = end_of_commit(s, start);
    if (before < start && follows)
        s->tail = before;
    else
        s->tail = end ? end : start;
}

static void mark_removed(survey *s)
{
    for (uint64_t i = 0; i < s->tail; i++) {
        const slot_facts *f = &s->slots[i];
        if (f->verdict != VE__SLOT_BAD_STRUCTURE && f->slot.kind != VE__SLOT_TEXT && f->slot.target < i)
            s->slots[f->slot.target].is_removed = 1;
    }
}

/* Is the record that starts here good, text and all? Counts what is wrong with it. */
static void judge_record(survey *s, uint64_t number, uint64_t end, ve_store_report *report)
{
    slot_facts *f = &s->slots[number];
    int is_good = 1, has_contents = 0;
    for (uint64_t i = number; i <= number + f->slot.text_slots; i++) {
        const slot_facts *part = i < end ? &s->slots[i] : NULL;
        int is_mine = part && part->verdict != VE__SLOT_BAD_STRUCTURE && part->slot.id == f->slot.id &&
                      (i == number || part->slot.kind == VE__SLOT_TEXT);
        int is_bad = !is_mine || part->verdict != VE__SLOT_GOOD || part->has_broken_seal;
        is_good = is_good && !is_bad && part->slot.state == VE__SLOT_LIVE;
        has_contents |= is_mine && (is_bad || part->slot.state == VE__SLOT_LIVE);
        if (is_mine && is_bad && !f->is_removed)
            damage(s, report, ve__store_slot_offset(s->header.dim, i));
    }
    f->is_whole = (uint8_t)is_good;
    if (f->is_removed && has_contents)
        report->unerased_slots++;
    if (is_good && !f->is_removed)
        report->vectors++;
}

static void judge(survey *s, ve_store_report *report)
{
    for (uint64_t i = 0; i < s->tail; i++) {
        const slot_facts *f = &s->slots[i];
        if (f->verdict == VE__SLOT_BAD_STRUCTURE ||
            (f->verdict == VE__SLOT_BAD_CONTENT && f->slot.kind == VE__SLOT_REMOVE))
            damage(s, report, ve__store_slot_offset(s->header.dim, i));
        else if (f->slot.kind == VE__SLOT_ADD)
            judge_record(s, i, s->tail, report);
    }
    if (s->tail < s->header.marked_slots)
        damage(s, report, ve__store_slot_offset(s->header.dim, s->tail)); /* the file became shorter */
    report->torn_bytes = s->file_bytes - ve__store_slot_offset(s->header.dim, s->tail);
    if (s->file_bytes < VE__STORE_HEADER_BYTES)
        report->torn_bytes = 0;
}

static ve_status make_survey(survey *s, const char *path, ve_store_report *report)
{
    VE_TRY(open_survey(s, path, report));
    VE_TRY(make_room(s));
    VE_TRY(read_all(s));
    find_tail(s);
    if (s->tail < s->header.marked_slots) /* what the mark covers is no torn tail */
        s->tail = s->header.marked_slots < s->count ? s->header.marked_slots : s->count;
    mark_removed(s);
    judge(s, report);
    return VE_OK;
}

ve_status ve__store_check(const ve__io *io, const char *path, const ve_store_seal *seal,
                          ve_store_report *report)
{
    survey s = {.io = io, .seal = seal, .file = {-1, NULL}};
    ve_status status = make_survey(&s, path, report);
    free_survey(&s);
    if (status == VE_OK && report->damaged_slots > 0)
        return ve__fail(VE_ERR_CORRUPT, "%s: %llu damaged places, the first one at offset %llu", path,
                        (unsigned long long)report->damaged_slots, (unsigned long long)report->first_damage);
    return status;
}

/* ---- recovery */

typedef struct found {
    uint64_t id, slot;
} found;

static int by_id(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id ? 1 : x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* The good records, by rising id; of two with the same id the later one. Those of a torn tail are taken, too:
 * where there is damage, nobody can tell whether they were acknowledged. */
static size_t list_good(survey *s, found *list)
{
    size_t count = 0, kept = 0;
    ve_store_report ignored;
    memset(&ignored, 0, sizeof ignored);
    for (uint64_t i = s->tail; i < s->count; i++)
        if (s->slots[i].verdict == VE__SLOT_GOOD && s->slots[i].slot.kind == VE__SLOT_ADD)
            judge_record(s, i, s->count, &ignored);
    for (uint64_t i = 0; i < s->count; i++)
        if (s->slots[i].is_whole && !s->slots[i].is_removed)
            list[count++] = (found){s->slots[i].slot.id, i};
    qsort(list, count, sizeof *list, by_id);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || list[i + 1].id != list[i].id)
            list[kept++] = list[i];
    return kept;
}

static ve_status read_one(survey *s, uint64_t number)
{
    size_t done;
    VE_TRY(read_slots(s, number, 1, &done));
    ve__slot slot;
    if (done < 1 || ve__slot_decode(s->payloads, s->payload_bytes, s->trailers, s->header.salt, number,
                                    &slot) != VE__SLOT_GOOD)
        return ve__fail(VE_ERR_IO, "%s changes while it is read", s->file.path);
    if (s->header.is_sealed)
        return ve__unseal_slot(s->seal, &s->key, &s->header, number, s->payloads, s->trailers, s->scratch);
    return VE_OK;
}

static ve_status copy_record(survey *s, ve__table *table, ve__record_text *text, const found *record)
{
    unsigned text_slots = s->slots[record->slot].slot.text_slots;
    float *vector;
    size_t rows;
    VE_TRY(ve__table_room(s->io, table, 1, &vector, &rows));
    VE_TRY(read_one(s, record->slot));
    if (!ve__record_text_start(text, s->trailers, text_slots, s->payload_bytes))
        return VE_OK; /* its numbers contradict each other: not one of ours */
    memcpy(vector, s->payloads, s->payload_bytes);
    for (unsigned i = 1; i <= text_slots; i++) {
        VE_TRY(read_one(s, record->slot + i));
        ve__record_text_go_on(text, s->payloads, s->payload_bytes);
    }
    ve__staged staged = {.id = record->id,
                         .slot = record->slot,
                         .target = VE__NO_SLOT,
                         .text_slots = (uint16_t)text_slots,
                         .label = (const char *)text->bytes,
                         .label_length = text->label_length,
                         .metadata = text->bytes + text->label_length,
                         .metadata_size = text->metadata_size};
    return ve__table_stage(table, NULL, &staged);
}

static ve_status fill_table(survey *s, ve__table *table, const found *list, size_t count)
{
    ve__record_text text;
    ve_status status = ve__record_text_make(&text);
    for (size_t i = 0; i < count && status == VE_OK; i++)
        status = copy_record(s, table, &text, &list[i]);
    ve__record_text_free(&text);
    if (status == VE_OK)
        ve__table_apply(table, NULL, 0);
    return status;
}

/* Ids that the damage may have hidden are not given again, as far as the rest tells. */
static void raise_next_id(const survey *s, ve__table *table)
{
    for (uint64_t i = 0; i < s->count; i++)
        if (s->slots[i].verdict != VE__SLOT_BAD_STRUCTURE && s->slots[i].slot.id >= table->header.next_id)
            table->header.next_id = s->slots[i].slot.id + 1;
}

static ve_status write_good(survey *s, const char *new_path)
{
    ve__file none = {-1, NULL};
    ve__table *table;
    ve__new_file made;
    found *list = ve__allocate((size_t)(s->count + 1) * sizeof *list);
    if (!list)
        return ve__fail(VE_ERR_MEMORY, "no memory to recover %s", s->file.path);
    size_t count = list_good(s, list);
    ve_status status = ve__table_create(s->io, &s->header, &none, count, 0, &table);
    if (status == VE_OK) {
        status = fill_table(s, table, list, count);
        raise_next_id(s, table);
        if (status == VE_OK)
            status = ve__store_write_file(s->io, table, s->header.is_sealed ? s->seal : NULL,
                                          s->header.generation + 1, new_path, &made);
        if (status == VE_OK) {
            ve__new_file_free(&made);
            status = ve__io_sync_folder(s->io, new_path);
        }
        ve__table_free(table);
    }
    ve__release(list);
    return status;
}

ve_status ve__store_recover(const ve__io *io, const char *path, const char *new_path, const ve_store_seal *seal,
                            ve_store_report *report)
{
    survey s = {.io = io, .seal = seal, .file = {-1, NULL}};
    ve_status status = make_survey(&s, path, report);
    if (status == VE_OK && s.header.is_sealed && !seal)
        status = ve__fail(VE_ERR_KEY, "%s is sealed: it needs a key", path);
    if (status == VE_OK)
        status = write_good(&s, new_path);
    free_survey(&s);
    return status;
}
