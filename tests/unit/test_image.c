/* SPDX-License-Identifier: MIT */
/* Pictures: files of every kind against Pillow's pixels, EXIF orientation, copies from pixel formats, failures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"
#include "image/orientation.h"
#include "support/cmocka_all.h"
#include "support/picture.h"
#include "visembed.h"

static ve_image *load(const char *path)
{
    ve_image *image = NULL;
    if (ve_image_load(path, &image) != VE_OK)
        fail_msg("%s", ve_last_error());
    return image;
}

static void assert_error_says(const char *words)
{
    if (!strstr(ve_last_error(), words))
        fail_msg("\"%s\" does not say \"%s\"", ve_last_error(), words);
}

static void test_lossless_files(void **state)
{
    char line[256], name[64], path[128];
    int files = 0;
    (void)state;
    FILE *list = fopen(PICTURE_FIXTURES "decode.txt", "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        unsigned width, height, crc;
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%63s %u %u %x", name, &width, &height, &crc), 4);
        snprintf(path, sizeof path, PICTURE_FIXTURES "%s", name);
        ve_image *image = load(path);
        assert_int_equal(ve_image_width(image), width);
        assert_int_equal(ve_image_height(image), height);
        if (picture_crc(ve_image_pixels(image), (size_t)3 * width * height) != crc)
            fail_msg("%s: other pixels than Pillow's", name);
        ve_image_free(image);
        files++;
    }
    fclose(list);
    assert_true(files >= 14);
}

/* Largest and mean difference of a JPEG's pixels from libjpeg's. */
static void check_jpeg(const char *name, int most, double mean)
{
    char path[128], path_expected[128];
    snprintf(path, sizeof path, PICTURE_FIXTURES "%s", name);
    snprintf(path_expected, sizeof path_expected, PICTURE_FIXTURES "%s.png", name);
    ve_image *image = load(path), *expected = load(path_expected);
    size_t count = (size_t)3 * image->width * image->height;
    int largest = 0;
    double sum = 0;
    assert_int_equal(image->width, expected->width);
    assert_int_equal(image->height, expected->height);
    for (size_t i = 0; i < count; i++) {
        int difference = abs(image->pixels[i] - expected->pixels[i]);
        largest = difference > largest ? difference : largest;
        sum += difference;
    }
    if (largest > most || sum / (double)count > mean)
        fail_msg("%s: up to %d levels from libjpeg's pixels, %.3f on average", name, largest,
                 sum / (double)count);
    ve_image_free(image);
    ve_image_free(expected);
}

static void test_jpeg_files(void **state)
{
    (void)state;
    check_jpeg("full.jpg", 3, 0.5);
    check_jpeg("gray.jpg", 2, 0.5);
    check_jpeg("half.jpg", 8, 1.0);
    check_jpeg("quarter.jpg", 16, 1.5);
    check_jpeg("progressive.jpg", 16, 1.5);
}

static void test_cmyk_jpeg(void **state)
{
    (void)state;
    ve_image *image = load(PICTURE_FIXTURES "cmyk.jpg"), *rgb = load(PICTURE_FIXTURES "full.jpg");
    double sum = 0;
    size_t count = (size_t)3 * 45 * 30;
    assert_int_equal(image->width, 45);
    for (size_t i = 0; i < count; i++)
        sum += abs(image->pixels[i] - rgb->pixels[i]);
    assert_true(sum / (double)count < 4.0);
    ve_image_free(image);
    ve_image_free(rgb);
}

/* ---- orientation */

/* A JPEG file with an EXIF block behind SOI; free() it. */
static uint8_t *with_exif(const uint8_t *block, size_t block_size, size_t *size)
{
    size_t plain_size, segment = 2 + 2 + 6 + block_size;
    uint8_t *plain = picture_file(PICTURE_FIXTURES "full.jpg", &plain_size);
    uint8_t *bytes = malloc(plain_size + segment);
    assert_non_null(bytes);
    memcpy(bytes, plain, 2);
    bytes[2] = 0xff;
    bytes[3] = 0xe1;
    bytes[4] = (uint8_t)((segment - 2) >> 8);
    bytes[5] = (uint8_t)(segment - 2);
    memcpy(bytes + 6, "Exif\0", 6);
    memcpy(bytes + 12, block, block_size);
    memcpy(bytes + 2 + segment, plain + 2, plain_size - 2);
    *size = plain_size + segment;
    free(plain);
    return bytes;
}

/* Two entries, the second one the orientation. */
static const uint8_t little[] = {'I', 'I', 42, 0,    8,    0, 0, 0, 2, 0, 0x10, 0x01, 2, 0, 1, 0, 0, 0, 'x',
                                 0,   0,   0,  0x12, 0x01, 3, 0, 1, 0, 0, 0,    6,    0, 0, 0, 0, 0, 0, 0};
static const uint8_t big[] = {'M', 'M', 0, 42,   0,    0, 0, 8, 0, 2, 0x01, 0x10, 0, 2, 0, 0, 0, 1, 'x',
                              0,   0,   0, 0x01, 0x12, 0, 3, 0, 0, 0, 1,    0,    6, 0, 0, 0, 0, 0, 0};
enum { LITTLE_VALUE = 30, BIG_VALUE = 31, BLOCK_BYTES = sizeof little };

/* The pixel of the stored picture that an upright picture has at x, y; written from the EXIF standard's table
 * of what the stored row 0 and column 0 are. */
static const uint8_t *stored_pixel(const ve_image *stored, unsigned orientation, uint32_t x, uint32_t y)
{
    uint32_t last_column = stored->width - 1, last_row = stored->height - 1, column, row;
    switch (orientation) {
    case 1: /* row 0 top, column 0 left */
        column = x, row = y;
        break;
    case 2: /* top, right */
        column = last_column - x, row = y;
        break;
    case 3: /* bottom, right */
        column = last_column - x, row = last_row - y;
        break;
    case 4: /* bottom, left */
        column = x, row = last_row - y;
        break;
    case 5: /* left, top */
        column = y, row = x;
        break;
    case 6: /* right, top */
        column = y, row = last_row - x;
        break;
    case 7: /* right, bottom */
        column = last_column - y, row = last_row - x;
        break;
    default: /* 8: left, bottom */
        column = last_column - y, row = x;
        break;
    }
    return stored->pixels + 3 * ((size_t)row * stored->width + column);
}

static void check_orientation(const uint8_t *block, size_t value_at, unsigned orientation)
{
    uint8_t changed[BLOCK_BYTES];
    size_t size;
    ve_image *turned = NULL, *stored = load(PICTURE_FIXTURES "full.jpg");
    memcpy(changed, block, BLOCK_BYTES);
    changed[value_at] = (uint8_t)orientation;
    uint8_t *bytes = with_exif(changed, BLOCK_BYTES, &size);
    assert_int_equal(ve_image_decode(bytes, size, &turned), VE_OK);
    assert_int_equal(turned->width, orientation >= 5 ? stored->height : stored->width);
    assert_int_equal(turned->height, orientation >= 5 ? stored->width : stored->height);
    for (uint32_t y = 0; y < turned->height; y++)
        for (uint32_t x = 0; x < turned->width; x++)
            assert_memory_equal(turned->pixels + 3 * ((size_t)y * turned->width + x),
                                stored_pixel(stored, orientation, x, y), 3);
    ve_image_free(turned);
    ve_image_free(stored);
    free(bytes);
}

static void test_all_orientations(void **state)
{
    (void)state;
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        check_orientation(little, LITTLE_VALUE, orientation);
        check_orientation(big, BIG_VALUE, orientation);
    }
}

static unsigned found_in(const uint8_t *block, size_t block_size)
{
    size_t size;
    uint8_t *bytes = with_exif(block, block_size, &size);
    unsigned found = ve__orientation_find(bytes, size);
    free(bytes);
    return found;
}

/* One rule broken at a time: the picture is left as it is. */
static void test_broken_exif_is_left_alone(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } breaks[] = {
        {0, 'X'},          /* byte order */
        {2, 43},           /* magic */
        {4, 200},          /* directory behind the end */
        {4, 7},            /* directory within the header */
        {7, 0x80},         /* directory far behind the end */
        {8, 3},            /* one entry more than there is room */
        {9, 0xff},         /* 65282 entries */
        {8, 1},            /* the orientation is not among the entries */
        {24, 4},           /* type LONG */
        {26, 2},           /* two values */
        {LITTLE_VALUE, 0}, /* value below 1 */
        {LITTLE_VALUE, 9}, /* value above 8 */
        {LITTLE_VALUE + 1, 1},
    };
    uint8_t block[BLOCK_BYTES];
    (void)state;
    assert_int_equal(found_in(little, BLOCK_BYTES), 6);
    assert_int_equal(found_in(big, BLOCK_BYTES), 6);
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        memcpy(block, little, BLOCK_BYTES);
        block[breaks[i].at] = breaks[i].value;
        assert_int_equal(found_in(block, BLOCK_BYTES), 1);
    }
    for (size_t size = 0; size < BLOCK_BYTES - 4; size++)
        assert_int_equal(found_in(little, size), 1);
}

static void test_orientation_elsewhere(void **state)
{
    size_t size;
    uint8_t *bytes = picture_file(PICTURE_FIXTURES "rgb.png", &size);
    (void)state;
    assert_int_equal(ve__orientation_find(bytes, size), 1);
    assert_int_equal(ve__orientation_find(bytes, 0), 1);
    free(bytes);
    bytes = picture_file(PICTURE_FIXTURES "full.jpg", &size);
    assert_int_equal(ve__orientation_find(bytes, size), 1);
    free(bytes);
}

/* ---- copies */

static void check_format(ve_pixel_format format, size_t pixel_bytes, const uint8_t *pixel, const uint8_t *rgb)
{
    uint8_t rows[2 * 16] = {0};
    ve_image *image = NULL;
    for (int y = 0; y < 2; y++)
        for (size_t x = 0; x < 3; x++)
            memcpy(rows + y * 16 + x * pixel_bytes, pixel, pixel_bytes);
    assert_int_equal(ve_image_from_pixels(rows, 3, 2, 16, format, &image), VE_OK);
    assert_int_equal(ve_image_width(image), 3);
    assert_int_equal(ve_image_height(image), 2);
    for (size_t i = 0; i < 6; i++)
        assert_memory_equal(ve_image_pixels(image) + 3 * i, rgb, 3);
    ve_image_free(image);
}

static void test_pixel_formats(void **state)
{
    (void)state;
    check_format(VE_PIXELS_RGB, 3, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){1, 2, 3});
    check_format(VE_PIXELS_BGR, 3, (const uint8_t[]){1, 2, 3}, (const uint8_t[]){3, 2, 1});
    check_format(VE_PIXELS_RGBA, 4, (const uint8_t[]){1, 2, 3, 0}, (const uint8_t[]){1, 2, 3});
    check_format(VE_PIXELS_BGRA, 4, (const uint8_t[]){1, 2, 3, 0}, (const uint8_t[]){3, 2, 1});
    check_format(VE_PIXELS_GRAY, 1, (const uint8_t[]){7}, (const uint8_t[]){7, 7, 7});
}

static void test_tight_rows(void **state)
{
    uint8_t *pixels = picture_make(PICTURE_NOISE, 9, 5, 4);
    ve_image *image = NULL;
    (void)state;
    assert_int_equal(ve_image_from_pixels(pixels, 5, 4, 0, VE_PIXELS_RGB, &image), VE_OK);
    assert_memory_equal(ve_image_pixels(image), pixels, 3 * 5 * 4);
    ve_image_free(image);
    free(pixels);
}

static void test_bad_arguments(void **state)
{
    uint8_t pixels[12] = {0};
    ve_image *image = NULL;
    (void)state;
    assert_int_equal(ve_image_load(NULL, &image), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_load("x", NULL), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_decode(NULL, 1, &image), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_decode(pixels, 12, NULL), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_from_pixels(NULL, 2, 2, 0, VE_PIXELS_RGB, &image), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_from_pixels(pixels, 0, 2, 0, VE_PIXELS_RGB, &image), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_from_pixels(pixels, 2, 0, 0, VE_PIXELS_RGB, &image), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_from_pixels(pixels, 2, 2, 0, VE_PIXELS_RGB, NULL), VE_ERR_ARGUMENT);
    assert_int_equal(ve_image_from_pixels(pixels, 2, 2, 5, VE_PIXELS_RGB, &image), VE_ERR_ARGUMENT);
    assert_error_says("stride of 5 bytes");
    assert_int_equal(ve_image_from_pixels(pixels, 2, 2, 0, (ve_pixel_format)6, &image), VE_ERR_ARGUMENT);
    assert_error_says("format 6");
    assert_int_equal(ve_image_from_pixels(pixels, 32769, 1, 0, VE_PIXELS_GRAY, &image), VE_ERR_TOO_LARGE);
    assert_int_equal(ve_image_from_pixels(pixels, 32768, 2049, 0, VE_PIXELS_GRAY, &image), VE_ERR_TOO_LARGE);
    assert_null(image);
    assert_int_equal(ve_image_width(NULL), 0);
    assert_int_equal(ve_image_height(NULL), 0);
    assert_null(ve_image_pixels(NULL));
    ve_image_free(NULL);
}

/* ---- files */

static void test_unreadable_files(void **state)
{
    char path[] = "/tmp/ve-test-image-XXXXXX";
    ve_image *image = NULL;
    (void)state;
    assert_int_equal(ve_image_load("/nonexistent/picture.png", &image), VE_ERR_NOT_FOUND);
    assert_error_says("/nonexistent/picture.png");
    assert_int_equal(ve_image_load("/tmp", &image), VE_ERR_IO);
    assert_error_says("/tmp");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(ve_image_load(path, &image), VE_ERR_FORMAT);
    assert_error_says(path);
    assert_error_says("empty");
    assert_int_equal(write(file, "no picture at all", 17), 17);
    assert_int_equal(ve_image_load(path, &image), VE_ERR_FORMAT);
    assert_error_says(path);
    assert_int_equal(ftruncate(file, (off_t)VE_MAX_IMAGE_BYTES + 1), 0);
    assert_int_equal(ve_image_load(path, &image), VE_ERR_TOO_LARGE);
    assert_error_says(path);
    close(file);
    unlink(path);
    assert_null(image);
}

/* A pipe has no size to ask for. */
static void test_pipe(void **state)
{
    size_t size;
    int ends[2];
    char path[64];
    uint8_t *bytes = picture_file(PICTURE_FIXTURES "rgb.png", &size);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    ve_image *image = load(path);
    assert_int_equal(ve_image_width(image), 37);
    ve_image_free(image);
    close(ends[0]);
    free(bytes);
}

/* Every allocation fails once: a status, no leak, no crash. */
static void test_without_memory(void **state)
{
    static const char *const names[] = {"rgba.png",     "palette.png", "interlaced.png",  "rgb16.png",
                                        "animated.gif", "rgb.bmp",     "runs.tga",        "rgb.ppm",
                                        "quarter.jpg",  "cmyk.jpg",    "progressive.jpg", NULL};
    (void)state;
    for (int i = 0; names[i]; i++) {
        char path[128];
        ve_status status = VE_ERR_MEMORY;
        snprintf(path, sizeof path, PICTURE_FIXTURES "%s", names[i]);
        for (long count = 0; status != VE_OK; count++) {
            ve_image *image = NULL;
            ve__allocate_fail_after(count);
            status = ve_image_load(path, &image);
            ve__allocate_fail_after(-1);
            if (status == VE_OK)
                ve_image_free(image);
            else if (status != VE_ERR_MEMORY)
                fail_msg("%s, allocation %ld: %s", names[i], count, ve_last_error());
            assert_true(count < 100);
        }
    }
}

/* ---- PNM, which is read by our own code */

static ve_status decode_text(const char *head, const void *samples, size_t size, ve_image **image)
{
    uint8_t bytes[256];
    size_t head_size = strlen(head);
    memcpy(bytes, head, head_size);
    memcpy(bytes + head_size, samples, size);
    uint8_t *exact = malloc(head_size + size);
    assert_non_null(exact);
    memcpy(exact, bytes, head_size + size);
    ve_status status = ve_image_decode(exact, head_size + size, image);
    free(exact);
    return status;
}

static void test_pnm_samples(void **state)
{
    ve_image *image = NULL;
    (void)state;
    assert_int_equal(decode_text("P5 # a comment\n3\t1#another\r\n 15\n", "\0\7\x1f", 3, &image), VE_OK);
    assert_memory_equal(ve_image_pixels(image), "\0\0\0\x77\x77\x77\xff\xff\xff", 9);
    ve_image_free(image);
    assert_int_equal(decode_text("P6 1 1 65535 ", "\x80\0\xff\xff\0\xff", 6, &image), VE_OK);
    assert_memory_equal(ve_image_pixels(image), "\x80\xff\x01", 3);
    ve_image_free(image);
    assert_int_equal(decode_text("P6 1 1 255 ", "abcdef", 6, &image), VE_OK);
    assert_memory_equal(ve_image_pixels(image), "abc", 3);
    ve_image_free(image);
}

static void test_broken_pnm(void **state)
{
    static const struct {
        const char *head;
        ve_status status;
        const char *words;
    } cases[] = {
        {"P5", VE_ERR_FORMAT, "no width"},
        {"P51 1 255 ", VE_ERR_FORMAT, "no width"},
        {"P5 x", VE_ERR_FORMAT, "no width"},
        {"P5 -1 1 255 ", VE_ERR_FORMAT, "no width"},
        {"P5 1", VE_ERR_FORMAT, "no height"},
        {"P5 1 1 ", VE_ERR_FORMAT, "no maximum"},
        {"P5 1 1 # 255", VE_ERR_FORMAT, "no maximum"},
        {"P5 1 1 0 ", VE_ERR_FORMAT, "maximum of 0"},
        {"P5 1 1 65536 ", VE_ERR_FORMAT, "maximum of 65536"},
        {"P5 1 1 255", VE_ERR_FORMAT, "white space"},
        {"P5 1 1 255x", VE_ERR_FORMAT, "white space"},
        {"P5 4294967297 1 255 ", VE_ERR_FORMAT, "nine digits"},
        {"P5 0 1 255 ", VE_ERR_FORMAT, "empty"},
        {"P5 1 0 255 ", VE_ERR_FORMAT, "empty"},
        {"P5 999999999 999999999 255 ", VE_ERR_TOO_LARGE, "999999999"},
        {"P5 32768 32768 255 ", VE_ERR_TOO_LARGE, "32768"},
        {"P5 3 3 255 ", VE_ERR_FORMAT, "cut short"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ve_image *image = NULL;
        assert_int_equal(decode_text(cases[i].head, "", 0, &image), cases[i].status);
        assert_error_says(cases[i].words);
        assert_null(image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossless_files),
        cmocka_unit_test(test_jpeg_files),
        cmocka_unit_test(test_cmyk_jpeg),
        cmocka_unit_test(test_all_orientations),
        cmocka_unit_test(test_broken_exif_is_left_alone),
        cmocka_unit_test(test_orientation_elsewhere),
        cmocka_unit_test(test_pixel_formats),
        cmocka_unit_test(test_tight_rows),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_unreadable_files),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_pnm_samples),
        cmocka_unit_test(test_broken_pnm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
