/* SPDX-License-Identifier: MIT */
/* Every call to the system and every allocation in turn fails once: opens, reads, writes (also short ones, also
 * a full disk), syncs, renames, memory. Nothing leaks (run it with SANITIZE=address), nothing acknowledged is
 * lost, and the store opens. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "store/store.h"
#include "support/changes.h"

#define CHANGES 14

static struct {
    long count, fail_at;
    int fails_on; /* and every write and sync after that, as on a full disk */
    int is_short; /* the write before the failure writes a part */
} faults;

static int before(void *context, ve__io_call *call)
{
    (void)context;
    long number = faults.count++;
    int is_write = call->kind == VE__IO_WRITE || call->kind == VE__IO_SYNC || call->kind == VE__IO_TRUNCATE;
    if (number == faults.fail_at && faults.is_short && call->kind == VE__IO_WRITE && call->size > 1) {
        call->size /= 2;
        faults.fail_at++;
        return 0;
    }
    if (number == faults.fail_at || (faults.fails_on && number > faults.fail_at && is_write))
        return call->kind == VE__IO_MAP ? ENOMEM : call->kind == VE__IO_WRITE ? ENOSPC : EIO;
    return 0;
}

/* Runs changes until one fails; *state is what was acknowledged, *next what was being made. True if none
 * failed. */
static int run_until_failure(const char *path, expected *state, expected *next)
{
    ve__io io = {.before = before};
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    chance random = {4711};
    options.flags = VE_STORE_CREATE | VE_STORE_CODES;
    options.dim = CHANGES_DIM;
    options.lock_wait_ms = VE_STORE_NO_WAIT;
    *next = *state;
    if (ve__store_open(path, &options, &io, &store) != VE_OK)
        return 0;
    int i;
    for (i = 0; i < CHANGES; i++) {
        ve_status status = change_make(store, &random, next);
        if (status != VE_OK) {
            assert_true(ve_last_error()[0] != 0);
            break;
        }
        *state = *next;
    }
    if (i < CHANGES) { /* what was there can still be read, or the handle went over to what is there now */
        assert_true(expected_holds(store, state) || expected_holds(store, next));
    }
    ve_store_close(store);
    return i == CHANGES;
}

static void check_after(const char *path, const expected *state, const expected *next, long number)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    if (access(path, F_OK) != 0 && state->next_key == 1)
        return;
    ve_status status = ve_store_open(path, &options, &store);
    if (status != VE_OK)
        fail_msg("fault %ld: %s", number, ve_last_error());
    int is_state = expected_holds(store, state), is_next = expected_holds(store, next);
    if (!is_state && !is_next)
        fail_msg("fault %ld: neither what was acknowledged nor what was being made", number);
    expected all = is_state ? *state : *next;
    all.next_key = next->next_key;
    ve_store_close(store);
    if (!expected_is_all(path, &all))
        fail_msg("fault %ld: something is left in the file", number);
    assert_int_equal(access(path_in(path, "../faults.ves.tmp"), F_OK), -1);
}

/* Fails call 0, 1, 2 ... of the same run until a run has no failure. */
static long fail_each(int fails_on, int is_short, int of_allocations)
{
    char folder[64], path[128];
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/faults.ves", folder);
    long number = 0;
    for (int is_done = 0; !is_done; number++) {
        expected state, next;
        expected_start(&state);
        unlink(path);
        unlink(path_in(folder, "faults.ves.tmp"));
        memset(&faults, 0, sizeof faults);
        faults.fail_at = of_allocations ? -1 : number;
        faults.fails_on = fails_on;
        faults.is_short = is_short;
        ve__allocate_fail_after(of_allocations ? number : -1);
        is_done = run_until_failure(path, &state, &next);
        ve__allocate_fail_after(-1);
        check_after(path, &state, &next, number);
        assert_true(number < 100000);
    }
    remove_folder(folder);
    return number;
}

static void survives_each_failing_call(void **state)
{
    (void)state;
    assert_true(fail_each(0, 0, 0) > 100);
}

static void survives_a_full_disk(void **state)
{
    (void)state;
    assert_true(fail_each(1, 1, 0) > 100);
}

static void survives_each_failing_allocation(void **state)
{
    (void)state;
    assert_true(fail_each(0, 0, 1) > 50);
}

static void refuses_writes_after_a_failed_one(void **unused)
{
    (void)unused;
    char folder[64], path[128];
    ve__io io = {.before = before};
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    item one;
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/faults.ves", folder);
    memset(&faults, 0, sizeof faults);
    faults.fail_at = -1;
    options.flags = VE_STORE_CREATE;
    options.dim = CHANGES_DIM;
    assert_int_equal(ve__store_open(path, &options, &io, &store), VE_OK);
    item_make(&one, 1, 0, CHANGES_DIM);
    assert_int_equal(ve_store_add(store, &one.entry, NULL), VE_OK);
    faults.fail_at = faults.count + 3; /* one of the calls of the next change */
    faults.fails_on = 1;
    assert_int_equal(ve_store_add(store, &one.entry, NULL), VE_ERR_IO);
    faults.fail_at = -1;
    faults.fails_on = 0;
    assert_int_equal(ve_store_add(store, &one.entry, NULL), VE_ERR_STATE);
    assert_int_equal(ve_store_remove(store, 1), VE_ERR_STATE);
    assert_int_equal(ve_store_count(store), 1);
    ve_store_close(store);
    assert_int_equal(ve_store_open(path, &options, &store), VE_OK);
    assert_int_equal(ve_store_count(store), 1);
    assert_int_equal(ve_store_add(store, &one.entry, NULL), VE_OK);
    ve_store_close(store);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_each_failing_call),
        cmocka_unit_test(survives_a_full_disk),
        cmocka_unit_test(survives_each_failing_allocation),
        cmocka_unit_test(refuses_writes_after_a_failed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
