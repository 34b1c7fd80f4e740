/* SPDX-License-Identifier: MIT */
/* Forgetting: when a removal or replacement has returned, no byte of the vector, its label and metadata is in
 * the file; with VE_STORE_DEFER_ERASE that is so after compaction, or after the next change without the flag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/changes.h"

static char folder[64], path[128];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/forget.ves", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static ve_store *open_store(uint32_t flags)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = flags;
    options.dim = CHANGES_DIM;
    assert_int_equal(ve_store_open(path, &options, &store), VE_OK);
    return store;
}

static void forgets_at_once(void **unused)
{
    (void)unused;
    ve_store *store = open_store(VE_STORE_NEW);
    chance random = {31};
    expected truth;
    expected_start(&truth);
    for (int i = 0; i < 80; i++) {
        assert_int_equal(change_make(store, &random, &truth), VE_OK);
        assert_true(expected_is_all(path, &truth)); /* the handle is still open: nothing else has tidied up */
    }
    ve_store_close(store);
}

/* A label of its own, once inline and once in a TEXT slot. */
static void forgets_labels(void **unused)
{
    (void)unused;
    ve_store *store = open_store(VE_STORE_NEW);
    float vector[CHANGES_DIM] = {1};
    char label[200];
    for (size_t length = 20; length < sizeof label; length += 170) {
        memset(label, 'Q', length);
        label[length] = 0;
        ve_store_entry entry = {.vector = vector, .dim = CHANGES_DIM, .label = label};
        assert_int_equal(ve_store_add(store, &entry, NULL), VE_OK);
        assert_true(file_contains(path, "QQQQ", 4));
        assert_int_equal(ve_store_remove_label(store, label, NULL), VE_OK);
        assert_false(file_contains(path, "QQQQ", 4));
    }
    ve_store_close(store);
}

static void defers_when_told(void **unused)
{
    (void)unused;
    ve_store *store = open_store(VE_STORE_NEW | VE_STORE_DEFER_ERASE), *other;
    ve_store_report report = VE_STORE_REPORT_INIT;
    expected truth;
    chance random = {5};
    expected_start(&truth);
    for (int i = 0; i < 25; i++)
        assert_int_equal(change_make(store, &random, &truth), VE_OK);
    item one;
    item_make(&one, truth.next_key, 0, CHANGES_DIM);
    uint64_t id;
    assert_int_equal(ve_store_add(store, &one.entry, &id), VE_OK);
    assert_int_equal(ve_store_remove(store, id), VE_OK);
    assert_true(file_contains(path, one.metadata, 14));
    assert_int_equal(ve_store_check(path, NULL, &report), VE_OK);
    assert_true(report.unerased_slots > 0);
    assert_true(expected_holds(store, &truth)); /* forgotten in memory */
    ve_store_close(store);
    other = open_store(0); /* a writer without the flag */
    assert_false(file_contains(path, one.metadata, 14));
    truth.next_key++;
    assert_true(expected_is_all(path, &truth));
    ve_store_close(other);
    store = open_store(VE_STORE_DEFER_ERASE);
    assert_int_equal(ve_store_add(store, &one.entry, &id), VE_OK);
    assert_int_equal(ve_store_remove(store, id), VE_OK);
    assert_true(file_contains(path, one.metadata, 14));
    assert_int_equal(ve_store_compact(store), VE_OK);
    assert_false(file_contains(path, one.metadata, 14));
    ve_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forgets_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(defers_when_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
