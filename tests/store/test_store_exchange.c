/* SPDX-License-Identifier: MIT */
/* Export and import: everything comes back to the bit; bad files are refused, and nothing of them is added. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/stores.h"

#define DIM   37u
#define COUNT 60u

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, make_folder());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static ve_store *open_store(const char *name, unsigned dim)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = VE_STORE_CREATE;
    options.dim = dim;
    options.metric = VE_METRIC_INNER_PRODUCT; /* values stay as they are */
    assert_int_equal(ve_store_open(path_in(folder, name), &options, &store), VE_OK);
    return store;
}

static ve_store *make_store(void)
{
    static const char *const labels[] = {"", "plain", "quote \" and \\ slash", "\xc3\xa4\xf0\x9f\x98\x80",
                                         "a b"};
    ve_store *store = open_store("from.ves", DIM);
    chance random = {8};
    for (unsigned i = 0; i < COUNT; i++) {
        float vector[DIM];
        unsigned char metadata[300];
        chance_vector(&random, vector, DIM);
        vector[i % DIM] *= i % 3 ? 1e-30f : 1e25f;
        for (unsigned j = 0; j < i * 5; j++)
            metadata[j] = (unsigned char)chance_bits(&random);
        ve_store_entry entry = {
            .vector = vector, .dim = DIM, .label = labels[i % 5], .metadata = metadata, .metadata_size = i * 5};
        assert_int_equal(ve_store_add(store, &entry, NULL), VE_OK);
    }
    return store;
}

static void check_same(ve_store *from, ve_store *to, int has_metadata)
{
    for (uint64_t id = 1; id <= COUNT; id++) {
        ve_store_record a, b;
        float x[DIM], y[DIM];
        unsigned char m[300], n[300];
        size_t size_m, size_n;
        assert_int_equal(ve_store_get(from, id, &a, x), VE_OK);
        assert_int_equal(ve_store_get(to, id, &b, y), VE_OK);
        assert_memory_equal(x, y, sizeof x);
        assert_string_equal(a.label, b.label);
        ve_store_get_metadata(from, id, m, sizeof m, &size_m);
        ve_store_get_metadata(to, id, n, sizeof n, &size_n);
        assert_int_equal(size_n, has_metadata ? size_m : 0);
        assert_memory_equal(m, n, size_n);
    }
}

static void brings_everything_back(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "a.npy", "a.fvecs", "a.jsonl"};
    ve_store *from = make_store();
    for (int format = VE_STORE_NPY; format <= VE_STORE_JSONL; format++) {
        struct stat facts;
        char target[16];
        uint64_t added = 0;
        const char *file = path_in(folder, names[format]);
        assert_int_equal(ve_store_export(from, file, (ve_store_format)format), VE_OK);
        assert_int_equal(ve_store_export(from, file, (ve_store_format)format), VE_ERR_EXISTS);
        assert_int_equal(stat(file, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0600);
        snprintf(target, sizeof target, "to-%d.ves", format);
        ve_store *to = open_store(target, DIM);
        assert_int_equal(ve_store_import(to, file, (ve_store_format)format, &added), VE_OK);
        assert_int_equal(added, COUNT);
        check_same(from, to, format == VE_STORE_JSONL);
        ve_store_close(to);
    }
    assert_int_equal(ve_store_export(from, path_in(folder, "a.copy"), VE_STORE_PGCOPY), VE_OK);
    assert_int_equal(ve_store_import(from, path_in(folder, "a.copy"), VE_STORE_PGCOPY, NULL),
                     VE_ERR_UNSUPPORTED);
    assert_int_equal(ve_store_export(from, path_in(folder, "x"), (ve_store_format)9), VE_ERR_ARGUMENT);
    ve_store_close(from);
}

static void refuses_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ve_status status;
    } bad[] = {
        {"{\"vector\":[1,2]}\n", VE_ERR_MISMATCH},
        {"{\"vector\":[1,2,3,4]}", VE_ERR_MISMATCH},
        {"{\"vector\":[1,2,x]}", VE_ERR_FORMAT},
        {"{\"vector\":[1,2,3]", VE_ERR_FORMAT},
        {"{\"vector\":[1,2,3]} {", VE_ERR_FORMAT},
        {"{\"vector\":[1,2,1e39]}", VE_ERR_ARGUMENT},
        {"{\"vector\":[0,0,0]}", VE_ERR_ARGUMENT},
        {"{\"label\":\"\\u0041\\ud800\",\"vector\":[1,2,3]}", VE_ERR_FORMAT},
        {"{\"label\":\"a\\nb\",\"vector\":[1,2,3]}", VE_ERR_ARGUMENT},
        {"{\"label\":\"a,\"vector\":[1,2,3]}", VE_ERR_FORMAT},
        {"{\"metadata\":\"A\",\"vector\":[1,2,3]}", VE_ERR_FORMAT},
        {"{\"metadata\":\"A*==\",\"vector\":[1,2,3]}", VE_ERR_FORMAT},
        {"{\"other\":1,\"vector\":[1,2,3]}", VE_ERR_FORMAT},
        {"[1,2,3]", VE_ERR_FORMAT},
        {"{", VE_ERR_FORMAT},
    };
    ve_store *store = open_store("bad.ves", 3);
    const char *file = path_in(folder, "bad.jsonl");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"vector\":[1,2,3]}\n%s", bad[i].text);
        write_file(file, text, strlen(text));
        ve_status status = ve_store_import(store, file, VE_STORE_JSONL, NULL);
        if (status != bad[i].status)
            fail_msg("%s: %s", bad[i].text, ve_status_name(status));
        assert_int_equal(ve_store_count(store), 0); /* not even the good first line */
    }
    const char good[] = "\r\n {\"label\" : \"\\u00e4\\ud83d\\ude00\\/\", \"id\":7, "
                        "\"metadata\":\"AAE=\",\"vector\":[1, -2.5e-1 ,3]}\n\n";
    write_file(file, good, sizeof good - 1);
    assert_int_equal(ve_store_import(store, file, VE_STORE_JSONL, NULL), VE_OK);
    ve_store_record record;
    float vector[3];
    assert_int_equal(ve_store_get(store, 1, &record, vector), VE_OK);
    assert_string_equal(record.label, "\xc3\xa4\xf0\x9f\x98\x80/");
    assert_true(vector[1] == -0.25f && record.metadata_size == 2);
    write_file(file, "\x02\0\0\0\0\0\x80?\0\0\x80?", 12);
    assert_int_equal(ve_store_import(store, file, VE_STORE_FVECS, NULL), VE_ERR_FORMAT);
    write_file(file, "\x93NUMPY\x01\0\x05\0{'a'}", 15);
    assert_int_equal(ve_store_import(store, file, VE_STORE_NPY, NULL), VE_ERR_UNSUPPORTED);
    assert_int_equal(ve_store_import(store, path_in(folder, "none"), VE_STORE_NPY, NULL), VE_ERR_NOT_FOUND);
    assert_int_equal(ve_store_count(store), 1);
    ve_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(brings_everything_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
