/* SPDX-License-Identifier: MIT */
/* Sealed stores: nothing readable in the file, wrong keys told apart from damage, keys that change, tampering.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/format.h"
#include "support/changes.h"
#include "visembed_seal.h"

static char folder[64], path[128];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/sealed.ves", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static ve_status open_with(const ve_store_seal *seal, uint32_t flags, ve_store **store)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    options.flags = flags;
    options.dim = CHANGES_DIM;
    options.seal = seal;
    *store = NULL;
    return ve_store_open(path, &options, store);
}

/* Neither labels nor metadata nor vectors of anything that is or was in the store. */
static void check_nothing_readable(const expected *truth)
{
    expected none = *truth;
    memset(none.versions, 0, sizeof none.versions);
    assert_true(expected_is_all(path, &none));
    assert_false(file_contains(path, "person-", 7));
}

static void fill(ve_store *store, expected *truth, uint64_t seed)
{
    chance random = {seed};
    expected_start(truth);
    for (int i = 0; i < 40; i++)
        assert_int_equal(change_make(store, &random, truth), VE_OK);
    assert_true(expected_holds(store, truth));
}

static void make_seals(ve_store_seal **key, ve_store_seal **other, ve_store_seal **phrase)
{
    assert_int_equal(ve_seal_make_key_file(path_in(folder, "a.key")), VE_OK);
    assert_int_equal(ve_seal_make_key_file(path_in(folder, "b.key")), VE_OK);
    assert_int_equal(ve_seal_make_key_file(path_in(folder, "b.key")), VE_ERR_EXISTS);
    assert_int_equal(ve_seal_with_key_file(path_in(folder, "a.key"), key), VE_OK);
    assert_int_equal(ve_seal_with_key_file(path_in(folder, "b.key"), other), VE_OK);
    assert_int_equal(ve_seal_with_passphrase("correct horse", 13, phrase), VE_OK);
}

static void free_seals(ve_store_seal *key, ve_store_seal *other, ve_store_seal *phrase)
{
    ve_seal_free(key);
    ve_seal_free(other);
    ve_seal_free(phrase);
    ve_seal_free(NULL);
}

static void hides_everything_and_changes_keys(void **state)
{
    (void)state;
    ve_store_seal *key, *other, *phrase, *wrong;
    ve_store *store;
    expected truth;
    make_seals(&key, &other, &phrase);
    assert_int_equal(open_with(key, VE_STORE_NEW, &store), VE_OK);
    fill(store, &truth, 5);
    check_nothing_readable(&truth);
    assert_int_equal(ve_store_compact(store), VE_OK);
    check_nothing_readable(&truth);
    ve_store_close(store);
    assert_int_equal(open_with(NULL, 0, &store), VE_ERR_KEY);
    assert_int_equal(open_with(other, 0, &store), VE_ERR_KEY);
    assert_int_equal(open_with(phrase, 0, &store), VE_ERR_KEY);
    assert_int_equal(open_with(key, 0, &store), VE_OK);
    assert_true(expected_holds(store, &truth));
    assert_int_equal(ve_store_reseal(store, phrase), VE_OK);
    assert_true(expected_holds(store, &truth));
    check_nothing_readable(&truth);
    ve_store_close(store);
    assert_int_equal(open_with(key, 0, &store), VE_ERR_KEY);
    assert_int_equal(ve_seal_with_passphrase("correct hors3", 13, &wrong), VE_OK);
    assert_int_equal(open_with(wrong, 0, &store), VE_ERR_KEY);
    assert_int_equal(open_with(phrase, 0, &store), VE_OK);
    assert_true(expected_holds(store, &truth));
    assert_int_equal(ve_store_reseal(store, NULL), VE_OK); /* open for all who may read the file */
    ve_store_close(store);
    assert_int_equal(open_with(NULL, 0, &store), VE_OK);
    assert_true(expected_holds(store, &truth));
    assert_true(file_contains(path, "person-", 7));
    ve_store_close(store);
    ve_seal_free(wrong);
    free_seals(key, other, phrase);
}

/* A changed byte with checksums that fit is found by the seal. */
static void notices_tampering(void **state)
{
    (void)state;
    ve_store_seal *key, *other, *phrase;
    ve_store *store;
    ve_store_report report = VE_STORE_REPORT_INIT;
    ve__store_header header;
    expected truth;
    size_t size;
    make_seals(&key, &other, &phrase);
    assert_int_equal(open_with(key, VE_STORE_NEW, &store), VE_OK);
    fill(store, &truth, 6);
    assert_int_equal(ve_store_compact(store), VE_OK);
    ve_store_close(store);
    unsigned char *bytes = read_file(path, &size);
    size_t payload = ve__store_payload_bytes(CHANGES_DIM), slot_bytes = ve__store_slot_bytes(CHANGES_DIM);
    assert_int_equal(ve__store_header_decode(bytes, size, 0, path, &header), VE_OK);
    for (unsigned number = 0; number < 2; number++) {
        unsigned char *slot = bytes + 4096 + number * slot_bytes, old[1024];
        ve__slot facts;
        memcpy(old, slot, slot_bytes);
        ve__slot_decode(slot, payload, slot + payload, header.salt, number, &facts);
        slot[number * 3] ^= 1;
        ve__slot_encode(&facts, header.salt, number, slot, payload, slot + payload);
        write_file(path, bytes, size);
        assert_int_equal(open_with(key, VE_STORE_READ_ONLY, &store), VE_ERR_CORRUPT);
        assert_int_equal(ve_store_check(path, NULL, &report), VE_OK); /* its checksums hold */
        assert_int_equal(ve_store_check(path, key, &report), VE_ERR_CORRUPT);
        assert_int_equal(ve_store_check(path, other, &report), VE_ERR_KEY);
        memcpy(slot, old, slot_bytes);
    }
    bytes[5000] ^= 1; /* damage is no wrong key */
    write_file(path, bytes, size);
    assert_int_equal(open_with(key, VE_STORE_READ_ONLY, &store), VE_ERR_CORRUPT);
    const char *saved = path_in(folder, "saved.ves");
    assert_int_equal(ve_store_recover(path, saved, key, &report), VE_OK);
    strcpy(path, saved);
    assert_int_equal(open_with(other, VE_STORE_READ_ONLY, &store), VE_ERR_KEY);
    assert_int_equal(open_with(key, VE_STORE_READ_ONLY, &store), VE_OK);
    assert_true(ve_store_count(store) > 5);
    ve_store_close(store);
    free(bytes);
    free_seals(key, other, phrase);
}

static void reads_only_private_key_files(void **state)
{
    (void)state;
    ve_store_seal *seal = NULL;
    const char *name = path_in(folder, "k.key");
    assert_int_equal(ve_seal_with_key_file(name, &seal), VE_ERR_NOT_FOUND);
    assert_int_equal(ve_seal_make_key_file(name), VE_OK);
    chmod(name, 0644);
    assert_int_equal(ve_seal_with_key_file(name, &seal), VE_ERR_ACCESS);
    chmod(name, 0600);
    write_file(name, "0123456789", 10);
    assert_int_equal(ve_seal_with_key_file(name, &seal), VE_ERR_FORMAT);
    assert_int_equal(ve_seal_with_passphrase("", 0, &seal), VE_ERR_ARGUMENT);
    assert_null(seal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hides_everything_and_changes_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_tampering, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_only_private_key_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
