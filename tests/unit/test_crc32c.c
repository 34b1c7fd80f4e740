/* SPDX-License-Identifier: MIT */
/* CRC-32C against the vectors of RFC 3720 (B.4) and against the definition, bit by bit. */
#include "support/cmocka_all.h"

#include <string.h>

#include "base/crc32c.h"

static uint32_t crc_by_definition(uint32_t crc, const unsigned char *bytes, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void test_published_vectors(void **state)
{
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(ve__crc32c(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(ve__crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ve__crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(ve__crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(ve__crc32c(0, bytes, sizeof bytes), 0x113fdb5cu);
}

static void fill(unsigned char *bytes, size_t size)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

static void test_all_lengths_and_alignments(void **state)
{
    (void)state;
    unsigned char bytes[300];
    fill(bytes, sizeof bytes);
    for (size_t start = 0; start < 9; start++)
        for (size_t size = 0; start + size <= 200; size++)
            assert_int_equal(ve__crc32c(0, bytes + start, size), crc_by_definition(0, bytes + start, size));
}

/* Long ones go through the instruction in several streams. */
static void test_long_ones(void **state)
{
    (void)state;
    unsigned char bytes[2600];
    fill(bytes, sizeof bytes);
    for (size_t size = 480; size <= sizeof bytes - 3; size += size < 520 || size > 990 ? 7 : 1)
        assert_int_equal(ve__crc32c(77, bytes + size % 3, size), crc_by_definition(77, bytes + size % 3, size));
}

static void test_pieces_give_the_whole(void **state)
{
    (void)state;
    unsigned char bytes[300];
    fill(bytes, sizeof bytes);
    uint32_t whole = ve__crc32c(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(ve__crc32c(ve__crc32c(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
}

static void test_every_single_bit_counts(void **state)
{
    (void)state;
    unsigned char bytes[64];
    fill(bytes, sizeof bytes);
    uint32_t whole = ve__crc32c(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1u << bit % 8);
        assert_int_not_equal(ve__crc32c(0, bytes, sizeof bytes), whole);
        bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_all_lengths_and_alignments),
        cmocka_unit_test(test_long_ones),
        cmocka_unit_test(test_pieces_give_the_whole),
        cmocka_unit_test(test_every_single_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
