/* SPDX-License-Identifier: MIT */
/* Broken .safetensors files: each rule of the format violated once, every truncation, every byte of the header
 * changed. All give a status and a message. Over-reads need the address sanitizer to show: contents lie in
 * memory of just their size. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/ve-export/checkpoint.h"
#include "../../tools/ve-export/family.h"
#include "../../tools/ve-export/plan.h"
#include "../../tools/ve-export/safetensors.h"
#include "base/bytes.h"

/* Everything that the exporter does with a file before it writes one. */
static ve_status read_all(const unsigned char *bytes, size_t size)
{
    static const plan_options options = {0, VE__TYPE_F32, NULL};
    checkpoint c;
    family_map map;
    plan p;
    config none;
    memset(&c, 0, sizeof c);
    memset(&none, 0, sizeof none);
    memset(&map, 0, sizeof map);
    memset(&p, 0, sizeof p);
    unsigned char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    ve_status status = checkpoint_open_memory(exact, size, &c);
    if (status == VE_OK && family_recognise(&c, &map) == VE_OK)
        (void)plan_make(&map, &none, &options, &p); /* whatever it says, it must not crash */
    if (status != VE_OK)
        assert_true(strlen(ve_last_error()) > 0);
    plan_free(&p);
    family_free(&map);
    checkpoint_close(&c);
    free(exact);
    return status;
}

/* A file of a header and so many data bytes. */
static unsigned char *make_file(const char *header, size_t header_bytes, size_t data_bytes, size_t *size)
{
    unsigned char *bytes = calloc(1, 8 + header_bytes + data_bytes);
    assert_non_null(bytes);
    ve__store_u64(bytes, header_bytes);
    memcpy(bytes + 8, header, header_bytes);
    *size = 8 + header_bytes + data_bytes;
    return bytes;
}

static ve_status read_header(const char *header, size_t data_bytes)
{
    size_t size;
    unsigned char *bytes = make_file(header, strlen(header), data_bytes, &size);
    ve_status status = read_all(bytes, size);
    free(bytes);
    return status;
}

typedef struct sample {
    const char *header;
    size_t data_bytes;
    ve_status status;
    const char *message;
} sample;

#define T(dtype, shape, from, to)                                                                              \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to "]}"

static const sample good[] = {
    {"{}", 0, VE_OK, ""},
    {"{}     ", 0, VE_OK, ""},
    {"{\"__metadata__\":{\"format\":\"pt\"}}", 0, VE_OK, ""},
    {"{\"a\":" T("F32", "2,3", 0, 24) "}", 24, VE_OK, ""},
    {"{\"a\":" T("F32", "", 0, 4) "}", 4, VE_OK, ""}, /* rank 0: one number */
    {"{\"a\":" T("F32", "0,3", 0, 0) ",\"b\":" T("U8", "3", 0, 3) "}", 3, VE_OK, ""},
    {"{\"b\":" T("BF16", "2", 2, 6) ",\"a\":" T("F16", "1", 0, 2) "}", 6, VE_OK,
     ""}, /* any order, any alignment */
    {"{\"a\":" T("F4", "4", 0, 2) ",\"b\":" T("C64", "1", 2, 10) ",\"c\":" T("F6_E2M3", "4", 10, 13) "}", 13,
     VE_OK, ""},
    {"{\"a\":" T("F32", "1,1,1,1,1,1,1,1", 0, 4) "}", 4, VE_OK, ""},
};

static const sample bad[] = {
    {"", 0, VE_ERR_FORMAT, "not a JSON object"},
    {"[]", 0, VE_ERR_FORMAT, "not a JSON object"},
    {" {}", 0, VE_ERR_FORMAT, "not a JSON object"},
    {"{}\n", 0, VE_ERR_FORMAT, "not a JSON object"},
    {"{} {}", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\":}", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\":1,}", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{\"\xff\":1}", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\\u0000b\":1}", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\":" T("U8", "1", 0, 1) ",\"a\":" T("U8", "1", 1, 2) "}", 2, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\":[]}", 0, VE_ERR_FORMAT, "tensor a: not an object"},
    {"{\"\":" T("U8", "1", 0, 1) "}", 1, VE_ERR_FORMAT, "name has 0 bytes"},
    {"{\"__metadata__\":[]}", 0, VE_ERR_FORMAT, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"n\":1}}", 0, VE_ERR_FORMAT, "__metadata__ n is not a string"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, VE_ERR_FORMAT, "a: dtype is missing"},
    {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, VE_ERR_FORMAT, "a: dtype is missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, VE_ERR_FORMAT, "a: shape is missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, VE_ERR_FORMAT, "a: data_offsets is missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, VE_ERR_FORMAT,
     "unknown key x"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4, VE_ERR_FORMAT, "not a pair"},
    {"{\"a\":" T("F31", "1", 0, 4) "}", 4, VE_ERR_UNSUPPORTED, "a: unknown dtype F31"},
    {"{\"a\":" T("F32", "-1", 0, 4) "}", 4, VE_ERR_FORMAT, "a: a dimension is not a whole number"},
    {"{\"a\":" T("F32", "1.0", 0, 4) "}", 4, VE_ERR_FORMAT, "a: a dimension is not a whole number"},
    {"{\"a\":" T("F32", "\"1\"", 0, 4) "}", 4, VE_ERR_FORMAT, "a: a dimension is not a whole number"},
    {"{\"a\":" T("F32", "18446744073709551617", 0, 4) "}", 4, VE_ERR_FORMAT, "not good JSON"},
    {"{\"a\":" T("F32", "4294967296,4294967296", 0, 0) "}", 0, VE_ERR_FORMAT, "a: its shape overflows"},
    {"{\"a\":" T("F32", "4611686018427387905", 0, 4) "}", 4, VE_ERR_FORMAT, "a: 4 bytes do not hold"},
    {"{\"a\":" T("F32", "1,1,1,1,1,1,1,1,1", 0, 4) "}", 4, VE_ERR_UNSUPPORTED, "a: more than 8 dimensions"},
    {"{\"a\":" T("F32", "2", 0, 4) "}", 4, VE_ERR_FORMAT, "a: 4 bytes do not hold 2 elements of F32"},
    {"{\"a\":" T("F4", "3", 0, 2) "}", 2, VE_ERR_FORMAT, "a: 2 bytes do not hold 3 elements of F4"},
    {"{\"a\":" T("F32", "1", 4, 0) "}", 4, VE_ERR_FORMAT, "leave the file's"},
    {"{\"a\":" T("F32", "1", 0, 4) "}", 3, VE_ERR_FORMAT, "leave the file's 3 data bytes"},
    {"{\"a\":" T("F32", "1", -4, 0) "}", 4, VE_ERR_FORMAT, "a: an offset is not a whole number"},
    {"{\"a\":" T("F32", "1", 9223372036854775804, 9223372036854775807) "}", 4, VE_ERR_FORMAT,
     "leave the file's"},
    {"{\"a\":" T("U8", "1", 0, 1) ",\"b\":" T("U8", "1", 2, 3) "}", 3, VE_ERR_FORMAT,
     "b: its data leaves a hole"},
    {"{\"a\":" T("U8", "1", 1, 2) "}", 2, VE_ERR_FORMAT, "a: its data leaves a hole"},
    {"{\"a\":" T("U8", "2", 0, 2) ",\"b\":" T("U8", "2", 1, 3) "}", 3, VE_ERR_FORMAT, "b: its data overlaps"},
    {"{\"a\":" T("U8", "2", 0, 2) ",\"b\":" T("U8", "2", 0, 2) "}", 2, VE_ERR_FORMAT, "overlaps"},
    {"{\"a\":" T("U8", "1", 0, 1) "}", 2, VE_ERR_FORMAT, "1 bytes behind the last tensor"},
    {"{}", 1, VE_ERR_FORMAT, "1 bytes behind the last tensor"},
};

static void test_what_the_format_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (read_header(good[i].header, good[i].data_bytes) != VE_OK)
            fail_msg("%s: %s", good[i].header, ve_last_error());
}

static void test_each_rule_violated_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ve_status status = read_header(bad[i].header, bad[i].data_bytes);
        if (status != bad[i].status || !strstr(ve_last_error(), bad[i].message))
            fail_msg("%s: %s, \"%s\"", bad[i].header, ve_status_name(status), ve_last_error());
    }
}

static void test_header_lengths(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {3,         100,        SAFETENSORS_MAX_HEADER, 100000000,
                                       100000001, UINT64_MAX, UINT64_MAX - 7,         (uint64_t)1 << 63};
    size_t size;
    unsigned char *bytes = make_file("{}", 2, 0, &size);
    assert_int_equal(read_all(bytes, size), VE_OK);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        ve__store_u64(bytes, lengths[i]);
        ve_status status = read_all(bytes, size);
        assert_int_equal(status, lengths[i] == 100000000 ? VE_ERR_TOO_LARGE : VE_ERR_FORMAT);
        assert_non_null(strstr(ve_last_error(), "header of"));
    }
    free(bytes);
}

static void test_a_caller_may_set_a_lower_limit(void **state)
{
    (void)state;
    static const char header[] = "{\"a\":" T("U8", "1", 0, 1) "}";
    safetensors st;
    size_t size;
    unsigned char *bytes = make_file(header, sizeof header - 1, 1, &size);
    memset(&st, 0, sizeof st);
    assert_int_equal(safetensors_open_memory(bytes, size, sizeof header - 2, &st), VE_ERR_TOO_LARGE);
    safetensors_close(&st);
    assert_int_equal(safetensors_open_memory(bytes, size, sizeof header - 1, &st), VE_OK);
    assert_int_equal(st.tensor_count, 1);
    assert_string_equal(st.tensors[0].name, "a");
    assert_int_equal(st.tensors[0].size_bytes, 1);
    safetensors_close(&st);
    free(bytes);
}

/* Nesting is refused by the JSON parser's own limit, not by the stack's end. */
static void test_deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    char *header = malloc(DEPTH + 8);
    assert_non_null(header);
    memcpy(header, "{\"a\":", 5);
    memset(header + 5, '[', DEPTH);
    memcpy(header + 5 + DEPTH, "}", 2);
    assert_int_equal(read_header(header, 0), VE_ERR_FORMAT);
    free(header);
}

/* A small checkpoint with timm's names, whose header the next tests break. */
/* clang-format off */
static const char small_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"stem.0.weight\":" T("F32", "2,3,2,2", 0, 96) ","
    "\"stem.0.bias\":" T("F32", "2", 96, 104) ","
    "\"stages.0.blocks.0.conv_dw.weight\":" T("F16", "2,1,7,7", 104, 300) ","
    "\"head.fc.weight\":" T("BF16", "3,2", 300, 312) ","
    "\"stages.0.blocks.0.gamma\":" T("F32", "2", 312, 320) "}    ";
/* clang-format on */

static unsigned char *small_checkpoint(size_t *size)
{
    return make_file(small_header, sizeof small_header - 1, 320, size);
}

static void test_every_truncation(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = small_checkpoint(&size);
    assert_int_equal(read_all(bytes, size), VE_OK);
    for (size_t length = 0; length < size; length++)
        assert_true(read_all(bytes, length) != VE_OK);
    free(bytes);
}

/* A header that is cut, with a length that says so: JSON must be whole. */
static void test_every_header_length(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = small_checkpoint(&size);
    size_t header_bytes = (size_t)ve__load_u64(bytes);
    for (size_t length = 0; length + 4 < header_bytes; length++) { /* the last four are spaces */
        ve__store_u64(bytes, length);
        assert_true(read_all(bytes, size) != VE_OK);
    }
    free(bytes);
}

static void test_every_byte_of_the_header_changed(void **state)
{
    (void)state;
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    size_t size, refused = 0;
    unsigned char *bytes = small_checkpoint(&size);
    size_t header_bytes = (size_t)ve__load_u64(bytes);
    for (size_t at = 0; at < 8 + header_bytes; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            bytes[at] ^= changes[i];
            refused += read_all(bytes, size) != VE_OK;
            bytes[at] ^= changes[i];
        }
    assert_true(refused > 5 * header_bytes); /* of 9 each: letters of names may change */
    free(bytes);
}

/* ---- sets of files */

static char folder[] = "/tmp/visembed-shards-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static const char *const made[] = {"model.safetensors.index.json", "a.safetensors", "b.safetensors"};

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        unlink(path_of(made[i]));
    return rmdir(folder);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static ve_status open_set(const char *index)
{
    checkpoint c;
    memset(&c, 0, sizeof c);
    write_file(made[0], index, strlen(index));
    ve_status status = checkpoint_open(folder, &c);
    if (status == VE_OK) {
        assert_int_equal(c.file_count, 2);
        assert_int_equal(c.tensor_count, 2);
    }
    checkpoint_close(&c);
    return status;
}

static const sample sets[] = {
    {"{\"weight_map\":{\"a\":\"a.safetensors\",\"b\":\"b.safetensors\"}}", 0, VE_OK, ""},
    {"{", 0, VE_ERR_FORMAT, "not good JSON"},
    {"{}", 0, VE_ERR_FORMAT, "no weight_map"},
    {"{\"weight_map\":{}}", 0, VE_ERR_FORMAT, "no weight_map"},
    {"{\"weight_map\":{\"a\":1}}", 0, VE_ERR_FORMAT, "a has no plain file name"},
    {"{\"weight_map\":{\"a\":\"../a.safetensors\"}}", 0, VE_ERR_FORMAT, "a has no plain file name"},
    {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", 0, VE_ERR_FORMAT, "a has no plain file name"},
    {"{\"weight_map\":{\"a\":\"\"}}", 0, VE_ERR_FORMAT, "a has no plain file name"},
    {"{\"weight_map\":{\"a\":\"c.safetensors\"}}", 0, VE_ERR_NOT_FOUND, "c.safetensors"},
    {"{\"weight_map\":{\"a\":\"b.safetensors\",\"b\":\"a.safetensors\"}}", 0, VE_ERR_FORMAT,
     "where the index puts it"},
    {"{\"weight_map\":{\"a\":\"a.safetensors\",\"b\":\"b.safetensors\",\"c\":\"b.safetensors\"}}", 0,
     VE_ERR_FORMAT, "tensor c is not in b.safetensors"},
    {"{\"weight_map\":{\"a\":\"a.safetensors\",\"a\":\"b.safetensors\"}}", 0, VE_ERR_FORMAT, "not good JSON"},
};

static void write_shard(const char *name, const char *header)
{
    size_t size;
    unsigned char *bytes = make_file(header, strlen(header), 1, &size);
    write_file(name, bytes, size);
    free(bytes);
}

static void test_indexes_of_sharded_sets(void **state)
{
    (void)state;
    write_shard("a.safetensors", "{\"a\":" T("U8", "1", 0, 1) "}");
    write_shard("b.safetensors", "{\"b\":" T("U8", "1", 0, 1) "}");
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        ve_status status = open_set(sets[i].header);
        if (status != sets[i].status || (status != VE_OK && !strstr(ve_last_error(), sets[i].message)))
            fail_msg("%s: %s, \"%s\"", sets[i].header, ve_status_name(status), ve_last_error());
    }
}

/* A tensor that lies in a shard but not in the map would be silently there, or silently not. */
static void test_a_shard_with_more_than_the_index_says(void **state)
{
    (void)state;
    size_t size;
    static const char two[] = "{\"a\":" T("U8", "1", 0, 1) ",\"x\":" T("U8", "1", 1, 2) "}";
    unsigned char *bytes = make_file(two, sizeof two - 1, 2, &size);
    write_file("a.safetensors", bytes, size);
    write_shard("b.safetensors", "{\"b\":" T("U8", "1", 0, 1) "}");
    assert_int_equal(open_set(sets[0].header), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "3 tensors, the index names 2"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_format_allows),
        cmocka_unit_test(test_each_rule_violated_once),
        cmocka_unit_test(test_header_lengths),
        cmocka_unit_test(test_a_caller_may_set_a_lower_limit),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_header_length),
        cmocka_unit_test(test_every_byte_of_the_header_changed),
        cmocka_unit_test(test_indexes_of_sharded_sets),
        cmocka_unit_test(test_a_shard_with_more_than_the_index_says),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
