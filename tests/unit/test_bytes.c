/* SPDX-License-Identifier: MIT */
/* Little-endian numbers and half floats. */
#include "support/cmocka_all.h"

#include <math.h>

#include "base/bytes.h"

static void test_numbers_are_little_endian_at_any_address(void **state)
{
    (void)state;
    unsigned char bytes[16];
    for (unsigned at = 0; at < 8; at++) {
        ve__store_u64(bytes + at, UINT64_C(0xf123456789abcdef));
        assert_int_equal(bytes[at], 0xef);
        assert_int_equal(bytes[at + 7], 0xf1);
        assert_true(ve__load_u64(bytes + at) == UINT64_C(0xf123456789abcdef));
        assert_int_equal(ve__load_u32(bytes + at), 0x89abcdefu);
        assert_int_equal(ve__load_u16(bytes + at), 0xcdefu);
        ve__store_u32(bytes + at, 0x80000001u);
        assert_int_equal(ve__load_u32(bytes + at), 0x80000001u);
        ve__store_u16(bytes + at, 0xfffe);
        assert_int_equal(ve__load_u16(bytes + at), 0xfffe);
        assert_int_equal(bytes[at + 2], 0);
    }
}

static void test_float_bits(void **state)
{
    (void)state;
    assert_int_equal(ve__float_bits(1.0f), 0x3f800000);
    assert_int_equal(ve__float_bits(-0.0f), 0x80000000u);
    assert_true(ve__bits_float(0xc0000000u) == -2.0f);
}

/* What binary16 means, by its definition. */
static double half_by_definition(unsigned half)
{
    unsigned exponent = half >> 10 & 31, fraction = half & 1023;
    double sign = half & 0x8000 ? -1 : 1;
    if (exponent == 0)
        return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, (int)exponent - 25);
}

static void test_every_half_is_exact(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x10000; half++) {
        float value = ve__half_to_float((uint16_t)half);
        if ((half & 0x7c00) == 0x7c00) {
            assert_int_equal(isnan(value) != 0, (half & 0x3ff) != 0);
            assert_int_equal(isinf(value) != 0, (half & 0x3ff) == 0);
        } else {
            assert_true((double)value == half_by_definition(half));
        }
        assert_int_equal(signbit(value) != 0, half >> 15);
    }
}

static void test_every_half_comes_back(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x10000; half++)
        if ((half & 0x7c00) != 0x7c00 || (half & 0x3ff) == 0)
            assert_int_equal(ve__float_to_half(ve__half_to_float((uint16_t)half)), half);
    assert_int_equal(ve__float_to_half(nanf("")) & 0x7c00, 0x7c00);
    assert_int_not_equal(ve__float_to_half(nanf("")) & 0x3ff, 0);
}

/* Between two neighbouring halves: below, at and above the middle; ties go to the even one. */
static void test_rounding_is_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x7bff; half++) {
        float low = ve__half_to_float((uint16_t)half), high = ve__half_to_float((uint16_t)(half + 1));
        float middle = (float)(((double)low + high) / 2); /* exact: a float has 13 bits more */
        assert_int_equal(ve__float_to_half(nextafterf(middle, 0)), half);
        assert_int_equal(ve__float_to_half(nextafterf(middle, 1e30f)), half + 1);
        assert_int_equal(ve__float_to_half(middle), half % 2 ? half + 1 : half);
        assert_int_equal(ve__float_to_half(-middle), 0x8000u | (half % 2 ? half + 1 : half));
    }
}

static void test_overflow_gives_infinity(void **state)
{
    (void)state;
    assert_int_equal(ve__float_to_half(65504.0f), 0x7bff);
    assert_int_equal(ve__float_to_half(65519.0f), 0x7bff);
    assert_int_equal(ve__float_to_half(65520.0f), 0x7c00);
    assert_int_equal(ve__float_to_half(65536.0f), 0x7c00);
    assert_int_equal(ve__float_to_half(-3e38f), 0xfc00);
    assert_int_equal(ve__float_to_half(INFINITY), 0x7c00);
    assert_int_equal(ve__float_to_half(1e-10f), 0);
    assert_int_equal(ve__float_to_half(-1e-45f), 0x8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_little_endian_at_any_address),
        cmocka_unit_test(test_float_bits),
        cmocka_unit_test(test_every_half_is_exact),
        cmocka_unit_test(test_every_half_comes_back),
        cmocka_unit_test(test_rounding_is_to_nearest_even),
        cmocka_unit_test(test_overflow_gives_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
