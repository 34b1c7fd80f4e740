/* SPDX-License-Identifier: MIT */
/*
 * Whole preprocessings equal torchvision's and timm's over Pillow to the bit: cases with checksums in
 * tests/fixtures/image/prepare.txt, or in the file named on the command line. Besides: memory, limits,
 * extremes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/crop.h"
#include "image/image.h"
#include "support/cmocka_all.h"
#include "support/guarded.h"
#include "support/picture.h"

static const char *cases_path = PICTURE_FIXTURES "prepare.txt";

static const ve__preprocess usual = {
    224,    224, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}, VE__FILTER_BICUBIC, VE__CROP_CENTER,
    0.875f, 0};

/* The 8-bit levels that an input was made from. */
static uint8_t *levels(const ve__preprocess *preprocess, const float *input)
{
    size_t count = (size_t)3 * preprocess->width * preprocess->height;
    uint8_t *bytes = malloc(count);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        double level = 255.0 * (input[i] * (double)preprocess->std[i % 3] + preprocess->mean[i % 3]);
        assert_true(fabs(level - rint(level)) < 1e-3);
        assert_true(level > -0.5 && level < 255.5);
        bytes[i] = (uint8_t)rint(level);
    }
    return bytes;
}

static float *prepare(const ve__preprocess *preprocess, const struct ve_image *image)
{
    ve__prepare *made = NULL;
    float *input = malloc(sizeof *input * 3 * preprocess->width * preprocess->height);
    assert_non_null(input);
    assert_int_equal(ve__prepare_create(preprocess, &made), VE_OK);
    assert_int_equal(ve__prepare_run(made, image, input), VE_OK);
    ve__prepare_free(made);
    return input;
}

static void check_case(const char *line)
{
    unsigned width, height, kind, seed, expected;
    double fraction;
    ve__preprocess preprocess = usual;
    if (sscanf(line, "%u %u %u %u %u %u %u %u %lf %u %x", &width, &height, &kind, &seed, &preprocess.filter,
               &preprocess.crop, &preprocess.width, &preprocess.height, &fraction, &preprocess.resize_to,
               &expected) != 11)
        fail_msg("not a case: %s", line);
    preprocess.crop_fraction = (float)fraction;
    uint8_t *pixels = picture_make((picture_kind)kind, seed, width, height);
    float *input = prepare(&preprocess, &(struct ve_image){width, height, pixels});
    uint8_t *bytes = levels(&preprocess, input);
    if (picture_crc(bytes, (size_t)3 * preprocess.width * preprocess.height) != expected)
        fail_msg("not what Pillow makes of it: %s", line);
    free(bytes);
    free(input);
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

static void test_normalises(void **state)
{
    ve__preprocess preprocess = usual;
    uint8_t *pixels = picture_make(PICTURE_NOISE, 1, 40, 30);
    (void)state;
    preprocess.width = 40;
    preprocess.height = 30;
    preprocess.crop_fraction = 1.0f;
    float *input = prepare(&preprocess, &(struct ve_image){40, 30, pixels});
    for (size_t i = 0; i < 3 * 40 * 30; i++) {
        double exact = (pixels[i] / 255.0 - preprocess.mean[i % 3]) / preprocess.std[i % 3];
        assert_true(fabs(input[i] - exact) < 1e-6);
    }
    free(input);
    free(pixels);
}

/* Fractions that are not binary: floor(side / fraction) as Python has it. */
static void test_fractions_are_decimal(void **state)
{
    static const struct {
        uint32_t side;
        float fraction;
        uint32_t scale;
    } cases[] = {{288, 0.96f, 300}, {224, 0.875f, 256}, {224, 0.95f, 235}, {224, 0.9f, 248},
                 {320, 1.0f, 320},  {63, 0.7f, 90},     {56, 0.7f, 80},    {90, 0.9f, 100},
                 {126, 0.9f, 140},  {252, 0.9f, 280},   {224, 0.8f, 280},  {96, 0.6f, 160}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ve__preprocess preprocess = usual;
        ve__crop_plan plan;
        preprocess.width = preprocess.height = cases[i].side;
        preprocess.crop_fraction = cases[i].fraction;
        ve__crop_make(&preprocess, 1000, 1000, &plan);
        assert_int_equal(plan.horizontal.scaled, cases[i].scale);
    }
}

static void test_centre_halves_to_even(void **state)
{
    ve__preprocess preprocess = usual;
    ve__crop_plan plan;
    static const uint32_t expected[] = {0, 0, 1, 2, 2, 2, 3, 4, 4};
    (void)state;
    preprocess.crop_fraction = 1.0f;
    for (uint32_t more = 0; more < 9; more++) {
        ve__crop_make(&preprocess, 224 + more, 224, &plan);
        assert_int_equal(plan.horizontal.first, expected[more]);
        assert_int_equal(plan.vertical.first, 0);
    }
}

/* Every allocation after creation would fail, and the first one afterwards still does: none was tried. */
static void test_run_allocates_nothing(void **state)
{
    uint8_t *pixels = picture_make(PICTURE_NOISE, 2, 640, 480);
    ve__prepare *made = NULL;
    float *input = malloc(sizeof *input * 3 * 224 * 224);
    (void)state;
    assert_int_equal(ve__prepare_create(&usual, &made), VE_OK);
    ve__allocate_fail_after(0);
    ve_status status = ve__prepare_run(made, &(struct ve_image){640, 480, pixels}, input);
    void *next = ve__allocate(1);
    ve__allocate_fail_after(-1);
    assert_int_equal(status, VE_OK);
    assert_null(next);
    ve__prepare_free(made);
    free(input);
    free(pixels);
}

static void test_creation_without_memory(void **state)
{
    (void)state;
    for (long count = 0;; count++) {
        ve__prepare *made = NULL;
        ve__allocate_fail_after(count);
        ve_status status = ve__prepare_create(&usual, &made);
        ve__allocate_fail_after(-1);
        if (status == VE_OK) {
            assert_true(count > 0);
            ve__prepare_free(made);
            return;
        }
        assert_int_equal(status, VE_ERR_MEMORY);
        assert_null(made);
    }
}

static void prepare_guarded(const uint32_t size[2], uint32_t filter, guarded_side side)
{
    ve__preprocess preprocess = usual;
    ve__prepare *made = NULL;
    preprocess.width = preprocess.height = 112;
    preprocess.crop_fraction = 1.0f;
    preprocess.filter = filter;
    uint8_t *pixels = guarded_new((size_t)3 * size[0] * size[1], 1, side);
    float *input = guarded_new(sizeof *input * 3 * 112 * 112, sizeof *input, side);
    picture_draw(PICTURE_NOISE, 3, size[0], size[1], pixels);
    assert_int_equal(ve__prepare_create(&preprocess, &made), VE_OK);
    assert_int_equal(ve__prepare_run(made, &(struct ve_image){size[0], size[1], pixels}, input), VE_OK);
    ve__prepare_free(made);
    guarded_release_all();
}

static void test_stays_within_picture_and_input(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1}, {7, 3}, {112, 112}, {113, 112}, {150, 90}, {40, 300}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t filter = VE__FILTER_NEAREST; filter <= VE__FILTER_LANCZOS; filter++) {
            prepare_guarded(sizes[i], filter, GUARDED_BELOW);
            prepare_guarded(sizes[i], filter, GUARDED_ABOVE);
        }
}

/* A picture of one colour fills the whole input with it, but for a border's fill: whatever its shape. */
static void check_extreme(uint32_t width, uint32_t height, uint32_t filter, uint32_t crop, uint32_t side)
{
    ve__preprocess preprocess = usual;
    size_t bytes = (size_t)3 * width * height;
    uint8_t *pixels = malloc(bytes);
    assert_non_null(pixels);
    memset(pixels, 200, bytes);
    preprocess.width = side;
    preprocess.height = side / 2;
    preprocess.filter = filter;
    preprocess.crop = crop;
    float *input = prepare(&preprocess, &(struct ve_image){width, height, pixels});
    uint8_t *made = levels(&preprocess, input);
    size_t covered = 0, count = (size_t)3 * side * (side / 2);
    for (size_t i = 0; i < count; i++)
        if (made[i] == 200)
            covered++;
        else
            assert_int_equal(made[i], (int)rint(255.0 * preprocess.mean[i % 3]));
    if (crop == VE__CROP_BORDER)
        assert_true(covered > 0 && covered < count);
    else
        assert_int_equal(covered, count);
    free(made);
    free(input);
    free(pixels);
}

static void test_extreme_shapes(void **state)
{
    static const uint32_t sizes[][2] = {{32768, 1}, {1, 32768}, {32768, 7}, {3, 32768}, {32768, 600}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t crop = VE__CROP_CENTER; crop <= VE__CROP_BORDER; crop++) {
            check_extreme(sizes[i][0], sizes[i][1], VE__FILTER_BICUBIC, crop, 32);
            check_extreme(sizes[i][0], sizes[i][1], VE__FILTER_LANCZOS, crop, 300);
            check_extreme(sizes[i][0], sizes[i][1], VE__FILTER_NEAREST, crop, 64);
        }
}

/* A session's memory serves pictures of any size, one after the other, with the same results as a fresh one. */
static void test_memory_is_used_again(void **state)
{
    static const uint32_t sizes[][2] = {{500, 20}, {20, 500}, {224, 224}, {3, 3}, {700, 600}, {500, 20}};
    ve__preprocess preprocess = usual;
    ve__prepare *made = NULL;
    size_t count = (size_t)3 * 224 * 224;
    float *again = malloc(sizeof *again * count);
    (void)state;
    preprocess.crop = VE__CROP_BORDER;
    assert_int_equal(ve__prepare_create(&preprocess, &made), VE_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *pixels = picture_make(PICTURE_NOISE, (uint32_t)i, sizes[i][0], sizes[i][1]);
        struct ve_image image = {sizes[i][0], sizes[i][1], pixels};
        float *fresh = prepare(&preprocess, &image);
        assert_int_equal(ve__prepare_run(made, &image, again), VE_OK);
        assert_memory_equal(again, fresh, sizeof *again * count);
        free(fresh);
        free(pixels);
    }
    ve__prepare_free(made);
    free(again);
}

/* No shape of picture needs more rows than ve__crop_max_ratio promises. */
static void test_ratio_bound(void **state)
{
    static const uint32_t targets[][2] = {{32, 32}, {112, 112}, {224, 96}, {33, 500}, {2048, 2048}};
    (void)state;
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
        for (uint32_t crop = VE__CROP_CENTER; crop <= VE__CROP_BORDER; crop++)
            for (uint32_t width = 1; width <= VE_MAX_IMAGE_SIDE; width = width * 9 / 8 + 1)
                for (uint32_t height = 1; height <= VE_MAX_IMAGE_SIDE; height = height * 9 / 8 + 1) {
                    ve__preprocess preprocess = usual;
                    ve__crop_plan plan;
                    preprocess.width = targets[t][0];
                    preprocess.height = targets[t][1];
                    preprocess.crop = crop;
                    ve__crop_make(&preprocess, width, height, &plan);
                    double ratio = (double)height / plan.vertical.scaled;
                    assert_true(ratio <= ve__crop_max_ratio(&preprocess));
                    assert_true(plan.left + plan.horizontal.count <= preprocess.width);
                    assert_true(plan.top + plan.vertical.count <= preprocess.height);
                    assert_true(plan.horizontal.first + plan.horizontal.count <= plan.horizontal.scaled);
                    assert_true(plan.vertical.first + plan.vertical.count <= plan.vertical.scaled);
                }
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_pillow),
        cmocka_unit_test(test_normalises),
        cmocka_unit_test(test_fractions_are_decimal),
        cmocka_unit_test(test_centre_halves_to_even),
        cmocka_unit_test(test_run_allocates_nothing),
        cmocka_unit_test(test_creation_without_memory),
        cmocka_unit_test(test_stays_within_picture_and_input),
        cmocka_unit_test(test_extreme_shapes),
        cmocka_unit_test(test_memory_is_used_again),
        cmocka_unit_test(test_ratio_bound),
    };
    if (count > 1)
        cases_path = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
