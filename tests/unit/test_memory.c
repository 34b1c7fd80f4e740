/* SPDX-License-Identifier: MIT */
/* Aligned allocation, sizes that cannot overflow, failures on demand, the arena. */
#include "support/cmocka_all.h"

#include <string.h>

#include "base/memory.h"

static void test_products_that_overflow_are_refused(void **state)
{
    (void)state;
    size_t product = 99;
    assert_true(ve__multiply(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(ve__multiply(SIZE_MAX, 1, &product));
    assert_true(product == SIZE_MAX);
    assert_true(ve__multiply(SIZE_MAX / 3, 3, &product));
    product = 99;
    assert_false(ve__multiply(SIZE_MAX / 2 + 1, 2, &product));
    assert_false(ve__multiply(2, SIZE_MAX / 2 + 1, &product));
    assert_false(ve__multiply(SIZE_MAX, SIZE_MAX, &product));
    assert_int_equal(product, 99);
}

static void test_round_up(void **state)
{
    (void)state;
    assert_int_equal(ve__round_up(0, 64), 0);
    assert_int_equal(ve__round_up(1, 64), 64);
    assert_int_equal(ve__round_up(64, 64), 64);
    assert_int_equal(ve__round_up(65, 8), 72);
}

static void test_blocks_are_aligned_and_writable(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++) {
        unsigned char *block = ve__allocate(size), *zeroed = ve__allocate_zeroed(size);
        assert_non_null(block);
        assert_non_null(zeroed);
        assert_int_equal((uintptr_t)block % VE__ALIGN, 0);
        assert_int_equal((uintptr_t)zeroed % VE__ALIGN, 0);
        memset(block, 0xa5, size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(zeroed[i], 0);
        ve__release(block);
        ve__release(zeroed);
    }
    ve__release(NULL);
}

static void test_impossible_sizes_give_null(void **state)
{
    (void)state;
    assert_null(ve__allocate(SIZE_MAX));
    assert_null(ve__allocate(SIZE_MAX - VE__ALIGN + 1));
    assert_null(ve__allocate_zeroed(SIZE_MAX));
}

static void test_resize_keeps_the_contents(void **state)
{
    (void)state;
    unsigned char *block = ve__resize(NULL, 10);
    assert_non_null(block);
    memset(block, 7, 10);
    block = ve__resize(block, 100000);
    assert_non_null(block);
    for (int i = 0; i < 10; i++)
        assert_int_equal(block[i], 7);
    block = ve__resize(block, 0);
    assert_non_null(block);
    ve__release(block);
}

static void test_failures_come_once_and_on_demand(void **state)
{
    (void)state;
    ve__allocate_fail_after(2);
    void *first = ve__allocate(1), *second = ve__resize(NULL, 1), *third = ve__allocate_zeroed(1);
    void *fourth = ve__allocate(1);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_non_null(fourth);
    ve__allocate_fail_after(0);
    assert_null(ve__resize(NULL, 1));
    ve__allocate_fail_after(-1);
    ve__release(first);
    ve__release(second);
    ve__release(fourth);
}

/* The same calls, first over nothing and then over a block, hand out the pieces of it. */
static void take_three(ve__arena *arena, unsigned char *pieces[3])
{
    pieces[0] = ve__arena_take(arena, 1);
    pieces[1] = ve__arena_take(arena, 64);
    pieces[2] = ve__arena_take(arena, 129);
}

static void test_arena_is_measured_then_carved(void **state)
{
    (void)state;
    unsigned char *pieces[3];
    ve__arena arena = {NULL, 0};
    take_three(&arena, pieces);
    assert_null(pieces[0]);
    assert_null(pieces[2]);
    assert_int_equal(arena.used, 64 + 64 + 192);
    unsigned char *block = ve__allocate(arena.used);
    assert_non_null(block);
    arena.base = block;
    arena.used = 0;
    take_three(&arena, pieces);
    assert_ptr_equal(pieces[0], block);
    assert_ptr_equal(pieces[1], block + 64);
    assert_ptr_equal(pieces[2], block + 128);
    assert_int_equal(arena.used, 64 + 64 + 192);
    ve__release(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_that_overflow_are_refused),
        cmocka_unit_test(test_round_up),
        cmocka_unit_test(test_blocks_are_aligned_and_writable),
        cmocka_unit_test(test_impossible_sizes_give_null),
        cmocka_unit_test(test_resize_keeps_the_contents),
        cmocka_unit_test(test_failures_come_once_and_on_demand),
        cmocka_unit_test(test_arena_is_measured_then_carved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
