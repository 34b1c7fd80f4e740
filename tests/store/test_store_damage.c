/* SPDX-License-Identifier: MIT */
/* Damage: every byte of a small store changed, every truncation. Whatever then opens holds only right vectors,
 * and what does not open is reported; the file stays as it is; recovery saves the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/changes.h"

static char folder[64], path[128];
static unsigned char *whole;
static size_t whole_size;
static expected truth;

/* A store with removed, replaced and multi-slot records, not compacted at the end. */
static int set_up(void **state)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    chance random = {99};
    (void)state;
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/damage.ves", folder);
    options.flags = VE_STORE_CREATE;
    options.dim = CHANGES_DIM;
    if (ve_store_open(path, &options, &store) != VE_OK)
        return -1;
    expected_start(&truth);
    for (int i = 0; i < 16; i++)
        if (change_make(store, &random, &truth) != VE_OK)
            return -1;
    ve_store_close(store);
    whole = read_file(path, &whole_size);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(whole);
    remove_folder(folder);
    return 0;
}

/* Every record of the store is a right one; fewer may be there. Returns how many. */
static uint64_t check_records(const char *name)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    ve_store_record record = {.id = 0};
    uint64_t count = 0;
    options.flags = VE_STORE_READ_ONLY;
    if (ve_store_open(name, &options, &store) != VE_OK)
        return UINT64_MAX;
    while (ve_store_next(store, record.id, &record, NULL) == VE_OK) {
        uint64_t key;
        unsigned version;
        assert_true(item_read(store, record.id, CHANGES_DIM, &key, &version));
        assert_int_equal(key, record.id);
        count++;
    }
    ve_store_close(store);
    return count;
}

static uint64_t truth_count(void)
{
    uint64_t count = 0;
    for (uint64_t id = 1; id < truth.next_key; id++)
        count += truth.versions[id] != 0;
    return count;
}

static void check_unchanged(const unsigned char *bytes, size_t size)
{
    size_t now;
    unsigned char *left = read_file(path, &now);
    assert_int_equal(now, size);
    assert_memory_equal(left, bytes, size);
    free(left);
}

/* One byte is wrong. A store that was closed is marked: nothing in it can pass for an unfinished write. */
static void try_changed_byte(const unsigned char *bytes, size_t i, int is_marked, size_t *refused,
                             size_t *silent)
{
    ve_store_report report = VE_STORE_REPORT_INIT;
    write_file(path, bytes, whole_size);
    uint64_t count = check_records(path);
    ve_status checked = ve_store_check(path, NULL, &report);
    if (count == UINT64_MAX) {
        ++*refused;
        assert_true(checked != VE_OK);
        check_unchanged(bytes, whole_size);
        return;
    }
    assert_int_equal(checked, VE_OK);
    if (i >= 1024 && i < 4096) { /* the mark, the spare copy of the header, and unused bytes */
        ++*silent;
        assert_int_equal(count, truth_count());
    } else if (report.torn_bytes == 0) { /* in what is left of a removed record */
        assert_true(report.unerased_slots > 0 && count == truth_count());
    } else { /* the last commit looks unfinished; it was never acknowledged, as far as the file tells */
        assert_false(is_marked);
    }
}

static void try_recovery(void)
{
    ve_store_report report = VE_STORE_REPORT_INIT;
    const char *saved = path_in(folder, "saved.ves");
    remove(saved);
    assert_int_equal(ve_store_recover(path, saved, NULL, &report), VE_OK);
    uint64_t good = check_records(saved);
    assert_true(good != UINT64_MAX && good + 6 >= truth_count());
}

static void finds_every_changed_byte(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(whole_size);
    memcpy(bytes, whole, whole_size);
    for (int is_marked = 1; is_marked >= 0; is_marked--) {
        size_t silent = 0, refused = 0;
        if (!is_marked)
            memset(bytes + 1024, 0, 12);
        for (size_t i = 0; i < whole_size; i++) {
            bytes[i] ^= (unsigned char)(1u << i % 8);
            try_changed_byte(bytes, i, is_marked, &refused, &silent);
            if (i % 29 == 0)
                try_recovery();
            bytes[i] ^= (unsigned char)(1u << i % 8);
        }
        printf("%zu bytes: %zu refused\n", whole_size, refused);
        assert_int_equal(silent, 3072);
        assert_true(refused > whole_size / 2);
    }
    free(bytes);
}

static void opens_or_refuses_every_length(void **state)
{
    (void)state;
    for (int is_marked = 1; is_marked >= 0; is_marked--) {
        uint64_t count = 0;
        if (!is_marked)
            memset(whole + 1024, 0, 12);
        for (size_t size = 0; size <= whole_size; size++) {
            write_file(path, whole, size);
            count = check_records(path);
            int is_refused = size < 4096 || (is_marked && size < whole_size);
            assert_int_equal(count == UINT64_MAX, is_refused);
        }
        assert_int_equal(count, truth_count());
    }
}

/* Slots that change places, and slots of another store, are no records. */
static void refuses_slots_from_elsewhere(void **state)
{
    (void)state;
    const size_t slot = 64 + 128;
    unsigned char *bytes = malloc(whole_size);
    memcpy(bytes, whole, whole_size);
    memcpy(bytes + 4096, whole + 4096 + slot, slot);
    memcpy(bytes + 4096 + slot, whole + 4096, slot);
    write_file(path, bytes, whole_size);
    assert_int_equal(check_records(path), UINT64_MAX);
    memcpy(bytes, whole, whole_size);
    bytes[56] ^= 1; /* another salt, with a header checksum that fits: see recover */
    write_file(path, bytes, whole_size);
    assert_int_equal(check_records(path), UINT64_MAX);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_every_changed_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_or_refuses_every_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_slots_from_elsewhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
