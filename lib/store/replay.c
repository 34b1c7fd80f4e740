/* SPDX-License-Identifier: MIT */
/*
 * From the file to the table: at opening from slot 0, later from behind the last known commit.
 *
 * A commit is a run of slots with the next commit number, the last one flagged. It counts when all its slots
 * are good. Writers sync a commit before they start the next one, so:
 *
 *   - a bad slot with no slot of a later commit behind it is a torn tail: never acknowledged, and dropped;
 *   - a bad slot with one behind it is damage, and so is one in front of the header's mark;
 *   - a slot with a sound structure but bad contents may be one whose erasure was interrupted. Then a later
 * commit removes or replaces it, and all is well. These are the `suspects`.
 *
 * A reader may look while a writer writes. So a bad slot is read again before it is judged, and once more after
 * a later commit has been seen: the writer had finished the slot by then.
 */
#include "store/replay.h"

#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "store/seal.h"
#include "store/store.h"

/* Slots that are read at once: about a megabyte, so that checksums find them in the cache. */
#define BATCH_BYTES   ((size_t)1 << 20)
#define BATCH_LARGEST 1024u
/* How often a reader starts over because a writer got in between. */
#define MAX_ATTEMPTS 64

/* A slot whose contents are bad or half gone. */
typedef struct suspect {
    uint64_t slot;
    int is_cleared; /* by the commit being read: it was removed there */
} suspect;

typedef struct replay {
    const ve__io *io;
    const ve_store_seal *seal;
    ve__table *table;
    ve__gate *gate;
    ve__record_text text;
    uint8_t *trailers; /* of a batch */
    uint8_t *scratch;  /* one slot */
    uint8_t *vector;   /* of the record being read, while its TEXT slots are read */
    size_t batch;

    uint64_t slot_count; /* that the file has room for */
    uint64_t file_bytes;
    uint64_t commit_start;  /* first slot of the commit being read */
    uint64_t last_id;       /* largest that this commit introduced */
    uint64_t first_suspect; /* in this commit; VE__NO_SLOT: none */
    int is_skipping;        /* the record being read is gone: its TEXT slots mean nothing */
    ve__staged staged;      /* the record being read */

    suspect *suspects;
    size_t suspect_count, suspect_capacity;

    int has_stopped; /* the slot stop_slot cannot be part of the next commit */
    uint64_t stop_slot;
} replay;

static ve_status broken_rule(const replay *r, uint64_t number, const char *what)
{
    return ve__fail(VE_ERR_CORRUPT, "%s: slot at offset %llu: %s", r->table->file.path,
                    (unsigned long long)ve__store_slot_offset(r->table->header.dim, number), what);
}

static ve_status add_suspect(replay *r, uint64_t slot)
{
    if (r->suspect_count > 0 && r->suspects[r->suspect_count - 1].slot == slot)
        return VE_OK;
    if (r->suspect_count == r->suspect_capacity) {
        size_t capacity = r->suspect_capacity ? r->suspect_capacity * 2 : 16;
        suspect *grown = ve__resize(r->suspects, capacity * sizeof *grown);
        if (!grown)
            return ve__fail(VE_ERR_MEMORY, "no memory for a list of damaged slots");
        r->suspects = grown;
        r->suspect_capacity = capacity;
    }
    r->suspects[r->suspect_count++] = (suspect){slot, 0};
    if (r->first_suspect == VE__NO_SLOT)
        r->first_suspect = slot;
    return VE_OK;
}

/* The commit being read says that this slot is gone: whatever is left of it is in order. */
static void clear_suspect(replay *r, uint64_t slot)
{
    for (size_t i = 0; i < r->suspect_count; i++)
        if (r->suspects[i].slot == slot)
            r->suspects[i].is_cleared = 1;
}

static void forget_suspect(replay *r, size_t i)
{
    memmove(&r->suspects[i], &r->suspects[i + 1], (--r->suspect_count - i) * sizeof *r->suspects);
}

/* The commit counts: what it cleared needs only to be erased to the end. */
static ve_status settle_suspects(replay *r)
{
    for (size_t i = r->suspect_count; i-- > 0;)
        if (r->suspects[i].is_cleared) {
            VE_TRY(ve__table_note_unerased(r->table, r->suspects[i].slot));
            forget_suspect(r, i);
        }
    return VE_OK;
}

/* Reads one slot into the scratch slot: payload, then trailer. */
static ve_status read_slot(replay *r, uint64_t number, ve__slot *slot, ve__slot_verdict *verdict)
{
    const ve__table *table = r->table;
    uint8_t *trailer = r->scratch + table->payload_bytes;
    size_t done;
    VE_TRY(ve__io_read(r->io, &table->file, ve__store_slot_offset(table->header.dim, number), r->scratch,
                       table->slot_bytes, &done));
    *verdict = VE__SLOT_BAD_STRUCTURE;
    if (done == table->slot_bytes)
        *verdict = ve__slot_decode(r->scratch, table->payload_bytes, trailer, table->header.salt, number, slot);
    return VE_OK;
}

/* Is there a slot of a commit after `commit` anywhere from slot `from` on? */
static ve_status has_later_commit(replay *r, uint64_t from, uint64_t commit, int *result)
{
    *result = 0;
    for (uint64_t number = from; number < r->slot_count && !*result; number++) {
        ve__slot slot;
        ve__slot_verdict verdict;
        VE_TRY(read_slot(r, number, &slot, &verdict));
        *result = verdict != VE__SLOT_BAD_STRUCTURE && slot.commit > commit;
    }
    return VE_OK;
}

/* What an ADD slot may be: a new id, larger than all before, or one in the place of a known row. */
static ve_status check_add(const replay *r, uint64_t number, const ve__slot *slot)
{
    const ve__table *table = r->table;
    uint64_t newest = r->last_id ? r->last_id + 1 : table->next_id;
    if (slot->target == VE__NO_SLOT)
        return slot->id >= newest && slot->id < UINT64_MAX ? VE_OK
                                                           : broken_rule(r, number, "an id comes twice");
    if (slot->target >= r->commit_start || slot->id >= table->next_id)
        return broken_rule(r, number, "it replaces what is not there");
    uint32_t row = ve__table_find(table, slot->id);
    if (row != VE__NO_ROW && ve__table_row(table, row)->slot != slot->target)
        return broken_rule(r, number, "it replaces another vector");
    return VE_OK;
}

/* The record is complete. Its row lies at or before the slots that have been read, so nothing is lost. */
static ve_status finish_record(replay *r, const uint8_t *vector)
{
    float *row = ve__table_vector(r->table, r->table->row_staged);
    if ((const uint8_t *)row != vector)
        memmove(row, vector, r->table->payload_bytes);
    r->staged.label = (const char *)r->text.bytes;
    r->staged.label_length = r->text.label_length;
    r->staged.metadata = r->text.bytes + r->text.label_length;
    r->staged.metadata_size = r->text.metadata_size;
    return ve__table_stage(r->table, r->gate, &r->staged);
}

/* A vector that is gone; only its id and what it replaced still matter. */
static ve_status skip_record(replay *r, const ve__slot *slot)
{
    r->is_skipping = 1;
    r->text.slots_left = slot->text_slots;
    if (slot->target != VE__NO_SLOT)
        return ve__table_stage_removal(r->table, slot->id, slot->target);
    r->last_id = slot->id;
    return ve__table_stage_dead(r->table, r->gate, slot->id);
}

static ve_status replay_add(replay *r, uint64_t number, const ve__slot *slot, uint8_t *payload,
                            uint8_t *trailer, int is_gone)
{
    ve__table *table = r->table;
    VE_TRY(check_add(r, number, slot));
    if (slot->target != VE__NO_SLOT)
        clear_suspect(r, slot->target);
    if (is_gone)
        return skip_record(r, slot);
    r->is_skipping = 0;
    if (table->header.is_sealed)
        VE_TRY(ve__unseal_slot(r->seal, &table->key, &table->header, number, payload, trailer, r->scratch));
    if (!ve__record_text_start(&r->text, trailer, slot->text_slots, table->payload_bytes))
        return broken_rule(r, number, "its label and metadata do not fit");
    r->staged =
        (ve__staged){.id = slot->id, .slot = number, .target = slot->target, .text_slots = slot->text_slots};
    if (slot->target == VE__NO_SLOT)
        r->last_id = slot->id;
    if (slot->text_slots == 0)
        return finish_record(r, payload);
    memcpy(r->vector, payload, table->payload_bytes);
    return VE_OK;
}

/* A TEXT slot that cannot be read makes its record a suspect: erasing takes them together. */
static ve_status spoil_record(replay *r)
{
    VE_TRY(add_suspect(r, r->staged.slot));
    r->is_skipping = 1;
    if (r->staged.target != VE__NO_SLOT)
        return ve__table_stage_removal(r->table, r->staged.id, r->staged.target);
    return ve__table_stage_dead(r->table, r->gate, r->staged.id);
}

static ve_status replay_text(replay *r, uint64_t number, uint8_t *payload, uint8_t *trailer, int is_gone)
{
    if (r->is_skipping || is_gone)
        r->text.slots_left--;
    if (r->is_skipping) /* text behind an erased vector: its erasure was interrupted */
        return is_gone ? VE_OK : add_suspect(r, r->staged.slot);
    if (is_gone)
        return spoil_record(r);
    if (r->table->header.is_sealed)
        VE_TRY(
            ve__unseal_slot(r->seal, &r->table->key, &r->table->header, number, payload, trailer, r->scratch));
    ve__record_text_go_on(&r->text, payload, r->table->payload_bytes);
    return r->text.slots_left == 0 ? finish_record(r, r->vector) : VE_OK;
}

static ve_status replay_remove(replay *r, uint64_t number, const ve__slot *slot)
{
    uint32_t row = ve__table_find(r->table, slot->id);
    if (slot->target >= r->commit_start ||
        (row != VE__NO_ROW && ve__table_row(r->table, row)->slot != slot->target))
        return broken_rule(r, number, "it removes what is not there");
    clear_suspect(r, slot->target);
    return ve__table_stage_removal(r->table, slot->id, slot->target);
}

static void stop(replay *r, uint64_t number)
{
    r->has_stopped = 1;
    r->stop_slot = number;
}

/* The last slot of a commit has been read. */
static ve_status finish_commit(replay *r, uint64_t number)
{
    if (r->first_suspect != VE__NO_SLOT) {
        int is_acknowledged;
        VE_TRY(has_later_commit(r, number + 1, r->table->commit + 1, &is_acknowledged));
        if (!is_acknowledged) {
            stop(r, r->first_suspect);
            return VE_OK;
        }
    }
    VE_TRY(settle_suspects(r));
    ve__table_apply(r->table, r->gate, number + 1);
    r->commit_start = number + 1;
    r->first_suspect = VE__NO_SLOT;
    r->last_id = 0;
    return VE_OK;
}

static ve_status replay_slot(replay *r, uint64_t number, const ve__slot *slot, uint8_t *payload,
                             uint8_t *trailer, ve__slot_verdict verdict)
{
    int is_gone = verdict == VE__SLOT_BAD_CONTENT || slot->state == VE__SLOT_ERASED;
    if (verdict == VE__SLOT_BAD_STRUCTURE || slot->commit != r->table->commit + 1) {
        stop(r, number);
        return VE_OK;
    }
    if ((slot->kind == VE__SLOT_TEXT) != (r->text.slots_left > 0))
        return broken_rule(r, number, "its kind does not follow from the one before");
    if (verdict == VE__SLOT_BAD_CONTENT)
        VE_TRY(add_suspect(r, slot->kind == VE__SLOT_TEXT ? r->staged.slot : number));
    if (slot->kind == VE__SLOT_ADD) {
        r->staged.slot = number;
        VE_TRY(replay_add(r, number, slot, payload, trailer, is_gone));
    } else if (slot->kind == VE__SLOT_TEXT) {
        VE_TRY(replay_text(r, number, payload, trailer, is_gone));
    } else {
        VE_TRY(replay_remove(r, number, slot));
    }
    if (!(slot->flags & VE__SLOT_LAST))
        return VE_OK;
    if (r->text.slots_left > 0)
        return broken_rule(r, number, "its commit ends too early");
    return finish_commit(r, number);
}

/* A slot that looked bad is read again: a writer may have been at it. */
static ve_status judge(replay *r, uint64_t number, uint8_t *payload, uint8_t *trailer, ve__slot *slot,
                       ve__slot_verdict *verdict)
{
    const ve__table *table = r->table;
    *verdict = ve__slot_decode(payload, table->payload_bytes, trailer, table->header.salt, number, slot);
    if (*verdict == VE__SLOT_GOOD)
        return VE_OK;
    VE_TRY(read_slot(r, number, slot, verdict));
    memcpy(payload, r->scratch, table->payload_bytes);
    memcpy(trailer, r->scratch + table->payload_bytes, VE__STORE_TRAILER_BYTES);
    return VE_OK;
}

static ve_status replay_batch(replay *r, uint64_t first, size_t *count)
{
    ve__table *table = r->table;
    float *vectors;
    size_t room, done;
    uint32_t old_rows = table->row_staged;
    VE_TRY(ve__table_room(r->io, table, *count, &vectors, &room));
    uint8_t *payloads = (uint8_t *)vectors;
    VE_TRY(ve__io_read_pairs(r->io, &table->file, ve__store_slot_offset(table->header.dim, first), payloads,
                             table->payload_bytes, r->trailers, VE__STORE_TRAILER_BYTES, room, &done));
    *count = done / table->slot_bytes;
    for (size_t i = 0; i < *count && !r->has_stopped; i++) {
        ve__slot slot;
        ve__slot_verdict verdict;
        uint8_t *payload = payloads + i * table->payload_bytes,
                *trailer = r->trailers + i * VE__STORE_TRAILER_BYTES;
        VE_TRY(judge(r, first + i, payload, trailer, &slot, &verdict));
        VE_TRY(replay_slot(r, first + i, &slot, payload, trailer, verdict));
    }
    size_t kept = table->row_staged - old_rows;
    if (kept < *count)
        ve__wipe(payloads + kept * table->payload_bytes, (*count - kept) * table->payload_bytes);
    return VE_OK;
}

static ve_status measure(replay *r)
{
    ve__file_facts facts;
    VE_TRY(ve__io_facts(r->io, &r->table->file, &facts));
    r->file_bytes = facts.size;
    r->slot_count =
        facts.size < VE__STORE_HEADER_BYTES ? 0 : (facts.size - VE__STORE_HEADER_BYTES) / r->table->slot_bytes;
    return VE_OK;
}

/* From behind the last commit to the end of the file, or to a slot that stops it. */
static ve_status replay_pass(replay *r)
{
    r->has_stopped = 0;
    r->first_suspect = VE__NO_SLOT;
    r->last_id = 0;
    r->text.slots_left = 0;
    r->is_skipping = 0;
    r->commit_start = r->table->end_slot;
    VE_TRY(measure(r));
    for (uint64_t number = r->table->end_slot; number < r->slot_count && !r->has_stopped;) {
        size_t count = r->slot_count - number < r->batch ? (size_t)(r->slot_count - number) : r->batch;
        VE_TRY(replay_batch(r, number, &count));
        if (count == 0)
            break;
        number += count;
    }
    ve__table_unstage(r->table, r->gate);
    return VE_OK;
}

/* Suspects of commits that do not count are nobody's; what such a commit cleared is not cleared. */
static void forget_torn_suspects(replay *r)
{
    for (size_t i = r->suspect_count; i-- > 0;) {
        r->suspects[i].is_cleared = 0;
        if (r->suspects[i].slot >= r->table->end_slot)
            forget_suspect(r, i);
    }
}

/* Has a suspect's erasure been finished in the meantime? */
static ve_status recheck_suspects(replay *r)
{
    for (size_t i = r->suspect_count; i-- > 0;) {
        ve__slot slot;
        ve__slot_verdict verdict;
        VE_TRY(read_slot(r, r->suspects[i].slot, &slot, &verdict));
        if (verdict == VE__SLOT_GOOD && slot.state == VE__SLOT_ERASED)
            forget_suspect(r, i);
    }
    return VE_OK;
}

/* After a pass: *again when the file moved on meanwhile; VE_ERR_CORRUPT when something is wrong and stays so.
 */
static ve_status judge_pass(replay *r, int *again)
{
    uint64_t old_bytes = r->file_bytes;
    *again = 0;
    forget_torn_suspects(r);
    VE_TRY(recheck_suspects(r));
    VE_TRY(measure(r));
    if (r->has_stopped) {
        int is_damaged;
        VE_TRY(has_later_commit(r, r->stop_slot + 1, r->table->commit + 1, &is_damaged));
        ve__slot slot;
        ve__slot_verdict verdict;
        VE_TRY(read_slot(r, r->stop_slot, &slot, &verdict));
        *again = verdict == VE__SLOT_GOOD && slot.commit == r->table->commit + 1;
        if (is_damaged && !*again)
            return broken_rule(r, r->stop_slot, "damaged");
    }
    if (r->file_bytes > old_bytes && (r->suspect_count > 0 || !r->has_stopped))
        *again = 1;
    if (r->suspect_count > 0 && !*again)
        return broken_rule(r, r->suspects[0].slot, "damaged");
    return VE_OK;
}

static ve_status replay_all(replay *r)
{
    int again = 1;
    for (int attempt = 0; again && attempt < MAX_ATTEMPTS; attempt++) {
        uint64_t end = r->table->end_slot;
        VE_TRY(replay_pass(r));
        VE_TRY(judge_pass(r, &again));
        /* A commit that a writer is just making need not be waited for. */
        if (again && r->suspect_count == 0 && r->table->end_slot == end && attempt > 2)
            again = 0;
    }
    if (r->suspect_count > 0)
        return broken_rule(r, r->suspects[0].slot, "damaged");
    if (r->table->end_slot < r->table->header.marked_slots)
        return broken_rule(r, r->has_stopped ? r->stop_slot : r->table->end_slot, "damaged or missing");
    return VE_OK;
}

ve_status ve__replay(const ve__io *io, const ve_store_seal *seal, ve__table *table, ve__gate *gate,
                     ve__replayed *replayed)
{
    replay r = {.io = io, .seal = seal, .table = table, .gate = gate};
    uint64_t start = table->end_slot;
    r.batch = BATCH_BYTES / table->slot_bytes;
    r.batch = r.batch > BATCH_LARGEST ? BATCH_LARGEST : r.batch;
    r.trailers = ve__allocate(r.batch * VE__STORE_TRAILER_BYTES);
    r.scratch = ve__allocate(table->slot_bytes);
    r.vector = ve__allocate(table->payload_bytes);
    ve_status status = ve__record_text_make(&r.text);
    if (!r.trailers || !r.scratch || !r.vector)
        status = ve__fail(VE_ERR_MEMORY, "no memory to read %s", table->file.path);
    if (status == VE_OK)
        status = replay_all(&r);
    ve__table_unstage(table, gate);
    uint64_t end_offset = ve__store_slot_offset(table->header.dim, table->end_slot);
    replayed->torn_bytes = r.file_bytes > end_offset ? r.file_bytes - end_offset : 0;
    replayed->has_changed = table->end_slot > start;
    ve__record_text_free(&r.text);
    ve__wipe(r.trailers, r.trailers ? r.batch * VE__STORE_TRAILER_BYTES : 0);
    ve__wipe(r.scratch, r.scratch ? table->slot_bytes : 0);
    ve__release(r.trailers);
    ve__wipe(r.vector, r.vector ? table->payload_bytes : 0);
    ve__release(r.scratch);
    ve__release(r.vector);
    ve__release(r.suspects);
    return status;
}

ve_status ve__store_open_file(const ve__io *io, const char *path, uint32_t flags, unsigned copy, ve__file *file,
                              ve__file_facts *facts, ve__store_header *header)
{
    uint8_t page[VE__STORE_HEADER_BYTES];
    size_t done = 0;
    VE_TRY(ve__io_open(io, path, flags & VE_STORE_READ_ONLY ? O_RDONLY : O_RDWR, file));
    ve_status status = ve__io_facts(io, file, facts);
    if (status == VE_OK && !facts->is_regular)
        status = ve__fail(VE_ERR_FORMAT, "%s is no regular file", path);
    if (status == VE_OK && facts->is_shared && !(flags & VE_STORE_ALLOW_SHARED))
        status =
            ve__fail(VE_ERR_ACCESS, "%s: other users may read or write it (chmod 600 keeps them out)", path);
    if (status == VE_OK)
        status = ve__io_read(io, file, 0, page, sizeof page, &done);
    if (status == VE_OK)
        status = ve__store_header_decode(page, done, copy, path, header);
    if (status != VE_OK)
        ve__io_close(file);
    return status;
}

ve_status ve__store_load(const ve__io *io, const ve_store_seal *seal, const char *path, uint32_t flags,
                         ve__table **result, ve__replayed *replayed)
{
    ve__file file;
    ve__file_facts facts;
    ve__store_header header;
    ve__table *table = NULL;
    VE_TRY(ve__store_open_file(io, path, flags, 0, &file, &facts, &header));
    uint64_t slots = facts.size / ve__store_slot_bytes(header.dim);
    ve_status status = slots < VE__NO_ROW ? VE_OK : ve__fail(VE_ERR_TOO_LARGE, "%s: too large", path);
    if (status == VE_OK)
        status = ve__table_create(io, &header, &file, (size_t)slots, (flags & VE_STORE_CODES) != 0, &table);
    if (status != VE_OK) {
        ve__io_close(&file);
        return status;
    }
    table->device = facts.device;
    table->inode = facts.inode;
    if (header.is_sealed)
        status = ve__seal_find_key(io, seal, &header, path, &table->key);
    if (status == VE_OK)
        status = ve__replay(io, seal, table, NULL, replayed);
    if (status != VE_OK) {
        ve__table_free(table);
        return status;
    }
    *result = table;
    return VE_OK;
}
