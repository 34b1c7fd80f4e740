/* SPDX-License-Identifier: MIT */
/* Broken picture files: a status and a message, never a crash, an over-read or a huge allocation. The checks
 * for over-reads need the address sanitizer; file contents lie in memory of just their size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "image/image.h"
#include "support/cmocka_all.h"
#include "support/picture.h"
#include "visembed.h"

static const char *const names[] = {"rgb.png",     "gray.png", "rgba.png", "palette.png",     "onebit.png",
                                    "rgb16.png",   "rgb.bmp",  "rgb.tga",  "interlaced.png",  "palette.bmp",
                                    "runs.tga",    "rgb.ppm",  "gray.pgm", "animated.gif",    "full.jpg",
                                    "quarter.jpg", "gray.jpg", "cmyk.jpg", "progressive.jpg", NULL};

static uint8_t *read_fixture(const char *name, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, PICTURE_FIXTURES "%s", name);
    return picture_file(path, size);
}

/* Decodes from memory of just this size. Whatever comes out, it is consistent. */
static ve_status decode(const uint8_t *bytes, size_t size)
{
    ve_image *image = NULL;
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    ve_status status = ve_image_decode(exact, size, &image);
    free(exact);
    if (status != VE_OK) {
        assert_null(image);
        assert_true(strlen(ve_last_error()) > 0);
        return status;
    }
    size_t count = (size_t)3 * ve_image_width(image) * ve_image_height(image);
    assert_true(count > 0 && count <= (size_t)3 * VE_MAX_IMAGE_PIXELS);
    assert_true(picture_crc(ve_image_pixels(image), count < 4096 ? count : 4096) != 1); /* reads them */
    ve_image_free(image);
    return status;
}

/* Files whose last bytes carry nothing that the pixels need: the GIF's second frame and trailer, TGA's footer,
 * a BMP row's padding. They may be missing. */
static size_t needed_bytes(const char *name, size_t size)
{
    if (strcmp(name, "animated.gif") == 0)
        return size / 2 - 64;
    if (strstr(name, ".bmp"))
        return size - 3;
    return strstr(name, ".tga") ? size - 26 : size;
}

static void test_every_truncation(void **state)
{
    (void)state;
    for (int i = 0; names[i]; i++) {
        size_t size;
        uint8_t *bytes = read_fixture(names[i], &size);
        for (size_t length = 0; length < size; length++) {
            ve_status status = decode(bytes, length);
            if (status == VE_OK && length < needed_bytes(names[i], size))
                fail_msg("%s: %zu of %zu bytes taken for a whole picture", names[i], length, size);
            if (status == VE_ERR_MEMORY)
                fail_msg("%s: %zu of %zu bytes: %s", names[i], length, size, ve_last_error());
        }
        assert_int_equal(decode(bytes, size), VE_OK);
        free(bytes);
    }
}

/* Every bit of the first 200 bytes, and some of each later byte. */
static void test_every_flip(void **state)
{
    (void)state;
    for (int i = 0; names[i]; i++) {
        size_t size;
        uint8_t *bytes = read_fixture(names[i], &size);
        for (size_t at = 0; at < size; at++)
            for (unsigned bit = 0; bit < 8; bit += at < 200 ? 1 : 5) {
                uint32_t width, height;
                bytes[at] = (uint8_t)(bytes[at] ^ 1u << bit);
                /* Large pictures would only take time here. */
                if (ve__image_peek(bytes, size, &width, &height) != VE_OK || width * height < 1u << 20)
                    decode(bytes, size);
                bytes[at] = (uint8_t)(bytes[at] ^ 1u << bit);
            }
        free(bytes);
    }
}

static void store_big16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Too large by its header: refused although no memory could be had at all. */
static void check_too_large(uint8_t *bytes, size_t size)
{
    ve_image *image = NULL;
    ve__allocate_fail_after(2); /* stb_image takes two small blocks to look for a JPEG and a GIF header */
    ve_status status = ve_image_decode(bytes, size, &image);
    ve__allocate_fail_after(-1);
    if (status != VE_ERR_TOO_LARGE)
        fail_msg("%.4s: %s: %s", (const char *)bytes, ve_status_name(status), ve_last_error());
    assert_null(image);
    free(bytes);
}

static void test_huge_sizes_by_header(void **state)
{
    size_t size, at;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        /* 40000 x 1 breaks the limit on sides, 30000 x 30000 that on pixels */
        unsigned width = i ? 30000 : 40000, height = i ? 30000 : 1;
        uint8_t *bytes = read_fixture("rgb.png", &size);
        store_big16(bytes + 18, width);
        store_big16(bytes + 22, height);
        check_too_large(bytes, size);
        bytes = read_fixture("full.jpg", &size);
        for (at = 0; bytes[at] != 0xff || bytes[at + 1] != 0xc0; at++)
            ;
        store_big16(bytes + at + 5, height);
        store_big16(bytes + at + 7, width);
        check_too_large(bytes, size);
        bytes = read_fixture("rgb.bmp", &size);
        ve__store_u32(bytes + 18, width);
        ve__store_u32(bytes + 22, height);
        check_too_large(bytes, size);
        bytes = read_fixture("rgb.tga", &size);
        ve__store_u16(bytes + 12, (uint16_t)width);
        ve__store_u16(bytes + 14, (uint16_t)height);
        check_too_large(bytes, size);
        bytes = read_fixture("animated.gif", &size);
        ve__store_u16(bytes + 6, (uint16_t)width);
        ve__store_u16(bytes + 8, (uint16_t)height);
        check_too_large(bytes, size);
    }
}

static void test_too_many_bytes(void **state)
{
    ve_image *image = NULL;
    uint8_t byte = 0;
    (void)state;
    assert_int_equal(ve_image_decode(&byte, (size_t)VE_MAX_IMAGE_BYTES + 1, &image), VE_ERR_TOO_LARGE);
    assert_int_equal(ve_image_decode(&byte, 0, &image), VE_ERR_FORMAT);
    assert_int_equal(ve_image_decode(NULL, 0, &image), VE_ERR_FORMAT);
    assert_null(image);
}

/* JPEG files that start with one DHT segment of the given counts and as many symbols as are given. Fill bytes
 * before the first marker do not hide it. */
static ve_status decode_huffman(const uint8_t counts[16], size_t symbols, size_t length)
{
    uint8_t bytes[4200] = {0xff, 0xff, 0xff, 0xd8, 0xff, 0xff, 0xc4};
    store_big16(bytes + 7, (unsigned)length);
    memcpy(bytes + 10, counts, 16);
    return decode(bytes, 26 + symbols);
}

static void test_huffman_tables(void **state)
{
    uint8_t many[16], exactly[16] = {0}, few[16] = {0};
    (void)state;
    memset(many, 255, sizeof many); /* 4080 codes, where the decoder has room for 256 */
    assert_int_equal(decode_huffman(many, 4073, 2 + 17 + 4080), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "4080 codes"));
    assert_int_equal(decode_huffman(many, 4073, 3), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "cut short"));
    exactly[15] = 255;
    exactly[14] = 2; /* 257 */
    assert_int_equal(decode_huffman(exactly, 257, 2 + 17 + 257), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "257 codes"));
    few[8] = 5;
    assert_int_equal(decode_huffman(few, 4, 2 + 17 + 4), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "longer than its segment"));
    memset(few, 0, sizeof few);
    few[3] = 1; /* a lawful table: the file is refused for what it lacks */
    assert_int_equal(decode_huffman(few, 1, 2 + 17 + 1), VE_ERR_FORMAT);
    assert_null(strstr(ve_last_error(), "Huffman"));
}

/* As some cameras' motion JPEG frames are: not decoded by whatever lies in memory. */
static void test_missing_huffman_tables(void **state)
{
    static const char *const jpegs[] = {"full.jpg", "gray.jpg", "progressive.jpg"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        size_t size, last = 0, tables = 0;
        uint8_t *bytes = read_fixture(jpegs[i], &size);
        for (size_t at = 0; at + 1 < size; at++)
            if (bytes[at] == 0xff && bytes[at + 1] == 0xc4) {
                bytes[at + 1] = 0xfe; /* a comment now */
                if (tables++ > 0 && i < 2)
                    bytes[last] = 0xc4; /* one table at a time, where none is defined twice */
                last = at + 1;
                assert_int_equal(decode(bytes, size), VE_ERR_FORMAT);
                assert_non_null(strstr(ve_last_error(), "is not defined"));
            }
        assert_true(tables > 1);
        free(bytes);
    }
}

/* Fills memory that malloc will hand out next. */
static void soil_memory(int value, size_t size)
{
    enum { BLOCKS = 20 };
    void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size);
        assert_non_null(blocks[i]);
        memset(blocks[i], value, size);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* A gray file that claims to have two more components, for which there is no data: the picture is the same
 * every time, nothing that was in memory before shows in it. */
static void test_missing_component(void **state)
{
    static const uint8_t more[] = {2, 0x11, 0, 3, 0x11, 0};
    size_t size, at = 0;
    uint32_t crcs[2];
    uint8_t *bytes = read_fixture("gray.jpg", &size), *longer = malloc(size + sizeof more);
    (void)state;
    assert_non_null(longer);
    while (bytes[at] != 0xff || bytes[at + 1] != 0xc0)
        at++;
    bytes[at + 3] = 17;
    bytes[at + 9] = 3;
    memcpy(longer, bytes, at + 13);
    memcpy(longer + at + 13, more, sizeof more);
    memcpy(longer + at + 13 + sizeof more, bytes + at + 13, size - at - 13);
    for (int run = 0; run < 2; run++) {
        ve_image *image = NULL;
        soil_memory(run ? 0xff : 0x33, 48 * 32 + 15);
        assert_int_equal(ve_image_decode(longer, size + sizeof more, &image), VE_OK);
        crcs[run] = picture_crc(ve_image_pixels(image), 3 * 45 * 30);
        ve_image_free(image);
    }
    assert_int_equal(crcs[0], crcs[1]);
    free(longer);
    free(bytes);
}

static void test_unknown_png_chunk(void **state)
{
    size_t size;
    uint8_t *bytes = read_fixture("rgb.png", &size);
    uint8_t *longer = malloc(size + 12);
    (void)state;
    assert_non_null(longer);
    memcpy(longer, bytes, 33); /* signature and IHDR */
    memcpy(longer + 33, "\0\0\0\0ABCD\0\0\0\0", 12);
    memcpy(longer + 45, bytes + 33, size - 33);
    assert_int_equal(decode(longer, size + 12), VE_ERR_UNSUPPORTED);
    assert_non_null(strstr(ve_last_error(), "byte 33"));
    longer[37] = 'a'; /* now it may be skipped */
    assert_int_equal(decode(longer, size + 12), VE_OK);
    free(longer);
    free(bytes);
}

/* Bits of a deflate stream (RFC 1951), the least significant first. */
typedef struct bit_writer {
    uint8_t *bytes;
    size_t bits;
} bit_writer;

static void put_bits(bit_writer *to, unsigned value, unsigned count)
{
    for (unsigned i = 0; i < count; i++, to->bits++)
        if (value >> i & 1)
            to->bytes[to->bits / 8] |= (uint8_t)(1u << to->bits % 8);
}

/* A zlib stream of one fixed block: a zero byte, then `repeats` times "258 bytes from 1 byte back", 13 bits
 * each. Returns its bytes. */
static size_t put_zeros(uint8_t *to, unsigned repeats)
{
    bit_writer stream = {to, 0};
    put_bits(&stream, 0x0178, 16); /* 0x78 0x01 */
    put_bits(&stream, 3, 3);       /* the last block, fixed codes */
    put_bits(&stream, 0x0c, 8);    /* literal 0: 00110000 */
    for (unsigned i = 0; i < repeats; i++)
        put_bits(&stream, 0xa3, 13);  /* length 258: 11000101, distance 1: 00000 */
    put_bits(&stream, 0, 7);          /* end of block */
    return (stream.bits + 7) / 8 + 4; /* the checksum, which nobody reads */
}

/* One pixel, whose compressed data go on for `repeats` * 258 bytes. */
static ve_status decode_one_pixel(unsigned repeats)
{
    static const uint8_t header[41] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\0\0\0";
    uint8_t *bytes = calloc(1, 128 + 2 * (size_t)repeats);
    assert_non_null(bytes);
    memcpy(bytes, header, sizeof header);
    size_t length = put_zeros(bytes + 41, repeats);
    uint8_t length_field[8] = {(uint8_t)(length >> 24),
                               (uint8_t)(length >> 16),
                               (uint8_t)(length >> 8),
                               (uint8_t)length,
                               'I',
                               'D',
                               'A',
                               'T'};
    memcpy(bytes + 33, length_field, sizeof length_field);
    memcpy(bytes + 41 + length + 4, "\0\0\0\0IEND", 8);
    ve_status status = decode(bytes, 41 + length + 4 + 12);
    free(bytes);
    return status;
}

/* A hundred kilobytes that stb_image alone would unpack to 17 MB (and four megabytes to 650) for one pixel. */
static void test_png_that_unpacks_to_far_more_than_its_pixels(void **state)
{
    (void)state;
    assert_int_equal(decode_one_pixel(1), VE_OK);
    assert_int_equal(decode_one_pixel(65536), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), "unpacks to far more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_flip),
        cmocka_unit_test(test_huge_sizes_by_header),
        cmocka_unit_test(test_too_many_bytes),
        cmocka_unit_test(test_huffman_tables),
        cmocka_unit_test(test_unknown_png_chunk),
        cmocka_unit_test(test_missing_huffman_tables),
        cmocka_unit_test(test_missing_component),
        cmocka_unit_test(test_png_that_unpacks_to_far_more_than_its_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
