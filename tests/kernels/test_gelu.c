/* SPDX-License-Identifier: MIT */
/* GELU of every kernel table against erfc in double. */
#include "kernels/common.h"

#include <math.h>
#include <stdlib.h>

static double exact_gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

/* The promise is 2e-6; we hold 1e-6 (beside half a unit in the last place of a large result). */
static void check_value(const ve__kernels *t, float x, float y)
{
    double wanted = exact_gelu((double)x);
    if (!near((double)y, wanted, 1e-6 + 6e-8 * fabs(wanted)))
        fail_msg("%s: gelu(%.9g) is %.9g, not %.9g", t->name, (double)x, (double)y, wanted);
}

static void densely_from_minus_ten_to_ten(void **state)
{
    enum { COUNT = 400001 };
    float *y = malloc(COUNT * sizeof *y);
    (void)state;
    assert_non_null(y);
    FOR_EACH_TABLE(t)
    {
        for (int i = 0; i < COUNT; i++)
            y[i] = (float)i * 5e-5f - 10.0f;
        t->gelu(y, COUNT);
        for (int i = 0; i < COUNT; i++)
            check_value(t, (float)i * 5e-5f - 10.0f, y[i]);
    }
    free(y);
}

static void special_values(void **state)
{
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned at = 0; at < 33; at++) { /* every lane, and the tail */
        float x[33];
        static const float large[] = {20.0f, 1e10f, 3e38f};
        for (unsigned i = 0; i < COUNT_OF(large); i++) {
            memset(x, 0, sizeof x);
            x[at] = large[i];
            x[(at + 1) % 33] = -large[i];
            t->gelu(x, 33);
            assert_true(x[at] == large[i]);
            assert_true(x[(at + 1) % 33] == 0.0f);
        }
        memset(x, 0, sizeof x);
        x[at] = INFINITY;
        x[(at + 1) % 33] = -INFINITY;
        x[(at + 2) % 33] = NAN;
        x[(at + 3) % 33] = 1e-40f;
        t->gelu(x, 33);
        assert_true(isinf(x[at]) && x[at] > 0);
        assert_true(x[(at + 1) % 33] == 0.0f);
        assert_true(isnan(x[(at + 2) % 33]));
        assert_true(near((double)x[(at + 3) % 33], 0, 1e-39));
        for (unsigned i = 4; i < 33; i++)
            assert_true(x[(at + i) % 33] == 0.0f);
    }
}

static void every_count(void **state)
{
    random_source source = {1};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned count = 0; count < 70; count++)
        for (unsigned side = 0; side < 2; side++) {
            float before[70], *x = guarded_floats(count, side);
            random_floats(&source, x, count, -6, 6);
            memcpy(before, x, count * sizeof(float));
            t->gelu(x, count);
            for (unsigned i = 0; i < count; i++)
                check_value(t, before[i], x[i]);
            guarded_release_all();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(densely_from_minus_ten_to_ten),
        cmocka_unit_test(special_values),
        cmocka_unit_test(every_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
