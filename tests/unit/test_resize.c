/* SPDX-License-Identifier: MIT */
/*
 * Resizing equals Pillow's to the bit: cases with checksums of Pillow's results in
 * tests/fixtures/image/resize.txt, or in the file named on the command line
 * (tools/reference/make-image-fixtures.py --check makes random ones).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/resize.h"
#include "support/cmocka_all.h"
#include "support/picture.h"

static const char *cases_path = PICTURE_FIXTURES "resize.txt";

typedef struct scratch {
    ve__resizer resizer;
    void *block;
} scratch;

static void scratch_make(scratch *made, ve__filter filter, uint32_t columns, double max_ratio)
{
    ve__arena arena = {NULL, 0};
    ve__resizer_take(&made->resizer, &arena, filter, columns, max_ratio);
    made->block = ve__allocate(arena.used);
    assert_non_null(made->block);
    arena = (ve__arena){made->block, 0};
    ve__resizer_take(&made->resizer, &arena, filter, columns, max_ratio);
}

/* The wanted part of a resized picture, 3 * columns * rows bytes; free() it. */
static uint8_t *resize(const uint8_t *pixels, ve__filter filter, const ve__axis *across, const ve__axis *down)
{
    scratch made;
    size_t row_bytes = (size_t)3 * across->count;
    uint8_t *result = malloc(row_bytes * down->count);
    assert_non_null(result);
    scratch_make(&made, filter, across->count, (double)down->source / down->scaled);
    assert_int_equal(ve__resizer_begin(&made.resizer, pixels, across, down), VE_OK);
    for (uint32_t y = 0; y < down->count; y++)
        memcpy(result + y * row_bytes, ve__resizer_next(&made.resizer), row_bytes);
    ve__release(made.block);
    return result;
}

static void check_case(const char *line)
{
    unsigned n[11], expected;
    if (sscanf(line, "%u %u %u %u %u %u %u %u %u %u %u %x", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7,
               n + 8, n + 9, n + 10, &expected) != 12)
        fail_msg("not a case: %s", line);
    ve__axis across = {n[0], n[5], n[7], n[9]}, down = {n[1], n[6], n[8], n[10]};
    uint8_t *pixels = picture_make((picture_kind)n[2], n[3], n[0], n[1]);
    uint8_t *result = resize(pixels, (ve__filter)n[4], &across, &down);
    uint32_t crc = picture_crc(result, (size_t)3 * across.count * down.count);
    if (crc != expected)
        fail_msg("not what Pillow makes of it: %s", line);
    free(result);
    free(pixels);
}

static void test_equals_pillow(void **state)
{
    char line[256];
    int cases = 0;
    (void)state;
    FILE *file = fopen(cases_path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (line[0] != '#') {
            check_case(line);
            cases++;
        }
    fclose(file);
    assert_true(cases > 0);
}

/* A single colour stays what it is under every filter, up and down. */
static void test_keeps_a_colour(void **state)
{
    static const uint8_t colours[] = {0, 1, 127, 128, 254, 255};
    uint8_t pixels[3 * 13 * 9];
    (void)state;
    for (int filter = VE__FILTER_NEAREST; filter <= VE__FILTER_LANCZOS; filter++)
        for (size_t c = 0; c < sizeof colours; c++)
            for (uint32_t to = 1; to < 30; to++) {
                ve__axis across = {13, to, 0, to}, down = {9, 31 - to, 0, 31 - to};
                memset(pixels, colours[c], sizeof pixels);
                uint8_t *result = resize(pixels, (ve__filter)filter, &across, &down);
                for (uint32_t i = 0; i < 3 * to * (31 - to); i++)
                    assert_int_equal(result[i], colours[c]);
                free(result);
            }
}

/* Any part of a result is the same, whether the rest is made or not. */
static void test_part_equals_whole(void **state)
{
    uint8_t *pixels = picture_make(PICTURE_NOISE, 5, 61, 47);
    (void)state;
    for (int filter = VE__FILTER_NEAREST; filter <= VE__FILTER_LANCZOS; filter++) {
        ve__axis across = {61, 29, 0, 29}, down = {47, 53, 0, 53};
        uint8_t *whole = resize(pixels, (ve__filter)filter, &across, &down);
        ve__axis part_across = {61, 29, 7, 11}, part_down = {47, 53, 20, 9};
        uint8_t *part = resize(pixels, (ve__filter)filter, &part_across, &part_down);
        for (uint32_t y = 0; y < 9; y++)
            assert_memory_equal(part + y * 33, whole + ((y + 20) * 29 + 7) * 3, 33);
        free(part);
        free(whole);
    }
    free(pixels);
}

static void test_same_size_is_the_picture_itself(void **state)
{
    uint8_t *pixels = picture_make(PICTURE_NOISE, 6, 20, 10);
    ve__axis across = {20, 20, 3, 12}, down = {10, 10, 2, 5};
    scratch made;
    (void)state;
    scratch_make(&made, VE__FILTER_BICUBIC, 12, 1.0);
    assert_int_equal(ve__resizer_begin(&made.resizer, pixels, &across, &down), VE_OK);
    for (uint32_t y = 0; y < 5; y++)
        assert_ptr_equal(ve__resizer_next(&made.resizer), pixels + ((y + 2) * 20 + 3) * 3);
    ve__release(made.block);
    free(pixels);
}

/* Far away in an enlarged picture, at positions beyond 2^20, the corner pixel alone is left under the filters
 * that reach no further than to the next one. */
static void test_huge_enlargement(void **state)
{
    static const ve__filter near[] = {VE__FILTER_NEAREST, VE__FILTER_BILINEAR, VE__FILTER_BOX,
                                      VE__FILTER_HAMMING};
    uint8_t *pixels = picture_make(PICTURE_NOISE, 7, 2, 3);
    (void)state;
    for (size_t f = 0; f < sizeof near / sizeof *near; f++) {
        ve__axis across = {2, 7340032, 7340032 - 4, 4}, down = {3, 5000000, 0, 2};
        uint8_t *result = resize(pixels, near[f], &across, &down);
        for (int i = 0; i < 24; i++)
            assert_int_equal(result[i], pixels[3 + i % 3]);
        free(result);
    }
    free(pixels);
}

static void test_too_little_scratch_is_refused(void **state)
{
    uint8_t *pixels = picture_make(PICTURE_NOISE, 8, 64, 64);
    ve__axis wide = {64, 32, 0, 32}, narrow = {64, 8, 0, 8}, flat = {64, 2, 0, 2};
    scratch made;
    (void)state;
    scratch_make(&made, VE__FILTER_BILINEAR, 8, 2.0);
    assert_int_equal(ve__resizer_begin(&made.resizer, pixels, &wide, &wide), VE_ERR_STATE);
    assert_int_equal(ve__resizer_begin(&made.resizer, pixels, &narrow, &flat), VE_ERR_STATE);
    assert_int_equal(ve__resizer_begin(&made.resizer, pixels, &narrow, &wide), VE_OK);
    ve__release(made.block);
    free(pixels);
}

/* The reservation holds for all sources up to the limit at the largest ratio, and a bit of every smaller one.
 */
static void test_reservation_suffices(void **state)
{
    (void)state;
    for (int filter = VE__FILTER_BILINEAR; filter <= VE__FILTER_LANCZOS; filter++)
        for (uint32_t scaled = 1; scaled < 40000; scaled = scaled * 5 / 4 + 1) {
            uint32_t count = scaled < 2048 ? scaled : 2048;
            scratch made;
            for (uint32_t source = 1; source <= VE_MAX_IMAGE_SIDE; source = source * 2) {
                ve__axis across = {source, scaled, (scaled - count) / 2, count}, down = across;
                scratch_make(&made, (ve__filter)filter, count, (double)source / scaled);
                assert_int_equal(ve__resizer_begin(&made.resizer, NULL, &across, &down), VE_OK);
                for (uint32_t y = 0; y < count; y++)
                    assert_true(ve__filter_span((ve__filter)filter, source, scaled, down.first + y).count <=
                                made.resizer.ring_rows);
                ve__release(made.block);
            }
        }
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_pillow),        cmocka_unit_test(test_keeps_a_colour),
        cmocka_unit_test(test_part_equals_whole),    cmocka_unit_test(test_same_size_is_the_picture_itself),
        cmocka_unit_test(test_huge_enlargement),     cmocka_unit_test(test_too_little_scratch_is_refused),
        cmocka_unit_test(test_reservation_suffices),
    };
    if (count > 1)
        cases_path = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
