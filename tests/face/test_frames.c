/* SPDX-License-Identifier: MIT */
/* faceauth's readers of camera streams: pictures come out whole, however the bytes are cut. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/faceauth/jpeg_stream.h"
#include "../examples/faceauth/multipart.h"

/* What came out: sizes and a sum of the bytes of each picture. */
typedef struct caught {
    unsigned count;
    size_t sizes[8];
    unsigned sums[8];
} caught;

static unsigned sum_of(const unsigned char *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

static void catch_frame(void *data, const unsigned char *bytes, size_t size)
{
    caught *all = data;
    assert_true(all->count < 8);
    all->sizes[all->count] = size;
    all->sums[all->count++] = sum_of(bytes, size);
}

/* No picture, but its markers: a header with a preview inside, a scan with stuffing, a restart and fill bytes.
 */
static const unsigned char picture[] = {
    0xff, 0xd8, 0xff, 0xe1, 0, 10, 0xff, 0xd8, 0xff, 0xd9, 1,    2,    3, 4,    0xff, 0xff, 0xdb, 0,    4,   7,
    7,    0xff, 0xda, 0,    3, 9,  1,    0xff, 0,    2,    0xff, 0xd3, 3, 0xff, 0xff, 0,    4,    0xff, 0xd9};

/* Pushes bytes in pieces of that many. */
static caught read_loose(const unsigned char *bytes, size_t size, size_t piece)
{
    caught all = {0, {0}, {0}};
    jpeg_stream stream;
    memset(&stream, 0, sizeof stream);
    for (size_t i = 0; i < size; i += piece)
        assert_int_equal(
            jpeg_stream_push(&stream, bytes + i, size - i < piece ? size - i : piece, catch_frame, &all), 0);
    jpeg_stream_free(&stream);
    return all;
}

static size_t put(unsigned char *to, size_t at, const void *bytes, size_t size)
{
    memcpy(to + at, bytes, size);
    return at + size;
}

static void assert_whole(const caught *all, unsigned count)
{
    assert_int_equal(all->count, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(all->sizes[i], sizeof picture);
        assert_int_equal(all->sums[i], sum_of(picture, sizeof picture));
    }
}

static void test_frames_in_any_pieces(void **state)
{
    unsigned char bytes[512];
    size_t size = 0;
    (void)state;
    size = put(bytes, size, "noise\xff", 6);
    size = put(bytes, size, picture, sizeof picture);
    size = put(bytes, size, "\r\nbetween \xff\xd8 ", 13);
    size = put(bytes, size, picture, sizeof picture);
    size = put(bytes, size, picture, sizeof picture);
    for (size_t piece = 1; piece <= size; piece++) {
        caught all = read_loose(bytes, size, piece);
        assert_whole(&all, 3);
    }
}

/* Where its compressed data begins. */
#define SCAN_AT 26

/* A picture that breaks off in its data, as by a camera that is unplugged, does not hide the next one. (One
 * that breaks off in a segment's header takes with it what that segment seems to hold.) */
static void test_a_frame_that_breaks_off(void **state)
{
    (void)state;
    for (size_t cut = SCAN_AT; cut < sizeof picture; cut++) {
        unsigned char bytes[512];
        size_t size = put(bytes, 0, picture, cut);
        size = put(bytes, size, picture, sizeof picture);
        size = put(bytes, size, picture, sizeof picture);
        caught all = read_loose(bytes, size, 1 + cut % 9);
        assert_whole(&all, 2);
    }
}

static void test_garbage_gives_nothing(void **state)
{
    unsigned char bytes[4096];
    (void)state;
    srand(3);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(rand() & 1 ? 0xff : 0xd8);
    caught all = read_loose(bytes, sizeof bytes, 7);
    assert_int_equal(all.count, 0);
}

/* ------------------------------------------------------------------ multipart */

/* Returns what multipart_push said last. */
static int read_body(const char *type, const unsigned char *bytes, size_t size, size_t piece, caught *all,
                     char problem[160])
{
    multipart body;
    int status = 0;
    memset(all, 0, sizeof *all);
    multipart_begin(&body, type);
    for (size_t i = 0; i < size && status == 0; i += piece)
        status = multipart_push(&body, bytes + i, size - i < piece ? size - i : piece, catch_frame, all);
    strcpy(problem, body.problem);
    multipart_free(&body);
    return status;
}

static size_t put_part(unsigned char *to, size_t at, const char *headers)
{
    at = put(to, at, "--b1\r\nContent-Type: image/jpeg\r\n", 32);
    at = put(to, at, headers, strlen(headers));
    at = put(to, at, "\r\n", 2);
    at = put(to, at, picture, sizeof picture);
    return put(to, at, "\r\n", 2);
}

static void test_parts_in_any_pieces(void **state)
{
    unsigned char bytes[1024];
    char length[64], problem[160];
    caught all;
    (void)state;
    snprintf(length, sizeof length, "CONTENT-length:  %zu \r\n", sizeof picture);
    size_t size = put_part(bytes, 0, length);
    size = put_part(bytes, size, length);
    size = put(bytes, size, "--b1--\r\n", 8);
    for (size_t piece = 1; piece <= size; piece++) {
        static const char *const types[] = {"multipart/x-mixed-replace; boundary=b1",
                                            "Multipart/Mixed;charset=x;  BOUNDARY=\"b1\"",
                                            "multipart/x-mixed-replace;boundary=--b1"};
        assert_int_equal(read_body(types[piece % 3], bytes, size, piece, &all, problem), 0);
        assert_whole(&all, 2);
    }
}

/* Without a length a part ends before the next boundary; the line's end there belongs to nobody. */
static void test_parts_without_length(void **state)
{
    unsigned char bytes[1024];
    char problem[160];
    caught all;
    (void)state;
    size_t size = put_part(bytes, 0, "");
    size = put_part(bytes, size, "X: y\r\n");
    size = put(bytes, size, "--b1--\r\n", 8);
    for (size_t piece = 1; piece <= size; piece++) {
        assert_int_equal(read_body("multipart/mixed; boundary=b1", bytes, size, piece, &all, problem), 0);
        assert_int_equal(all.count, 2);
        assert_int_equal(all.sizes[0], sizeof picture + 2);
    }
}

static void test_lengths_that_cannot_be(void **state)
{
    static const char *const lengths[] = {"Content-Length: 1099511627776\r\n", "Content-Length: -1\r\n",
                                          "Content-Length: 12x\r\n", "Content-Length:\r\n",
                                          "Content-Length: 99999999999999999999999\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char bytes[1024];
        char problem[160];
        caught all;
        size_t size = put_part(bytes, 0, lengths[i]);
        assert_int_equal(read_body("multipart/mixed; boundary=b1", bytes, size, size, &all, problem), -1);
        assert_int_equal(all.count, 0);
        assert_true(problem[0] != '\0');
    }
}

static void test_another_boundary(void **state)
{
    static unsigned char bytes[1 << 17];
    char problem[160];
    caught all;
    (void)state;
    size_t size = put_part(bytes, 0, "");
    size = put_part(bytes, size, "");
    memset(bytes + size, 'x', 70000);
    assert_int_equal(read_body("multipart/mixed; boundary=other", bytes, size + 70000, 1000, &all, problem), 0);
    assert_whole(&all, 2);
}

static void test_a_bare_picture(void **state)
{
    char problem[160];
    caught all;
    (void)state;
    assert_int_equal(read_body("image/jpeg", picture, sizeof picture, 5, &all, problem), 0);
    assert_whole(&all, 1);
    assert_int_equal(read_body(NULL, picture, sizeof picture, 5, &all, problem), 0);
    assert_whole(&all, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_in_any_pieces),  cmocka_unit_test(test_a_frame_that_breaks_off),
        cmocka_unit_test(test_garbage_gives_nothing), cmocka_unit_test(test_parts_in_any_pieces),
        cmocka_unit_test(test_parts_without_length),  cmocka_unit_test(test_lengths_that_cannot_be),
        cmocka_unit_test(test_another_boundary),      cmocka_unit_test(test_a_bare_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
