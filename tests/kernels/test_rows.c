/* SPDX-License-Identifier: MIT */
/* The kernels along rows, of every kernel table: norm_rows, interleave, sum_rows, pixels, half_to_float, dot.
 */
#include "kernels/common.h"

#include <math.h>

static void make_rule(ve__norm_rule *rule, unsigned which, unsigned n)
{
    rule->about_mean = which != 1;
    rule->subtract_mean = which == 0;
    rule->inverse_count = 1.0f / (float)(which == 2 && n > 1 ? n - 1 : n);
    rule->eps = 1e-6f;
}

/* weight and bias may be NULL; in place or not. */
static void check_norm_row(const ve__kernels *t, unsigned n, unsigned which, data_kind kind,
                           random_source *source, guarded_side side)
{
    float *x = guarded_floats(n, side), *weight = guarded_floats(n, side), *bias = guarded_floats(n, side);
    float *out = guarded_floats(n, side);
    double mean = 0, squares = 0, largest = 0;
    ve__norm_rule rule;
    int has_weight = which % 2 == 0, has_bias = n % 3 != 0;
    make_rule(&rule, which, n);
    fill_data(source, kind, x, n);
    random_floats(source, weight, n, -2, 2);
    random_floats(source, bias, n, -2, 2);
    for (unsigned i = 0; i < n; i++) {
        mean += (double)x[i] / n;
        largest = fmax(largest, fabs((double)x[i]));
    }
    for (unsigned i = 0; i < n; i++)
        squares += pow((double)x[i] - (rule.about_mean ? mean : 0), 2);
    double factor = 1 / sqrt(squares * (double)rule.inverse_count + (double)rule.eps);
    t->norm_rows(x, n, 1, n, &rule, has_weight ? weight : NULL, has_bias ? bias : NULL, out, n);
    for (unsigned i = 0; i < n; i++) {
        double w = has_weight ? (double)weight[i] : 1, b = has_bias ? (double)bias[i] : 0;
        double wanted = ((double)x[i] - (rule.subtract_mean ? mean : 0)) * factor * w + b;
        if (!near((double)out[i], wanted, 1e-6 * (largest * factor * fabs(w) + fabs(wanted) + fabs(b)) + 1e-30))
            fail_msg("%s: norm of %u: [%u] is %g, not %g", t->name, n, i, (double)out[i], wanted);
    }
    float *same = guarded_floats(n, side);
    memcpy(same, x, n * sizeof(float));
    t->norm_rows(same, n, 1, n, &rule, has_weight ? weight : NULL, has_bias ? bias : NULL, same, n);
    assert_memory_equal(same, out, n * sizeof(float));
    guarded_release_all();
}

/* Any number of rows at a time gives the same bits as one by one, and what lies between rows stays. */
static void check_several_rows(const ve__kernels *t, unsigned rows, unsigned n, unsigned gap,
                               random_source *source, guarded_side side)
{
    size_t stride = n + gap, size = rows * stride - gap;
    float *x = guarded_floats(size, side), *weight = guarded_floats(n, side), *bias = guarded_floats(n, side);
    float *out = guarded_floats(size, side), *one = guarded_floats(size, side);
    int has_weight = rows % 2 == 0, has_bias = rows % 3 != 0;
    ve__norm_rule rule;
    make_rule(&rule, n % 3, n);
    random_floats(source, x, size, -3, 5);
    random_floats(source, weight, n, -2, 2);
    random_floats(source, bias, n, -2, 2);
    for (size_t i = 0; i < size; i++)
        out[i] = one[i] = 7.5f;
    t->norm_rows(x, stride, rows, n, &rule, has_weight ? weight : NULL, has_bias ? bias : NULL, out, stride);
    for (unsigned r = 0; r < rows; r++)
        t->norm_rows(x + r * stride, stride, 1, n, &rule, has_weight ? weight : NULL, has_bias ? bias : NULL,
                     one + r * stride, stride);
    assert_memory_equal(out, one, size * sizeof(float));
    t->norm_rows(x, stride, rows, n, &rule, has_weight ? weight : NULL, has_bias ? bias : NULL, x, stride);
    for (unsigned r = 0; r < rows; r++)
        assert_memory_equal(x + r * stride, out + r * stride, n * sizeof(float));
    guarded_release_all();
}

static void several_rows(void **state)
{
    random_source source = {5};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned rows = 1; rows < 14; rows++)
        for (unsigned n = 1; n < 200; n += n < 50 ? 1 : 37)
            check_several_rows(t, rows, n, (rows * n) % 9, &source, n % 2);
}

static void norms(void **state)
{
    random_source source = {1};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned n = 1; n < 800; n += n < 70 ? 1 : 61)
        for (unsigned which = 0; which < 3; which++)
            check_norm_row(t, n, which, (data_kind)((n + which) % DATA_KINDS), &source, n % 2);
}

/* Sixteen partial sums joined as kernels.h tells. */
static float joined(float part[16])
{
    for (unsigned half = 8; half > 0; half /= 2)
        for (unsigned i = 0; i < half; i++)
            part[i] += part[i + half];
    return part[0];
}

/* A layer norm's shift and factor, with the promised order and fused multiply-adds. */
static void promised_terms(const float *x, unsigned n, const ve__norm_rule *rule, float *shift, float *factor)
{
    float sum[16] = {0}, squares[16] = {0}, count = (float)n;
    for (unsigned j = 0; j < n; j++) {
        unsigned i = j < n % 16 ? n / 16 * 16 + j : j - n % 16; /* the last n % 16 first */
        sum[i % 16] += x[i];
    }
    float mean = joined(sum) / count;
    memset(sum, 0, sizeof sum);
    for (unsigned j = 0; j < n; j++) {
        unsigned i = j < n % 16 ? n / 16 * 16 + j : j - n % 16;
        float d = x[i] - mean;
        sum[i % 16] += d;
        squares[i % 16] = fmaf(d, d, squares[i % 16]);
    }
    float error = joined(sum) / count, total = joined(squares) - error * error * count;
    *shift = mean + error;
    *factor = 1.0f / sqrtf((total < 0 ? 0 : total) * rule->inverse_count + rule->eps);
}

static void norms_to_the_bit(void **state)
{
    random_source source = {7};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned n = 1; t_index > 0 && n < 400; n += n < 100 ? 1 : 39) {
        float *x = guarded_floats(n, n % 2), *out = guarded_floats(n, n % 2), shift, factor;
        ve__norm_rule rule;
        make_rule(&rule, 0, n);
        random_floats(&source, x, n, -3, 5);
        promised_terms(x, n, &rule, &shift, &factor);
        t->norm_rows(x, n, 1, n, &rule, NULL, NULL, out, n);
        for (unsigned i = 0; i < n; i++)
            if (out[i] != (x[i] - shift) * factor)
                fail_msg("%s: norm of %u: [%u] is %.9g, not %.9g", t->name, n, i, (double)out[i],
                         (double)((x[i] - shift) * factor));
        guarded_release_all();
    }
}

static void sums_of_rows(void **state)
{
    random_source source = {2};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned channels = 1; channels < 150; channels += channels < 70 ? 1 : 19)
        for (unsigned count = 0; count < 9; count += 1 + count / 3) {
            size_t padded = ve__padded(channels);
            float *x = guarded_floats(count * padded, count % 2), *sum = guarded_floats(channels, count % 2);
            float wanted[150];
            random_floats(&source, x, count * padded, -1, 1);
            random_floats(&source, sum, channels, -1, 1);
            memcpy(wanted, sum, channels * sizeof(float));
            for (unsigned p = 0; p < count; p++)
                for (unsigned c = 0; c < channels; c++)
                    wanted[c] += x[p * padded + c];
            t->sum_rows(x, count, channels, sum);
            assert_memory_equal(sum, wanted, channels * sizeof(float)); /* the order is promised */
            guarded_release_all();
        }
}

static void pixel_values(void **state)
{
    static const float scale[3] = {0.0171f, -0.0175f, 1.5f}, shift[3] = {-2.1f, 3.0f, 0.25f};
    random_source source = {3};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned count = 0; count < 80; count++) {
        uint8_t *rgb = guarded_new(3 * count, 1, count % 2);
        float *out = guarded_floats(3 * count, count % 2);
        for (unsigned i = 0; i < 3 * count; i++)
            rgb[i] = i < 4 ? (uint8_t)(255 * (i % 2)) : (uint8_t)random_below(&source, 256);
        t->pixels(rgb, count, scale, shift, out);
        for (unsigned i = 0; i < 3 * count; i++)
            assert_true(
                near((double)out[i], (double)rgb[i] * (double)scale[i % 3] + (double)shift[i % 3], 1e-4));
        guarded_release_all();
    }
}

static void interleaved_planes(void **state)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    random_source source = {6};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned count = 1; count < 40; count++) {
        float *planes = guarded_floats(3 * count, count % 2), *out = guarded_floats(3 * count, count % 2);
        random_floats(&source, planes, 3 * count, -1e38f, 1e38f);
        assert_true(t->interleave(planes, count, out));
        for (unsigned i = 0; i < 3 * count; i++)
            assert_true(out[i] == planes[i % 3 * count + i / 3]);
        for (unsigned i = 0; i < 3 * count; i++) {
            float kept = planes[i];
            planes[i] = bad[(i + count) % 3];
            assert_false(t->interleave(planes, count, out));
            planes[i] = kept;
        }
        guarded_release_all();
    }
}

/* A half float's value by its definition, IEEE 754. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double size = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    if (exponent == 31)
        size = mantissa ? (double)NAN : (double)INFINITY;
    return half & 0x8000 ? -size : size;
}

static void every_half(void **state)
{
    static uint16_t halves[65536];
    static float out[65536];
    (void)state;
    for (unsigned i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    FOR_EACH_TABLE(t)
    {
        t->half_to_float(halves, 65536, out);
        for (unsigned i = 0; i < 65536; i++) {
            double wanted = half_value((uint16_t)i);
            assert_true(isnan(wanted) ? isnan(out[i]) : (double)out[i] == wanted);
            assert_int_equal(!signbit(out[i]), !(i & 0x8000));
        }
        for (unsigned count = 0; count < 40; count++) {
            uint16_t *x = guarded_new(count * sizeof *x, sizeof *x, count % 2);
            float *y = guarded_floats(count, count % 2);
            for (unsigned i = 0; i < count; i++)
                x[i] = (uint16_t)(i * 777);
            t->half_to_float(x, count, y);
            for (unsigned i = 0; i < count; i++)
                assert_true((double)y[i] == half_value(x[i]));
            guarded_release_all();
        }
    }
}

static void dots(void **state)
{
    random_source source = {4};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned n = 0; n < 1100; n += n < 140 ? 1 : 97)
        for (int kind = 0; kind < DATA_KINDS; kind++) {
            float *a = guarded_floats(n, n % 2), *b = guarded_floats(n, n % 2);
            double sum = 0, magnitude = 0;
            fill_data(&source, (data_kind)kind, a, n);
            random_floats(&source, b, n, -1, 1);
            for (unsigned i = 0; i < n; i++) {
                sum += (double)a[i] * (double)b[i];
                magnitude += fabs((double)a[i] * (double)b[i]);
            }
            assert_true(near((double)t->dot(a, b, n), sum, 2e-6 * magnitude + 1e-37));
            guarded_release_all();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms),
        cmocka_unit_test(sums_of_rows),
        cmocka_unit_test(pixel_values),
        cmocka_unit_test(every_half),
        cmocka_unit_test(dots),
        cmocka_unit_test(several_rows),
        cmocka_unit_test(norms_to_the_bit),
        cmocka_unit_test(interleaved_planes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
