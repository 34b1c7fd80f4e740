/* SPDX-License-Identifier: MIT */
/* The store's public functions: what they promise on a good day, and what they say to bad arguments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/stores.h"

#define DIM     24u
#define MODEL_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MODEL_B "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MODEL_C "cc112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define assert_ok(call) assert_int_equal(call, VE_OK)

static char folder[64];
static char path[128];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/people.ves", folder);
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
    options.dim = DIM;
    assert_ok(ve_store_open(path, &options, &store));
    return store;
}

static uint64_t add_item(ve_store *store, uint64_t key, unsigned version)
{
    item one;
    uint64_t id = 0;
    item_make(&one, key, version, DIM);
    assert_ok(ve_store_add(store, &one.entry, &id));
    return id;
}

static void adds_gets_replaces_removes(void **state)
{
    (void)state;
    ve_store *store = open_store(VE_STORE_CREATE);
    for (uint64_t key = 1; key <= 40; key++)
        assert_int_equal(add_item(store, key, 0), key);
    item other;
    item_make(&other, 5, 1, DIM);
    assert_ok(ve_store_replace(store, 5, &other.entry));
    assert_ok(ve_store_remove(store, 40));
    assert_int_equal(ve_store_remove(store, 40), VE_ERR_NOT_FOUND);
    assert_int_equal(ve_store_replace(store, 40, &other.entry), VE_ERR_NOT_FOUND);
    assert_int_equal(add_item(store, 41, 0), 41); /* 40 is not given again */
    for (int pass = 0; pass < 3; pass++) {
        assert_int_equal(ve_store_count(store), 40);
        for (uint64_t key = 1; key <= 41; key++)
            assert_int_equal(item_is(store, key, key, key == 5, DIM), key != 40);
        if (pass == 0) { /* and again after opening, and after compacting and opening */
            ve_store_close(store);
            store = open_store(0);
        } else if (pass == 1) {
            assert_ok(ve_store_remove(store, 41));
            assert_ok(ve_store_compact(store));
            assert_int_equal(add_item(store, 41, 0), 42); /* not even after compaction */
            assert_ok(ve_store_remove(store, 42));
            ve_store_close(store);
            store = open_store(0);
            assert_int_equal(add_item(store, 41, 0), 43);
            break;
        }
    }
    ve_store_close(store);
}

static void iterates_in_id_order(void **state)
{
    (void)state;
    ve_store *store = open_store(VE_STORE_NEW);
    ve_store_record record = {.id = 0};
    uint64_t last = 0, count = 0;
    for (uint64_t key = 1; key <= 30; key++)
        add_item(store, key, 0);
    for (uint64_t id = 3; id <= 30; id += 3)
        assert_ok(ve_store_remove(store, id));
    while (ve_store_next(store, last, &record, NULL) == VE_OK) {
        assert_true(record.id > last && record.id % 3 != 0);
        last = record.id;
        count++;
    }
    assert_int_equal(count, 20);
    assert_int_equal(ve_store_next(store, UINT64_MAX, &record, NULL), VE_ERR_NOT_FOUND);
    ve_store_close(store);
}

static void counts_labels(void **state)
{
    (void)state;
    ve_store *store = open_store(VE_STORE_NEW);
    float vector[DIM] = {1, 2};
    const char *names[] = {"zoe", "adam", "zoe", "", "\xc3\x84nne", "adam", "zoe", NULL};
    ve_store_entry entries[8] = {{0}};
    ve_store_label labels[5];
    size_t count;
    uint64_t removed;
    for (int i = 0; i < 8; i++)
        entries[i] = (ve_store_entry){.vector = vector, .dim = DIM, .label = names[i]};
    assert_ok(ve_store_add_many(store, entries, 8, NULL));
    assert_int_equal(ve_store_labels(store, labels, 3, &count), VE_ERR_TOO_SMALL);
    assert_int_equal(count, 4);
    assert_ok(ve_store_labels(store, labels, 5, &count));
    assert_string_equal(labels[0].label, "");
    assert_string_equal(labels[1].label, "adam");
    assert_string_equal(labels[2].label, "zoe");
    assert_string_equal(labels[3].label, "\xc3\x84nne");
    assert_int_equal(labels[2].count, 3);
    assert_ok(ve_store_remove_label(store, "zoe", &removed));
    assert_int_equal(removed, 3);
    assert_int_equal(ve_store_remove_label(store, "zoe", NULL), VE_ERR_NOT_FOUND);
    assert_ok(ve_store_labels(store, labels, 5, &count));
    assert_int_equal(count, 3);
    ve_store_close(store);
}

static void refuses_bad_vectors_and_labels(void **state)
{
    (void)state;
    ve_store *store = open_store(VE_STORE_NEW);
    float vector[DIM] = {0};
    char long_label[300];
    ve_store_entry entry = {.vector = vector, .dim = DIM};
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_ARGUMENT); /* zero */
    vector[3] = NAN;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_ARGUMENT);
    vector[3] = -INFINITY;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_ARGUMENT);
    vector[3] = 1;
    entry.dim = DIM - 1;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_MISMATCH);
    entry.dim = DIM;
    const char *bad[] = {"a\tb", "\x7f", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc2\x85"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        entry.label = bad[i];
        assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_ARGUMENT);
    }
    memset(long_label, 'x', sizeof long_label);
    long_label[256] = 0;
    entry.label = long_label;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_TOO_LARGE);
    long_label[255] = 0;
    assert_ok(ve_store_add(store, &entry, NULL));
    entry.metadata_size = 1;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_ARGUMENT);
    entry.metadata = vector;
    entry.metadata_size = VE_STORE_MAX_METADATA + 1;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_TOO_LARGE);
    assert_int_equal(ve_store_count(store), 1);
    ve_store_close(store);
}

static void keeps_the_largest_metadata(void **state)
{
    (void)state;
    ve_store *store = open_store(VE_STORE_NEW);
    float vector[DIM] = {1};
    unsigned char *metadata = malloc(VE_STORE_MAX_METADATA), *back = malloc(VE_STORE_MAX_METADATA);
    ve_store_entry entry = {.vector = vector, .dim = DIM, .label = "x", .metadata = metadata};
    size_t size;
    for (size_t i = 0; i < VE_STORE_MAX_METADATA; i++)
        metadata[i] = (unsigned char)(i * 7 >> 3);
    static const size_t sizes[] = {0, 1, 38, 39, 40, 100, 135, 136, 1000, VE_STORE_MAX_METADATA};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        entry.metadata_size = sizes[i];
        assert_ok(ve_store_add(store, &entry, NULL));
    }
    ve_store_close(store);
    store = open_store(VE_STORE_READ_ONLY);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_ok(ve_store_get_metadata(store, i + 1, back, VE_STORE_MAX_METADATA, &size));
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(back, metadata, size);
    }
    assert_int_equal(ve_store_get_metadata(store, 6, back, 99, &size), VE_ERR_TOO_SMALL);
    assert_int_equal(size, 100);
    ve_store_close(store);
    free(metadata);
    free(back);
}

static void belongs_to_one_model(void **state)
{
    (void)state;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_search_options search = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_store *store = NULL;
    ve_match match;
    size_t found;
    float vector[DIM] = {1};
    ve_store_entry entry = {.vector = vector, .dim = DIM};
    options.flags = VE_STORE_CREATE;
    options.dim = DIM;
    options.fingerprint = MODEL_A;
    options.model_name = "model-a";
    assert_ok(ve_store_open(path, &options, &store));
    entry.fingerprint = MODEL_B;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_MISMATCH);
    assert_non_null(strstr(ve_last_error(), MODEL_A));
    assert_non_null(strstr(ve_last_error(), MODEL_B));
    search.fingerprint = MODEL_B;
    assert_int_equal(ve_store_search(store, vector, 1, &search, &match, &found), VE_ERR_MISMATCH);
    entry.fingerprint = MODEL_A;
    assert_ok(ve_store_add(store, &entry, NULL));
    ve_store_close(store);
    store = NULL;
    options.flags = 0;
    options.fingerprint = MODEL_B;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_MISMATCH);
    assert_non_null(strstr(ve_last_error(), MODEL_A));
    assert_non_null(strstr(ve_last_error(), MODEL_B));
    assert_null(store);
    options.fingerprint = MODEL_A;
    options.dim = DIM + 1;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_MISMATCH);
    options.dim = 0;
    options.metric = VE_METRIC_INNER_PRODUCT;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_MISMATCH);
    options.metric = 0;
    options.fingerprint = "not hex";
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_ARGUMENT);
    options.fingerprint = NULL;
    assert_ok(ve_store_open(path, &options, &store));
    ve_store_info info = VE_STORE_INFO_INIT;
    assert_ok(ve_store_get_info(store, &info));
    assert_string_equal(info.fingerprint, MODEL_A);
    assert_string_equal(info.model_name, "model-a");
    ve_store_close(store);
}

static unsigned mode_of(const char *name)
{
    struct stat facts;
    assert_int_equal(stat(name, &facts), 0);
    return facts.st_mode & 0777;
}

static void keeps_others_out(void **state)
{
    (void)state;
    char deep[160], link_path[160];
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    snprintf(deep, sizeof deep, "%s/new/people.ves", folder);
    options.flags = VE_STORE_CREATE;
    options.dim = DIM;
    mode_t old = umask(0);
    assert_ok(ve_store_open(deep, &options, &store));
    assert_ok(ve_store_compact(store));
    umask(old);
    assert_int_equal(mode_of(path_in(folder, "new")), 0700);
    assert_int_equal(mode_of(deep), 0600);
    assert_int_equal(mode_of(path_in(folder, "new/people.ves.lock")), 0600);
    ve_store_close(store);
    store = NULL;
    chmod(deep, 0640);
    options.flags = VE_STORE_READ_ONLY;
    assert_int_equal(ve_store_open(deep, &options, &store), VE_ERR_ACCESS);
    options.flags = VE_STORE_READ_ONLY | VE_STORE_ALLOW_SHARED;
    assert_ok(ve_store_open(deep, &options, &store));
    ve_store_close(store);
    store = NULL;
    chmod(deep, 0600);
    snprintf(link_path, sizeof link_path, "%s/link.ves", folder);
    assert_int_equal(symlink(deep, link_path), 0);
    assert_int_equal(ve_store_open(link_path, &options, &store), VE_ERR_ACCESS);
    assert_int_equal(ve_store_open(folder, &options, &store), VE_ERR_FORMAT); /* a folder */
    unlink(deep);
    unlink(path_in(folder, "new/people.ves.lock"));
}

static void opens_as_told(void **state)
{
    (void)state;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL, *second = NULL;
    float vector[DIM] = {1};
    ve_store_entry entry = {.vector = vector, .dim = DIM};
    options.dim = DIM;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_NOT_FOUND);
    options.flags = VE_STORE_READ_ONLY;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_NOT_FOUND);
    options.flags = VE_STORE_READ_ONLY | VE_STORE_CREATE;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_ARGUMENT);
    options.flags = 1u << 30;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_UNSUPPORTED);
    options.flags = VE_STORE_NEW;
    assert_ok(ve_store_open(path, &options, &store));
    assert_int_equal(ve_store_open(path, &options, &second), VE_ERR_EXISTS);
    options.flags = VE_STORE_READ_ONLY;
    assert_ok(ve_store_open(path, &options, &second));
    assert_int_equal(ve_store_add(second, &entry, NULL), VE_ERR_STATE);
    assert_int_equal(ve_store_compact(second), VE_ERR_STATE);
    ve_store_close(second);
    ve_store_close(store);
    ve_store_close(NULL);
}

static void writers_take_turns(void **state)
{
    (void)state;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *first = NULL, *second = NULL;
    int changed;
    options.flags = VE_STORE_CREATE;
    options.dim = DIM;
    options.lock_wait_ms = 30;
    assert_ok(ve_store_open(path, &options, &first));
    assert_ok(ve_store_open(path, &options, &second));
    assert_int_equal(add_item(first, 1, 0), 1);
    assert_int_equal(add_item(second, 2, 0), 2); /* it saw the other's id 1 */
    assert_int_equal(ve_store_count(first), 1);
    assert_ok(ve_store_refresh(first, &changed));
    assert_true(changed);
    assert_int_equal(ve_store_count(first), 2);
    assert_ok(ve_store_refresh(first, &changed));
    assert_false(changed);
    assert_ok(ve_store_compact(second)); /* the other handle goes over to the new file */
    assert_int_equal(add_item(first, 3, 0), 3);
    assert_ok(ve_store_refresh(second, &changed));
    assert_true(item_is(second, 3, 3, 0, DIM));
    ve_store_close(second);
    second = NULL;
    options.flags = VE_STORE_EXCLUSIVE;
    assert_ok(ve_store_open(path, &options, &second));
    item one;
    item_make(&one, 9, 0, DIM);
    assert_int_equal(ve_store_add(first, &one.entry, NULL), VE_ERR_BUSY);
    assert_ok(ve_store_compact(second));
    assert_int_equal(ve_store_add(first, &one.entry, NULL), VE_ERR_BUSY); /* the lock survives the rename */
    assert_int_equal(add_item(second, 4, 0), 4);
    ve_store_close(second);
    assert_int_equal(add_item(first, 5, 0), 5);
    ve_store_close(first);
}

static void mixes_models_only_when_declared(void **state)
{
    (void)state;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_search_options search = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_store *store = NULL;
    ve_match match;
    size_t found;
    float vector[DIM] = {1};
    ve_store_entry entry = {.vector = vector, .dim = DIM, .fingerprint = MODEL_B};
    options.flags = VE_STORE_CREATE;
    options.dim = DIM;
    options.fingerprint = MODEL_A;
    options.compatible = MODEL_B;
    assert_ok(ve_store_open(path, &options, &store));
    assert_ok(ve_store_add(store, &entry, NULL));
    search.fingerprint = MODEL_B;
    assert_ok(ve_store_search(store, vector, 1, &search, &match, &found));
    assert_int_equal(found, 1);
    entry.fingerprint = MODEL_C;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_MISMATCH);
    ve_store_close(store);
    store = NULL;
    options.flags = 0;
    options.fingerprint = MODEL_B; /* the file's model is the declared one now */
    options.compatible = MODEL_A;
    assert_ok(ve_store_open(path, &options, &store));
    entry.fingerprint = MODEL_B;
    assert_ok(ve_store_add(store, &entry, NULL));
    ve_store_info info = VE_STORE_INFO_INIT;
    assert_ok(ve_store_get_info(store, &info));
    assert_string_equal(info.fingerprint, MODEL_A);
    ve_store_close(store);
    store = NULL;
    options.compatible = MODEL_C;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_MISMATCH);
    options.compatible = "no hex";
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_ARGUMENT);
    options.compatible = MODEL_A;
    options.fingerprint = NULL;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_ARGUMENT);
    options.compatible = NULL; /* nothing was changed in the file's binding */
    options.fingerprint = MODEL_B;
    assert_int_equal(ve_store_open(path, &options, &store), VE_ERR_MISMATCH);
    assert_null(store);
}

static void accepts_option_structs_of_other_versions(void **state)
{
    (void)state;
    struct {
        ve_store_options options;
        uint64_t more;
    } newer = {VE_STORE_OPTIONS_INIT, 0};
    ve_store *store = NULL;
    newer.options.struct_size = sizeof newer;
    newer.options.flags = VE_STORE_CREATE;
    newer.options.dim = DIM;
    newer.more = 1;
    assert_int_equal(ve_store_open(path, &newer.options, &store), VE_ERR_UNSUPPORTED);
    newer.more = 0;
    assert_ok(ve_store_open(path, &newer.options, &store));
    ve_store_close(store);
    newer.options.struct_size = offsetof(ve_store_options, compatible); /* the first version's */
    newer.options.compatible = "not to be read";
    assert_ok(ve_store_open(path, &newer.options, &store));
    newer.options.struct_size = 4;
    assert_int_equal(ve_store_open(path, &newer.options, &store), VE_ERR_ARGUMENT);
    ve_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adds_gets_replaces_removes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(iterates_in_id_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_vectors_and_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_the_largest_metadata, set_up, tear_down),
        cmocka_unit_test_setup_teardown(belongs_to_one_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mixes_models_only_when_declared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_others_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_as_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writers_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accepts_option_structs_of_other_versions, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
