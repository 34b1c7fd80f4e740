/* SPDX-License-Identifier: MIT */
/* Broken .vew files: each rule of docs/format.md violated once, every truncation, every bit of the header
 * flipped. All give a status and a message. Over-reads need the address sanitizer to show: contents lie in
 * memory of just their size. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "support/vew_file.h"
#include "weights/weights.h"

static vew_file good_file(void)
{
    ve__description about = vew_file_about();
    about.threshold_count = 2;
    about.thresholds[0] = (ve_threshold){1e-2f, 0.25f};
    about.thresholds[1] = (ve_threshold){1e-3f, 0.5f};
    return vew_file_make(&about, VE__TYPE_F32, NULL, 0);
}

/* Opens a copy of just that size and reads every tensor of it. */
static ve_status open_and_read(const unsigned char *bytes, size_t size)
{
    unsigned char *exact = malloc(size ? size : 1);
    ve__weights *weights = NULL;
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    ve_status status = ve__weights_open_memory(exact, size, &weights);
    assert_int_equal(status == VE_OK, weights != NULL);
    for (size_t t = 0; status == VE_OK && t < ve__weights_tensor_count(weights); t++) {
        const ve__tensor *tensor = ve__weights_tensor(weights, t);
        float *out = malloc(tensor->count * sizeof *out);
        assert_non_null(out);
        status = ve__weights_read(weights, tensor, out);
        free(out);
    }
    if (status != VE_OK)
        assert_true(strlen(ve_last_error()) > 0);
    ve__weights_close(weights);
    free(exact);
    return status;
}

/* ---- one rule at a time */

/* Where the breaking bytes go. */
typedef enum place { IN_FILE, IN_FIELD, IN_ENTRY, IN_DATA } place;

typedef struct broken {
    const char *rule;
    place where;
    const char *name; /* the field */
    size_t at;        /* within the file, the record, the entry (of tensor 1, stem.0.bias) or its data */
    uint32_t width;   /* bytes that are overwritten: 1, 2, 4 or 8 */
    uint64_t value;
    ve_status status;
    const char *message; /* a part of it */
} broken;

#define FIELD(field, at, width, value, message)                                                                \
    {                                                                                                          \
        "field " field ": " message, IN_FIELD, field, at, width, value, VE_ERR_FORMAT, message                 \
    }

/* The value of a field whose name has up to 16 bytes; up to 24. */
#define VALUE_16 (VE__VEW_FIELD_BYTES + 16u)
#define VALUE_24 (VE__VEW_FIELD_BYTES + 24u)

static const broken rules[] = {
    {"magic", IN_FILE, NULL, 0, 1, 'V', VE_ERR_FORMAT, "not a .vew"},
    {"line ends", IN_FILE, NULL, 4, 1, '\n', VE_ERR_CORRUPT, "copied as text"},
    {"version 0", IN_FILE, NULL, VE__VEW_AT_VERSION, 4, 0, VE_ERR_VERSION, "version 0"},
    {"version 2", IN_FILE, NULL, VE__VEW_AT_VERSION, 4, 2, VE_ERR_VERSION, "version 2"},
    {"header bytes 0", IN_FILE, NULL, VE__VEW_AT_HEADER_BYTES, 4, 0, VE_ERR_FORMAT, "header of 0"},
    {"header bytes not aligned", IN_FILE, NULL, VE__VEW_AT_HEADER_BYTES, 4, 72, VE_ERR_FORMAT, "header of 72"},
    {"header beyond file", IN_FILE, NULL, VE__VEW_AT_HEADER_BYTES, 4, 1u << 21, VE_ERR_FORMAT, "header of"},
    {"header huge", IN_FILE, NULL, VE__VEW_AT_HEADER_BYTES, 4, 0xffffffc0u, VE_ERR_FORMAT, "header of"},
    {"file bytes", IN_FILE, NULL, VE__VEW_AT_FILE_BYTES, 8, 1, VE_ERR_CORRUPT, "its header says 1"},
    {"file bytes huge", IN_FILE, NULL, VE__VEW_AT_FILE_BYTES, 8, UINT64_MAX, VE_ERR_CORRUPT, "its header says"},
    {"field count 0", IN_FILE, NULL, VE__VEW_AT_FIELD_COUNT, 4, 0, VE_ERR_FORMAT, "missing"},
    {"field count small", IN_FILE, NULL, VE__VEW_AT_FIELD_COUNT, 4, 5, VE_ERR_FORMAT, "is missing"},
    {"field count large", IN_FILE, NULL, VE__VEW_AT_FIELD_COUNT, 4, 200, VE_ERR_FORMAT, "field"},
    {"field count huge", IN_FILE, NULL, VE__VEW_AT_FIELD_COUNT, 4, 0xffffffffu, VE_ERR_FORMAT,
     "4294967295 fields"},
    {"tensor count 0", IN_FILE, NULL, VE__VEW_AT_TENSOR_COUNT, 4, 0, VE_ERR_FORMAT, "0 tensors"},
    {"tensor count small", IN_FILE, NULL, VE__VEW_AT_TENSOR_COUNT, 4, 3, VE_ERR_FORMAT, "is missing"},
    {"tensor count large", IN_FILE, NULL, VE__VEW_AT_TENSOR_COUNT, 4, 4000, VE_ERR_FORMAT,
     "the architecture has"},
    {"tensor count huge", IN_FILE, NULL, VE__VEW_AT_TENSOR_COUNT, 4, 0xffffffffu, VE_ERR_FORMAT, "allowed are"},
    {"reserved bytes", IN_FILE, NULL, 60, 1, 1, VE_ERR_FORMAT, "reserved"},
    FIELD("name", 0, 4, 0, "sizes do not add up"),
    FIELD("name", 0, 4, 24, "sizes do not add up"),
    FIELD("name", 0, 4, 0xfffffff8u, "past the header's end"),
    FIELD("name", 4, 1, 0, "type 0"),
    FIELD("name", 4, 1, VE__VEW_BYTES, "type 5"),
    FIELD("name", 5, 1, 2, "unknown flags"),
    FIELD("name", 6, 2, 0, "0 bytes"),
    FIELD("name", 6, 2, 64, "64 bytes"),
    FIELD("name", 8, 4, 7, "7 elements in 8 bytes"),
    FIELD("name", 8, 4, 0xffffffffu, "at most 127"),
    FIELD("name", 12, 4, 0xffffffffu, "past the header's end"),
    FIELD("name", 16, 1, '\n', "control characters"),
    FIELD("name", 23, 1, 1, "padding"),
    FIELD("name", 24, 1, '\a', "not plain text"),
    FIELD("weight_type", VALUE_16 + 7, 1, 1, "padding"),
    FIELD("arch.depths", 8, 4, 3, "expected 4"),
    FIELD("arch.depths", VALUE_16, 4, 0, "depths is 0"),
    FIELD("arch.dims", VALUE_16, 4, VE__MAX_CHANNELS + 1, "dims is 4097"),
    FIELD("arch.dims", VALUE_16, 4, 3, "expected"),
    FIELD("arch.eps", VE__VEW_FIELD_BYTES + 8, 4, 0x7fc00000u, "not finite"),
    FIELD("input.mean", VALUE_16, 4, 0xff800000u, "not finite"),
    FIELD("input.std", VALUE_16, 4, 0, "std[0] is 0"),
    FIELD("fingerprint", VALUE_16, 1, 'G', "64 hex digits"),
    FIELD("fingerprint", 8, 4, 63, "63 elements in 64 bytes"),
    FIELD(VE__VEW_THRESHOLDS, VALUE_16, 4, 0, "out of range"),
    FIELD(VE__VEW_THRESHOLDS, VALUE_16 + 4, 4, 0x40000000u, "out of range"),
    FIELD(VE__VEW_THRESHOLDS, VALUE_16 + 8, 4, 0x3f800000u, "do not fall"),
    {"twice the same field", IN_FIELD, "arch.stem", 16 + 5, 4, 0x6d726f6eu /* "norm" */, VE_ERR_FORMAT,
     "twice"},
    {"unknown required field", IN_FIELD, "arch.final", 16 + 5, 1, 'F', VE_ERR_UNSUPPORTED,
     "arch.Final is required"},
    {"known optional field renamed", IN_FIELD, "name", 16, 1, 'N', VE_OK, ""},
    {"offset", IN_ENTRY, NULL, 0, 8, 0, VE_ERR_FORMAT, "stem.0.bias: data at 0"},
    {"offset overflow", IN_ENTRY, NULL, 0, 8, UINT64_MAX - 63, VE_ERR_FORMAT, "stem.0.bias: data at"},
    {"bytes", IN_ENTRY, NULL, 8, 8, 4, VE_ERR_FORMAT, "stem.0.bias: 4 bytes for 2 elements"},
    {"bytes overflow", IN_ENTRY, NULL, 8, 8, UINT64_MAX, VE_ERR_FORMAT, "stem.0.bias"},
    {"checksum", IN_ENTRY, NULL, 16, 4, 1, VE_ERR_CORRUPT, "stem.0.bias: its checksum"},
    {"type 0", IN_ENTRY, NULL, 20, 1, 0, VE_ERR_UNSUPPORTED, "stem.0.bias: unknown element type 0"},
    {"type 4", IN_ENTRY, NULL, 20, 1, 4, VE_ERR_UNSUPPORTED, "stem.0.bias: unknown element type 4"},
    {"type i8 of a vector", IN_ENTRY, NULL, 20, 1, VE__TYPE_I8, VE_ERR_FORMAT, "which only matrices may have"},
    {"type f16 with the bytes of f32", IN_ENTRY, NULL, 20, 1, VE__TYPE_F16, VE_ERR_FORMAT,
     "stem.0.bias: 8 bytes"},
    {"rank", IN_ENTRY, NULL, 21, 1, 2, VE_ERR_FORMAT, "stem.0.bias: rank 2, expected 1"},
    {"name length", IN_ENTRY, NULL, 22, 2, 0xffff, VE_ERR_FORMAT, "where stem.0.bias belongs"},
    {"shape", IN_ENTRY, NULL, 24, 4, 3, VE_ERR_FORMAT, "stem.0.bias: dimension 0 is 3, expected 2"},
    {"shape beyond rank", IN_ENTRY, NULL, 28, 4, 2, VE_ERR_FORMAT, "stem.0.bias: dimension 1 is 2, expected 1"},
    {"name", IN_ENTRY, NULL, 40, 1, 'S', VE_ERR_FORMAT, "where stem.0.bias belongs"},
    {"name padding", IN_ENTRY, NULL, 55, 1, 1, VE_ERR_FORMAT, "stem.0.bias: the padding"},
    {"data", IN_DATA, NULL, 0, 1, 0x55, VE_ERR_CORRUPT, "stem.0.bias: its checksum"},
    {"padding before data", IN_DATA, NULL, (size_t)-1, 1, 1, VE_ERR_FORMAT, "the padding before its data"},
};

static void overwrite(unsigned char *at, uint32_t width, uint64_t value)
{
    for (uint32_t i = 0; i < width; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

static size_t find_place(const vew_file *file, const broken *b)
{
    switch (b->where) {
    case IN_FIELD:
        return vew_file_field(file, b->name) + b->at;
    case IN_ENTRY:
        return vew_file_entry(file, 1) + b->at;
    case IN_DATA:
        return (size_t)ve__load_u64(file->bytes + vew_file_entry(file, 1)) + b->at;
    default:
        return b->at;
    }
}

static void test_each_rule_violated_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const broken *b = &rules[i];
        vew_file file = good_file();
        overwrite(file.bytes + find_place(&file, b), b->width, b->value);
        vew_file_seal(&file);
        ve_status status = open_and_read(file.bytes, file.size);
        if (status != b->status || (status != VE_OK && !strstr(ve_last_error(), b->message)))
            fail_msg("%s: %s, \"%s\"", b->rule, ve_status_name(status), status ? ve_last_error() : "");
        free(file.bytes);
    }
}

static void test_the_good_file_is_good(void **state)
{
    (void)state;
    vew_file file = good_file();
    assert_int_equal(open_and_read(file.bytes, file.size), VE_OK);
    free(file.bytes);
}

static void test_every_truncation(void **state)
{
    (void)state;
    vew_file file = good_file();
    for (size_t size = 0; size < file.size; size++)
        assert_true(open_and_read(file.bytes, size) != VE_OK);
    /* Also when the header says that it should be so. */
    for (size_t size = VE__VEW_HEADER_BYTES; size < file.size; size++) {
        ve__store_u64(file.bytes + VE__VEW_AT_FILE_BYTES, size);
        vew_file_seal(&file);
        assert_true(open_and_read(file.bytes, size) != VE_OK);
        if (size >= file.header_bytes)
            assert_non_null(strstr(ve_last_error(), "its data runs past the end of the file"));
    }
    free(file.bytes);
}

static void test_something_behind_the_end(void **state)
{
    (void)state;
    vew_file file = good_file();
    ve__store_u64(file.bytes + VE__VEW_AT_FILE_BYTES, file.size + 1);
    vew_file_seal(&file);
    assert_int_equal(open_and_read(file.bytes, file.size + 1), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "behind the last tensor"));
    free(file.bytes);
}

/* The header's checksum sees every single bit. */
static void test_every_bit_of_the_header_flipped(void **state)
{
    (void)state;
    vew_file file = good_file();
    for (size_t bit = 0; bit < 8 * file.header_bytes; bit++) {
        file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(open_and_read(file.bytes, file.size) != VE_OK);
        file.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(file.bytes);
}

/* The same by somebody who makes the checksum fit: the checks behind it must hold alone. Some changes are
 * allowed (another mean, say); then the file must be readable as any other. */
static void test_every_byte_of_the_header_forged(void **state)
{
    (void)state;
    static const unsigned char changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f};
    vew_file file = good_file();
    size_t refused = 0;
    for (size_t at = 0; at < file.header_bytes; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            file.bytes[at] ^= changes[i];
            vew_file_seal(&file);
            refused += open_and_read(file.bytes, file.size) != VE_OK;
            file.bytes[at] ^= changes[i];
        }
    assert_true(refused > 8 * file.header_bytes); /* of 10 each: names and floats may change within limits */
    free(file.bytes);
}

/* Every bit of the data is under a checksum or must be zero. */
static void test_every_byte_of_the_data_flipped(void **state)
{
    (void)state;
    vew_file file = good_file();
    for (size_t at = file.header_bytes; at < file.size; at++) {
        file.bytes[at] ^= 0x10;
        assert_true(open_and_read(file.bytes, file.size) != VE_OK);
        file.bytes[at] ^= 0x10;
    }
    free(file.bytes);
}

static void test_values_that_are_not_finite(void **state)
{
    (void)state;
    static const uint32_t values[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        vew_file file = good_file();
        unsigned char *entry = file.bytes + vew_file_entry(&file, 1);
        unsigned char *data = file.bytes + ve__load_u64(entry);
        ve__store_u32(data + 4, values[i]);
        ve__store_u32(entry + 16, ve__crc32c(0, data, 8));
        vew_file_seal(&file);
        assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_FORMAT);
        assert_non_null(strstr(ve_last_error(), "stem.0.bias: element 1 is not finite"));
        free(file.bytes);
    }
}

/* Overwrites `width` bytes of the data of an 8-bit matrix, makes all checksums fit, and reads. */
static ve_status read_forged_i8(size_t at, uint32_t width, uint32_t value)
{
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_I8, NULL, 0);
    size_t index = 0;
    ve__tensor_spec spec;
    while (ve__arch_tensor(&about.arch, index, &spec) && spec.rank != 2)
        index++;
    assert_int_equal(spec.rank, 2);
    unsigned char *entry = file.bytes + vew_file_entry(&file, index);
    unsigned char *data = file.bytes + ve__load_u64(entry);
    size_t size = (size_t)ve__load_u64(entry + 8);
    assert_int_equal(size, 4 * (size_t)spec.shape[0] + (size_t)spec.shape[0] * spec.shape[1]);
    overwrite(data + (at < size ? at : size - 1), width, value);
    ve__store_u32(entry + 16, ve__crc32c(0, data, size));
    vew_file_seal(&file);
    ve_status status = open_and_read(file.bytes, file.size);
    free(file.bytes);
    return status;
}

static void test_scales_that_are_none(void **state)
{
    /* 0, -0, -1, infinity, minus infinity, NaN, signalling NaN, the largest float (times 127 it is infinite) */
    static const uint32_t scales[] = {0,           0x80000000u, 0xbf800000u, 0x7f800000u,
                                      0xff800000u, 0x7fc00000u, 0x7f800001u, 0x7f7fffffu};
    (void)state;
    assert_int_equal(read_forged_i8(4, 4, 0x3f800000u), VE_OK);
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        assert_int_equal(read_forged_i8(4, 4, scales[i]), VE_ERR_FORMAT);
        assert_non_null(strstr(ve_last_error(), "row 1 has a scale of"));
    }
}

static void test_an_element_outside_the_range(void **state)
{
    (void)state;
    assert_int_equal(read_forged_i8(SIZE_MAX, 1, 127), VE_OK);
    assert_int_equal(read_forged_i8(SIZE_MAX, 1, 129), VE_OK); /* -127 */
    assert_int_equal(read_forged_i8(SIZE_MAX, 1, 128), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "has an element of -128"));
}

/* The bytes of a matrix as f32, and of one as i8 in a place too short for its scales. */
static void test_i8_with_the_bytes_of_others(void **state)
{
    (void)state;
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_I8, NULL, 0);
    size_t index = 0;
    ve__tensor_spec spec;
    while (ve__arch_tensor(&about.arch, index, &spec) && spec.rank != 2)
        index++;
    unsigned char *entry = file.bytes + vew_file_entry(&file, index);
    for (unsigned type = VE__TYPE_F32; type <= VE__TYPE_F16; type++) {
        entry[20] = (unsigned char)type;
        vew_file_seal(&file);
        assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_FORMAT);
    }
    entry[20] = VE__TYPE_I8;
    ve__store_u64(entry + 8, (uint64_t)spec.shape[0] * spec.shape[1]);
    vew_file_seal(&file);
    assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_FORMAT);
    free(file.bytes);
}

static void test_fields_of_later_versions(void **state)
{
    (void)state;
    static const unsigned char value[12] = {1, 2, 3};
    vew_extra extra = {"later.thing", 77, 0, 3, 12, value};
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_F32, &extra, 1);
    assert_int_equal(open_and_read(file.bytes, file.size), VE_OK);
    free(file.bytes);
    extra.flags = VE__VEW_REQUIRED;
    file = vew_file_make(&about, VE__TYPE_F32, &extra, 1);
    assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_UNSUPPORTED);
    assert_non_null(strstr(ve_last_error(), "later.thing"));
    free(file.bytes);
}

static void test_unknown_fields_may_not_repeat(void **state)
{
    (void)state;
    const vew_extra extras[2] = {{"later", VE__VEW_U32, 0, 0, 0, ""}, {"later", VE__VEW_TEXT, 0, 0, 0, ""}};
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_F32, extras, 2);
    assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "later occurs twice"));
    free(file.bytes);
}

/* A description of gigabytes in a file of kilobytes is refused before anything is allocated for it. */
static void test_a_giant_architecture(void **state)
{
    (void)state;
    vew_file file = good_file();
    unsigned char *dims = file.bytes + vew_file_field(&file, "arch.dims") + VALUE_16;
    for (int s = 0; s < VE__STAGES; s++)
        ve__store_u32(dims + 4 * s, VE__MAX_CHANNELS);
    vew_file_seal(&file);
    assert_int_equal(open_and_read(file.bytes, file.size), VE_ERR_FORMAT);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_good_file_is_good),
        cmocka_unit_test(test_each_rule_violated_once),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_something_behind_the_end),
        cmocka_unit_test(test_every_bit_of_the_header_flipped),
        cmocka_unit_test(test_every_byte_of_the_header_forged),
        cmocka_unit_test(test_every_byte_of_the_data_flipped),
        cmocka_unit_test(test_values_that_are_not_finite),
        cmocka_unit_test(test_scales_that_are_none),
        cmocka_unit_test(test_an_element_outside_the_range),
        cmocka_unit_test(test_i8_with_the_bytes_of_others),
        cmocka_unit_test(test_fields_of_later_versions),
        cmocka_unit_test(test_unknown_fields_may_not_repeat),
        cmocka_unit_test(test_a_giant_architecture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
