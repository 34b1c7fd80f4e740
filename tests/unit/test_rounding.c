/* SPDX-License-Identifier: MIT */
/* Rounding by what a layer's inputs are like (tools/ve-export/rounding.c), against rounding to the nearest. */
#include "../../tools/ve-export/rounding.h"

#include "kernels/dense_i8.h"
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 48, ROWS = 400 };

static float inputs[ROWS][INPUTS], gain[INPUTS], shift[INPUTS];
static double sum[INPUTS], moments[INPUTS * INPUTS];
static uint32_t state;

static float random_value(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.0f - 1.0f;
}

/* Inputs that hang together (each is near its neighbour) and have a mean. */
static layer_inputs make_inputs(void)
{
    state = 1;
    memset(sum, 0, sizeof sum);
    memset(moments, 0, sizeof moments);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < INPUTS; i++) {
            inputs[r][i] = 0.5f + 0.3f * random_value() + (i ? 0.9f * (inputs[r][i - 1] - 0.5f) : 0.0f);
            sum[i] += inputs[r][i];
            for (int b = 0; b <= i; b++)
                moments[i * INPUTS + b] += (double)inputs[r][i] * inputs[r][b];
        }
    for (int i = 0; i < INPUTS; i++) {
        gain[i] = 1.5f + random_value();
        shift[i] = random_value();
    }
    return (layer_inputs){.k = INPUTS, .rows = ROWS, .sum = sum, .moments = moments};
}

/* Mean and mean square of what the outputs are off by. */
static void measure(const float *wanted, const float *weights, double bias, double *mean, double *square)
{
    *mean = *square = 0;
    for (int r = 0; r < ROWS; r++) {
        double error = bias;
        for (int i = 0; i < INPUTS; i++)
            error += ((double)weights[i] - wanted[i]) * ((double)gain[i] * inputs[r][i] + shift[i]);
        *mean += error / ROWS;
        *square += error * error / ROWS;
    }
}

static void to_nearest(const float *wanted, float *weights)
{
    int8_t codes[INPUTS];
    float scale;
    ve__i8_from_row(wanted, INPUTS, codes, &scale);
    for (int i = 0; i < INPUTS; i++)
        weights[i] = (float)codes[i] * scale;
}

static void test_outputs_come_nearer(void **unused)
{
    (void)unused;
    layer_inputs seen = make_inputs();
    rounding r;
    memset(&r, 0, sizeof r);
    assert_int_equal(rounding_begin(&r, &seen, gain, shift), VE_OK);
    double all_plain = 0, all_ours = 0;
    for (int n = 0; n < 20; n++) {
        float wanted[INPUTS], plain[INPUTS], ours[INPUTS], again[INPUTS];
        double mean, square;
        for (int i = 0; i < INPUTS; i++)
            ours[i] = wanted[i] = random_value();
        to_nearest(wanted, plain);
        measure(wanted, plain, 0, &mean, &square);
        all_plain += square;
        float bias = rounding_row(&r, ours);
        measure(wanted, ours, bias, &mean, &square);
        all_ours += square;
        assert_true(fabs(mean) < 1e-5);
        to_nearest(ours, again); /* what the writer makes of it */
        for (int i = 0; i < INPUTS; i++)
            assert_true(fabsf(again[i] - ours[i]) <= 1e-6f);
    }
    assert_true(all_ours < 0.3 * all_plain);
    rounding_free(&r);
}

static void test_without_moments_the_mean_is_right(void **unused)
{
    (void)unused;
    layer_inputs seen = make_inputs();
    seen.moments = NULL;
    seen.k = INPUTS;
    rounding r;
    memset(&r, 0, sizeof r);
    assert_int_equal(rounding_begin(&r, &seen, gain, shift), VE_OK);
    float wanted[INPUTS], ours[INPUTS];
    double mean, square;
    for (int i = 0; i < INPUTS; i++)
        ours[i] = wanted[i] = random_value();
    float bias = rounding_row(&r, ours);
    measure(wanted, ours, bias, &mean, &square);
    assert_true(fabs(mean) < 1e-5);
    memset(ours, 0, sizeof ours);
    assert_true(rounding_row(&r, ours) == 0.0f);
    assert_true(ours[0] == 0.0f);
    rounding_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_come_nearer),
        cmocka_unit_test(test_without_moments_the_mean_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
