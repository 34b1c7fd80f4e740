/* SPDX-License-Identifier: MIT */
/* A store written by format version 1 opens for ever, on every machine. The fixture was made by `make
 * store-fixture`; it holds removed, replaced and many-slot records, and is not compacted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/format.h"
#include "support/changes.h"

#define SEED    2026
#define CHANGES 30

static const char *fixture(void)
{
    const char *name = getenv("VE_STORE_FIXTURE");
    return name ? name : "tests/fixtures/store/v1.ves";
}

/* What the same changes give now. */
static void truth(expected *state)
{
    chance random = {SEED};
    expected_start(state);
    for (int i = 0; i < CHANGES; i++)
        change_make(NULL, &random, state);
}

static void make_fixture(const char *path)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    chance random = {SEED};
    expected state;
    expected_start(&state);
    options.flags = VE_STORE_NEW;
    options.dim = CHANGES_DIM;
    options.fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    options.model_name = "fixture";
    if (ve_store_open(path, &options, &store) != VE_OK)
        exit(1);
    for (int i = 0; i < CHANGES; i++)
        if (change_make(store, &random, &state) != VE_OK)
            exit(1);
    ve_store_close(store);
}

static void opens_version_1(void **unused)
{
    (void)unused;
    char folder[64], path[128];
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_report report = VE_STORE_REPORT_INIT;
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store *store = NULL;
    expected state;
    size_t size;
    unsigned char *bytes = read_file(fixture(), &size);
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/v1.ves", folder);
    write_file(path, bytes, size);
    free(bytes);
    truth(&state);
    assert_int_equal(ve_store_check(path, NULL, &report), VE_OK);
    assert_int_equal(ve_store_open(path, &options, &store), VE_OK);
    assert_true(expected_holds(store, &state));
    assert_int_equal(report.vectors, ve_store_count(store));
    assert_int_equal(ve_store_get_info(store, &info), VE_OK);
    assert_string_equal(info.model_name, "fixture");
    item one;
    item_make(&one, state.next_key, 0, CHANGES_DIM);
    uint64_t id;
    assert_int_equal(ve_store_add(store, &one.entry, &id), VE_OK); /* and can be written to */
    assert_int_equal(id, state.next_key);
    ve_store_close(store);
    remove_folder(folder);
}

static void refuses_newer_versions(void **unused)
{
    (void)unused;
    ve__store_header header = {.dim = 4, .metric = 1, .generation = 1, .next_id = 1}, back;
    uint8_t page[VE__STORE_HEADER_BYTES];
    ve__store_header_encode(&header, page);
    assert_int_equal(ve__store_header_decode(page, sizeof page, 0, "x", &back), VE_OK);
    assert_int_equal(ve__store_header_decode(page, sizeof page, 1, "x", &back), VE_OK);
    page[8] = 2;
    assert_int_equal(ve__store_header_decode(page, sizeof page, 0, "x", &back), VE_ERR_VERSION);
    page[0] = 'X';
    assert_int_equal(ve__store_header_decode(page, sizeof page, 0, "x", &back), VE_ERR_FORMAT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_version_1),
        cmocka_unit_test(refuses_newer_versions),
    };
    if (argc == 2) {
        make_fixture(argv[1]);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
