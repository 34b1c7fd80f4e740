/* SPDX-License-Identifier: MIT */
/*
 * Power cuts. A run of random changes is recorded call by call, through the store's own I/O layer. Then the
 * disk is put together as it may look after a power cut behind every single call: what was synced is there; of
 * what was not, all, or nothing, or a random part in random order and in pieces of a sector; names as they
 * were, or a part of what came after; the last write torn at every length. Each such disk must open, with every
 * acknowledged change and nothing half, and once a writer has opened it, no byte of what is not in the store
 * may be left in the file.
 *
 * VE_LONG=1 in the environment: 20 runs; every torn length of every write in the first, of writes up to 2 KB in
 * the others, where of longer ones (fillings and copies) it is one length in 61: a prime, so that all places
 * within a sector and a record come up.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "support/changes.h"

#define MAX_EVENTS  4000
#define MAX_FILES   64
#define MAX_CHANGES 128
#define SECTOR      512u
#define LONG_WRITE  2048u

/* ---- what happened */

typedef struct event {
    ve__io_kind kind;
    int file, other; /* number of a file; RENAME: other is the name's new owner */
    int name, new_name;
    uint64_t offset;
    unsigned char *bytes;
    size_t size;
    int changes_done; /* acknowledged when this call was made */
    int synced_by;    /* event that makes it durable; MAX_EVENTS: none */
} event;

static struct {
    event events[MAX_EVENTS];
    int count;
    char names[MAX_FILES][160]; /* by number */
    int name_count;
    int owner[MAX_FILES]; /* name -> file, -1: none */
    int file_count;
    int of_descriptor[1024];
    int changes_done;
    expected after[MAX_CHANGES + 1];
    int creation_done; /* events before the store's creation was acknowledged */
} tape;

static int name_number(const char *name)
{
    for (int i = 0; i < tape.name_count; i++)
        if (strcmp(tape.names[i], name) == 0)
            return i;
    strcpy(tape.names[tape.name_count], name);
    tape.owner[tape.name_count] = -1;
    return tape.name_count++;
}

/* Names that the store may create or change; others (/dev/urandom, folders) are not part of the disk. */
static int is_ours(const char *path)
{
    return path && strstr(path, "crash.ves") && !strstr(path, ".lock");
}

static void record(void *context, const ve__io_call *call)
{
    (void)context;
    if (call->kind == VE__IO_READ || call->kind == VE__IO_STAT || call->kind == VE__IO_LOCK)
        return;
    if (call->kind != VE__IO_SYNC_FOLDER && !is_ours(call->path))
        return;
    event e = {.kind = call->kind, .file = -1, .name = -1, .new_name = -1, .changes_done = tape.changes_done};
    if (call->kind == VE__IO_OPEN) {
        e.name = name_number(call->path);
        int is_new = tape.owner[e.name] < 0;
        if (is_new)
            tape.owner[e.name] = tape.file_count++;
        tape.of_descriptor[call->file] = e.file = tape.owner[e.name];
        if (!is_new)
            return;
    } else if (call->kind == VE__IO_RENAME) {
        e.name = name_number(call->path);
        e.new_name = name_number(call->new_path);
        e.file = tape.owner[e.name];
        tape.owner[e.new_name] = e.file;
        tape.owner[e.name] = -1;
    } else if (call->kind == VE__IO_UNLINK) {
        e.name = name_number(call->path);
        tape.owner[e.name] = -1;
    } else if (call->kind != VE__IO_SYNC_FOLDER) {
        e.file = tape.of_descriptor[call->file];
        e.offset = call->offset;
        e.size = call->size;
        if (call->kind == VE__IO_WRITE) {
            e.bytes = malloc(e.size);
            memcpy(e.bytes, call->bytes, e.size);
        }
    }
    assert_true(tape.count < MAX_EVENTS);
    tape.events[tape.count++] = e;
}

/* ---- random changes */

static void make_tape(const char *path, uint64_t seed, int changes)
{
    chance random = {seed};
    ve__io io = {.after = record};
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store;
    expected state;
    for (int i = 0; i < tape.count; i++)
        free(tape.events[i].bytes);
    memset(&tape, 0, sizeof tape);
    expected_start(&state);
    tape.after[0] = state;
    options.flags = VE_STORE_CREATE;
    options.dim = CHANGES_DIM;
    assert_int_equal(ve__store_open(path, &options, &io, &store), VE_OK);
    tape.creation_done = tape.count;
    for (int i = 0; i < changes; i++) {
        assert_int_equal(change_make(store, &random, &state), VE_OK);
        tape.after[++tape.changes_done] = state;
    }
    ve_store_close(store);
}

/* ---- the disk after a power cut */

typedef struct disk {
    unsigned char *bytes[MAX_FILES];
    size_t size[MAX_FILES];
    int owner[MAX_FILES]; /* name -> file */
} disk;

static void disk_write(disk *d, int file, uint64_t offset, const unsigned char *bytes, size_t size)
{
    if (offset + size > d->size[file]) {
        d->bytes[file] = realloc(d->bytes[file], (size_t)offset + size + 1);
        memset(d->bytes[file] + d->size[file], 0, (size_t)offset + size - d->size[file]);
        d->size[file] = (size_t)offset + size;
    }
    if (size > 0)
        memcpy(d->bytes[file] + offset, bytes, size);
}

static void disk_apply(disk *d, const event *e, size_t size)
{
    if (e->kind == VE__IO_WRITE)
        disk_write(d, e->file, e->offset, e->bytes, size);
    else if (e->kind == VE__IO_TRUNCATE && e->offset < d->size[e->file])
        d->size[e->file] = (size_t)e->offset;
    else if (e->kind == VE__IO_OPEN)
        d->owner[e->name] = e->file;
    else if (e->kind == VE__IO_RENAME) {
        d->owner[e->new_name] = e->file;
        d->owner[e->name] = -1;
    } else if (e->kind == VE__IO_UNLINK)
        d->owner[e->name] = -1;
}

/* A write that reached the disk in part, by sectors. */
static void disk_apply_sectors(disk *d, const event *e, chance *random)
{
    if (e->kind != VE__IO_WRITE) {
        disk_apply(d, e, e->size);
        return;
    }
    for (size_t at = 0; at < e->size;) {
        size_t end = (size_t)((e->offset + at) / SECTOR + 1) * SECTOR - (size_t)e->offset;
        end = end < e->size ? end : e->size;
        if (chance_below(random, 2))
            disk_write(d, e->file, e->offset + at, e->bytes + at, end - at);
        at = end;
    }
}

static int is_data(const event *e)
{
    return e->kind == VE__IO_WRITE || e->kind == VE__IO_TRUNCATE;
}

/* The first event behind number i that makes it durable. */
static int find_sync(int i)
{
    const event *e = &tape.events[i];
    for (int j = i + 1; j < tape.count; j++) {
        if (is_data(e) && tape.events[j].kind == VE__IO_SYNC && tape.events[j].file == e->file)
            return j;
        if (!is_data(e) && tape.events[j].kind == VE__IO_SYNC_FOLDER)
            return j;
    }
    return MAX_EVENTS;
}

typedef enum survival { ALL, NONE, SOME } survival;

/* The first `end` events have happened; the last one up to `torn` bytes. */
static void disk_make(disk *d, int end, survival kept, size_t torn, chance *random)
{
    int order[MAX_EVENTS], pending = 0, names_kept = kept == ALL ? MAX_EVENTS : 0;
    memset(d, 0, sizeof *d);
    memset(d->owner, 0xff, sizeof d->owner);
    if (kept == SOME)
        names_kept = (int)chance_below(random, 5);
    for (int i = 0; i < end; i++) {
        const event *e = &tape.events[i];
        size_t size = i == end - 1 && torn < e->size ? torn : e->size;
        int survives = e->synced_by < end || kept == ALL;
        if (!survives && !is_data(e)) /* names reach the disk in order */
            survives = names_kept-- > 0;
        if (survives)
            disk_apply(d, e, size);
        else if (kept == SOME)
            order[pending++] = i;
    }
    for (int left = pending; left > 0; left--) { /* in any order */
        int pick = (int)chance_below(random, (unsigned)left), i = order[pick];
        order[pick] = order[left - 1];
        if (is_data(&tape.events[i]))
            disk_apply_sectors(d, &tape.events[i], random);
    }
}

static void disk_save(const disk *d, const char *folder)
{
    char path[256];
    for (int name = 0; name < tape.name_count; name++) {
        snprintf(path, sizeof path, "%s/%s", folder, strrchr(tape.names[name], '/') + 1);
        int file = d->owner[name];
        if (file >= 0)
            write_file(path, d->bytes[file] ? d->bytes[file] : (const unsigned char *)"", d->size[file]);
        else
            unlink(path);
    }
}

static void disk_free(disk *d)
{
    for (int i = 0; i < MAX_FILES; i++)
        free(d->bytes[i]);
}

/* ---- what must hold */

/* The state that was acknowledged, or the one that was being made; -1: neither. */
static int state_of(ve_store *store, int done)
{
    if (expected_holds(store, &tape.after[done]))
        return done;
    return done < tape.changes_done && expected_holds(store, &tape.after[done + 1]) ? done + 1 : -1;
}

static void check_disk(const char *folder, int end, int is_thorough)
{
    const char *path = path_in(folder, "crash.ves");
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    ve_store_report report = VE_STORE_REPORT_INIT;
    int done = tape.events[end - 1].changes_done, is_created = end >= tape.creation_done;
    options.flags = VE_STORE_READ_ONLY;
    ve_status status = ve_store_open(path, &options, &store);
    if (status == VE_ERR_NOT_FOUND && !is_created)
        return;
    if (status != VE_OK)
        fail_msg("after call %d (change %d): %s", end, done, ve_last_error());
    int state = state_of(store, done);
    if (state < 0)
        fail_msg("after call %d: not the state after %d changes, nor after %d", end, done, done + 1);
    ve_store_close(store);
    status = ve_store_check(path, NULL, &report);
    if (status != VE_OK)
        fail_msg("check after call %d: %s", end, ve_last_error());
    if (!is_thorough)
        return;
    options.flags = 0;
    assert_int_equal(ve_store_open(path, &options, &store), VE_OK);
    assert_int_equal(access(path_in(folder, "crash.ves.tmp"), F_OK), -1);
    /* All ids that were ever given are looked for. */
    expected all = tape.after[state];
    all.next_key = tape.after[tape.changes_done].next_key;
    assert_true(expected_is_all(path, &all));
    item one;
    uint64_t id;
    item_make(&one, CHANGES_ITEMS - 1, 0, CHANGES_DIM);
    assert_int_equal(ve_store_add(store, &one.entry, &id), VE_OK);
    ve_store_close(store);
    assert_int_equal(ve_store_open(path, &options, &store), VE_OK);
    assert_true(item_is(store, id, CHANGES_ITEMS - 1, 0, CHANGES_DIM));
    assert_int_equal(ve_store_remove(store, id), VE_OK);
    assert_true(expected_holds(store, &tape.after[state]));
    ve_store_close(store);
}

static void try_disk(const char *folder, int end, survival kept, size_t torn, chance *random, int is_thorough)
{
    disk d;
    disk_make(&d, end, kept, torn, random);
    disk_save(&d, folder);
    disk_free(&d);
    check_disk(folder, end, is_thorough);
}

/* From one length at which a write is torn to the next. */
static size_t torn_step(size_t size, uint64_t seed, int is_long)
{
    if (!is_long)
        return 1 + size / 3;
    return seed == 1 || size <= LONG_WRITE ? 1 : 61;
}

static void cut_everywhere(const char *folder, uint64_t seed, int is_long)
{
    chance random = {seed};
    for (int i = 0; i < tape.count; i++)
        tape.events[i].synced_by = find_sync(i);
    for (int end = 1; end <= tape.count; end++) {
        const event *last = &tape.events[end - 1];
        try_disk(folder, end, ALL, SIZE_MAX, &random, 1);
        try_disk(folder, end, NONE, SIZE_MAX, &random, 0);
        for (int i = 0; i < (is_long ? 20 : 2); i++)
            try_disk(folder, end, SOME, SIZE_MAX, &random, i == 0);
        size_t step = torn_step(last->size, seed, is_long);
        for (size_t torn = 0; last->kind == VE__IO_WRITE && torn < last->size; torn += step)
            try_disk(folder, end, torn % 2 ? ALL : SOME, torn, &random, 0);
    }
}

static void survives_every_power_cut(void **state)
{
    (void)state;
    int is_long = getenv("VE_LONG") != NULL;
    char folder[64], second[64];
    strcpy(folder, make_folder());
    strcpy(second, make_folder());
    for (uint64_t seed = 1; seed <= (is_long ? 20u : 1u); seed++) {
        char path[128];
        snprintf(path, sizeof path, "%s/crash.ves", folder);
        make_tape(path, seed * 77, is_long ? 60 : 32);
        assert_true(tape.count > 80);
        cut_everywhere(second, seed, is_long);
        unlink(path);
    }
    remove_folder(folder);
    remove_folder(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_every_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
