/* SPDX-License-Identifier: MIT */
/* The 8-bit dense layers: the scalar ones against sums in double, all others against these, to the bit where
 * the contract promises it, between guard pages. */
#include "kernels/common.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/gelu_i8.h"

typedef struct layer {
    unsigned rows, k, n;
    guarded_side side;
    size_t stride; /* of x */
    float *x, *factor, *scale, *bias;
    ve__range *ranges;
    int8_t *weights;
} layer;

typedef enum extra { EXTRA_NOTHING, EXTRA_RANGES, EXTRA_FACTOR, EXTRAS } extra;

static void make_ranges(layer *l)
{
    l->ranges = guarded_new(l->rows * sizeof *l->ranges, sizeof(float), l->side);
    for (unsigned r = 0; r < l->rows; r++) {
        ve__range range = {0, 0};
        for (unsigned i = 0; i < l->k; i++) {
            float v = l->x[r * l->stride + i];
            range.low = v < range.low ? v : range.low;
            range.high = v > range.high ? v : range.high;
        }
        l->ranges[r] = range;
    }
}

static layer make_layer(unsigned rows, unsigned k, unsigned n, random_source *source, data_kind kind, extra add)
{
    layer l = {.rows = rows, .k = k, .n = n, .side = (guarded_side)random_below(source, 2)};
    l.stride = k + random_below(source, 3);
    size_t values = (rows - 1) * l.stride + k;
    l.x = guarded_floats(values, l.side);
    fill_data(source, kind, l.x, values);
    l.weights = guarded_new((size_t)k * n, 1, l.side);
    for (size_t i = 0; i < (size_t)k * n; i++)
        l.weights[i] = (int8_t)((int)random_below(source, 255) - 127);
    l.scale = guarded_floats(n, l.side);
    random_floats(source, l.scale, n, 1e-4f, 1e-2f);
    if (random_below(source, 2)) {
        l.bias = guarded_floats(n, l.side);
        random_floats(source, l.bias, n, -1, 1);
    }
    if (add == EXTRA_FACTOR) {
        l.factor = guarded_floats(k, l.side);
        random_floats(source, l.factor, k, -2, 2);
    }
    if (add == EXTRA_RANGES)
        make_ranges(&l);
    return l;
}

static void *make_packed(const ve__dense_i8 *d, const layer *l)
{
    void *packed = guarded_aligned(d->packed_bytes(l->k, l->n), l->side);
    d->pack(l->weights, l->scale, l->bias, l->k, l->n, packed);
    return packed;
}

static void *make_panel(const ve__dense_i8 *d, const layer *l, const ve__norm_rule *rule)
{
    void *panel = guarded_aligned(d->panel_bytes(l->rows, l->k), l->side);
    if (rule)
        d->panel_norm(l->x, l->stride, l->rows, l->k, rule, l->factor, panel);
    else
        d->panel_write(l->x, l->stride, l->rows, l->k, l->factor, l->ranges, panel);
    return panel;
}

/* Output rows one after the other, each ending with a canary, all filled with `value`. */
static float *make_rows(const layer *l, float value)
{
    size_t stride = ve__padded(l->n) + 1;
    float *rows = guarded_floats(l->rows * stride, l->side);
    for (size_t i = 0; i < l->rows * stride; i++)
        rows[i] = i % stride + 1 == stride ? 12345.0f : i % stride < l->n ? value : 0.0f;
    return rows;
}

/* multiply into rows that hold `added` already, which is the residual where it is not 0. */
static float *product(const ve__kernels *t, const layer *l, const ve__norm_rule *rule, float added)
{
    const ve__dense_i8 *d = &t->dense_i8;
    size_t stride = ve__padded(l->n) + 1;
    float *rows = make_rows(l, added), **out = malloc(l->rows * sizeof *out);
    assert_non_null(out);
    for (unsigned r = 0; r < l->rows; r++)
        out[r] = rows + r * stride;
    const void *panel = make_panel(d, l, rule), *packed = make_packed(d, l);
    d->multiply(panel, l->rows, l->k, packed, l->n, added != 0 ? (const float *const *)out : NULL, out);
    free(out);
    return rows;
}

static void check_padding(const layer *l, const float *rows)
{
    size_t stride = ve__padded(l->n) + 1;
    for (unsigned r = 0; r < l->rows; r++) {
        for (unsigned j = l->n; j < ve__padded(l->n); j++)
            assert_true(rows[r * stride + j] == 0.0f);
        assert_true(rows[r * stride + stride - 1] == 12345.0f);
    }
}

/* Against sums in double: no value is rounded by more than half a step of its row. */
static void scalar_is_right(void **state)
{
    const ve__kernels *scalar = ve__kernels_available(0);
    random_source source = {1};
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        layer l = make_layer(1 + round % 5, 1 + random_below(&source, 70), 1 + round % 19, &source,
                             DATA_ORDINARY, EXTRA_NOTHING);
        const float *rows = product(scalar, &l, NULL, 0);
        make_ranges(&l);
        for (unsigned r = 0; r < l.rows; r++)
            for (unsigned j = 0; j < l.n; j++) {
                double sum = l.bias ? (double)l.bias[j] : 0, magnitude = fabs(sum);
                double step = ((double)l.ranges[r].high - (double)l.ranges[r].low) / 255;
                for (unsigned i = 0; i < l.k; i++) {
                    double w = (double)l.scale[j] * l.weights[(size_t)j * l.k + i];
                    sum += w * (double)l.x[r * l.stride + i];
                    magnitude += fabs(w) * step;
                }
                assert_true(near((double)rows[r * (ve__padded(l.n) + 1) + j], sum, 0.51 * magnitude + 1e-5));
            }
        check_padding(&l, rows);
        guarded_release_all();
    }
}

static void check_same(const ve__kernels *t, const layer *l, float added)
{
    const ve__kernels *scalar = ve__kernels_available(0);
    const float *wanted = product(scalar, l, NULL, added), *got = product(t, l, NULL, added);
    size_t stride = ve__padded(l->n) + 1;
    for (size_t i = 0; i < l->rows * stride; i++)
        if (memcmp(wanted + i, got + i, sizeof *got) != 0)
            fail_msg("%s rows %u k %u n %u: [%zu][%zu] is %.9g, not %.9g", t->name, l->rows, l->k, l->n,
                     i / stride, i % stride, (double)got[i], (double)wanted[i]);
    check_padding(l, got);
    guarded_release_all();
}

static void every_tile_edge(void **state)
{
    static const unsigned rows[] = {1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 24, 25, 29, 49};
    static const unsigned ks[] = {1, 3, 4, 5, 8, 12, 15, 16, 17, 31, 40, 64, 70};
    static const unsigned ns[] = {1, 7, 8, 9, 16, 17, 24, 31, 33, 40, 48, 56, 64, 72, 80, 88};
    random_source source = {2};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned a = 0; a < COUNT_OF(rows); a++)
        for (unsigned b = 0; b < COUNT_OF(ks); b++)
            for (unsigned c = 0; c < COUNT_OF(ns); c += 1 + (a + b) % 2) {
                layer l =
                    make_layer(rows[a], ks[b], ns[c], &source, DATA_ORDINARY, (extra)((a + b + c) % EXTRAS));
                check_same(t, &l, (a + c) % 2 ? 0.75f : 0.0f);
            }
}

static void model_shapes(void **state)
{
    static const unsigned shapes[][3] = {{56, 40, 160},  {56, 160, 40},   {28, 80, 320},   {28, 320, 80},
                                         {14, 160, 640}, {14, 640, 160},  {49, 320, 1280}, {9, 1280, 320},
                                         {16, 96, 384},  {13, 768, 3072}, {13, 3072, 96},  {1, 320, 512}};
    random_source source = {3};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned i = 0; i < COUNT_OF(shapes); i++) {
        layer l =
            make_layer(shapes[i][0], shapes[i][1], shapes[i][2], &source, DATA_ORDINARY, (extra)(i % EXTRAS));
        check_same(t, &l, 0);
    }
}

static void hard_data(void **state)
{
    random_source source = {4};
    (void)state;
    FOR_EACH_TABLE(t)
    for (int kind = 0; kind < DATA_KINDS; kind++)
        for (int add = 0; add < EXTRAS; add++) {
            layer l = make_layer(15, 41, 57, &source, (data_kind)kind, (extra)add);
            check_same(t, &l, 0.75f);
        }
}

/* Rows of ones against zeros at the largest k, with the largest weights of one sign and of changing signs: no
 * sum, not even one of 16 bits somewhere inside, may saturate or wrap. */
static void largest_sums(void **state)
{
    random_source source = {5};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned pattern = 0; pattern < 4; pattern++) {
        layer l = make_layer(3, VE__I8_MAX_K, 9, &source, DATA_ORDINARY, EXTRA_NOTHING);
        for (size_t i = 0; i < (size_t)l.k * l.n; i++)
            l.weights[i] = pattern < 2 || i % 2 ? 127 : -127;
        for (size_t i = 0; i < 2 * l.stride + l.k; i++)
            l.x[i] = pattern % 2 ? (i % 2 ? -1.0f : 1.0f) : i > 5 ? 1.0f : -1.0f;
        check_same(t, &l, 0);
    }
}

/* What gelu_i8.h tells, in the steps of the tables with vectors. */
static float promised_gelu(float x)
{
    float t = fminf(fabsf(x), GELU_I8_END);
    float p = fmaf(GELU_I8_4, t, GELU_I8_3);
    p = fmaf(fmaf(fmaf(p, t, GELU_I8_2), t, GELU_I8_1), t, GELU_I8_0);
    return fmaf(-t, p * p, fmaxf(x, 0.0f));
}

static double exact_gelu(double x)
{
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static void check_gelu(const ve__kernels *t, const layer *l, int with_ranges, int with_squares)
{
    const ve__dense_i8 *d = &t->dense_i8;
    size_t stride = ve__padded(l->n) + 1;
    const float *plain = product(t, l, NULL, 0);
    float *out = make_rows(l, NAN), *squares = guarded_floats(l->n, l->side);
    ve__range *ranges = guarded_new(l->rows * sizeof *ranges, sizeof(float), l->side);
    for (unsigned j = 0; j < l->n; j++)
        squares[j] = 3.0f;
    d->multiply_gelu(make_panel(d, l, NULL), l->rows, l->k, make_packed(d, l), l->n, out, stride,
                     with_ranges ? ranges : NULL, with_squares ? squares : NULL);
    check_padding(l, out);
    for (unsigned r = 0; r < l->rows; r++) {
        ve__range range = {0, 0};
        for (unsigned j = 0; j < l->n; j++) {
            float v = out[r * stride + j];
            double wanted = exact_gelu((double)plain[r * stride + j]);
            assert_true(near((double)v, wanted, (double)VE__I8_GELU_ERROR + 1e-6 * fabs(wanted)));
            if (t != ve__kernels_available(0))
                assert_true(v == promised_gelu(plain[r * stride + j]));
            range.low = v < range.low ? v : range.low;
            range.high = v > range.high ? v : range.high;
        }
        if (with_ranges && (ranges[r].low != range.low || ranges[r].high != range.high))
            fail_msg("%s rows %u n %u: range of row %u", t->name, l->rows, l->n, r);
    }
    for (unsigned j = 0; j < l->n; j++) {
        double sum = 3;
        for (unsigned r = 0; r < l->rows; r++)
            sum += (double)out[r * stride + j] * (double)out[r * stride + j];
        assert_true(near((double)squares[j], with_squares ? sum : 3, 1e-5 * sum));
    }
    guarded_release_all();
}

static void gelu_rows(void **state)
{
    static const unsigned rows[] = {1, 2, 4, 5, 8, 9, 12, 13, 17, 25};
    static const unsigned ns[] = {1, 7, 8, 9, 16, 20, 31, 40, 64, 72, 160};
    random_source source = {6};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned a = 0; a < COUNT_OF(rows); a++)
        for (unsigned b = 0; b < COUNT_OF(ns); b++) {
            layer l = make_layer(rows[a], 3 + 11 * (a % 4), ns[b], &source, DATA_ORDINARY, EXTRA_NOTHING);
            for (unsigned j = 0; j < l.n; j++)
                l.scale[j] *= a % 3 == 0 ? 10.0f : 1.0f; /* far out on both sides, too */
            check_gelu(t, &l, (a + b) % 2, (a + b) % 3 == 0);
        }
}

/* Normalised rows are those of norm_rows with the factors for weights, to the bit. */
static void normalised_rows_to_the_bit(void **state)
{
    random_source source = {8};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned round = 0; t_index > 0 && round < 120; round++) {
        layer l = make_layer(1 + round % 26, 1 + random_below(&source, 100), 1 + round % 21, &source,
                             DATA_ORDINARY, round % 2 ? EXTRA_NOTHING : EXTRA_FACTOR);
        ve__norm_rule rule = {round % 3 != 1, round % 3 == 0, 1.0f / (float)l.k, 1e-6f};
        const float *got = product(t, &l, &rule, 0);
        layer normalised = l;
        normalised.x = guarded_floats((l.rows - 1) * l.stride + l.k, l.side);
        normalised.factor = NULL;
        t->norm_rows(l.x, l.stride, l.rows, l.k, &rule, l.factor, NULL, normalised.x, l.stride);
        const float *wanted = product(t, &normalised, NULL, 0);
        assert_memory_equal(got, wanted, l.rows * (ve__padded(l.n) + 1) * sizeof(float));
        guarded_release_all();
    }
}

/* The scalar table does not fuse multiplications and additions: rows may differ in their last bits from its,
 * and so, rarely, by a step. */
static void normalised_rows(void **state)
{
    static const ve__norm_rule rules[] = {{1, 1, 0, 1e-6f}, {0, 0, 0, 1e-6f}, {1, 0, 0, 1e-5f}};
    random_source source = {7};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned round = 0; round < 90; round++) {
        layer l = make_layer(1 + round % 26, 1 + random_below(&source, 100), 1 + round % 21, &source,
                             DATA_ORDINARY, round % 4 ? EXTRA_NOTHING : EXTRA_FACTOR);
        ve__norm_rule rule = rules[round % 3];
        rule.inverse_count = 1.0f / (float)l.k;
        const float *wanted = product(ve__kernels_available(0), &l, &rule, 0), *got = product(t, &l, &rule, 0);
        size_t stride = ve__padded(l.n) + 1;
        unsigned different = 0, row_different = 0;
        for (size_t i = 0; i < l.rows * stride; i++) {
            int is_near = near((double)got[i], (double)wanted[i], 1e-5);
            row_different = i % stride ? row_different | !is_near : !is_near;
            different += i % stride + 1 == stride ? row_different : 0;
            /* One step of a row of normalised values, times the largest weight. */
            assert_true(near((double)got[i], (double)wanted[i], 1e-5 + 3 * 20.0 / 255 * 127 * 1e-2));
        }
        assert_true(different <= 1 + l.rows / 4);
        guarded_release_all();
    }
}

/* Codes with a largest among them come back from the floats that they stand for, with any scale. */
static void codes_come_back(void **state)
{
    random_source source = {8};
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        float weights[33], scale = random_float(&source, 1e-6f, 1.0f), found;
        int8_t codes[33], again[33];
        for (unsigned i = 0; i < 33; i++) {
            codes[i] = (int8_t)(i == round % 33 ? 127 : (int)random_below(&source, 255) - 127);
            weights[i] = (float)codes[i] * scale;
        }
        ve__i8_from_row(weights, 33, again, &found);
        assert_memory_equal(codes, again, sizeof codes);
        assert_true(near((double)found, (double)scale, 2e-7 * (double)scale));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalar_is_right), cmocka_unit_test(every_tile_edge),
        cmocka_unit_test(model_shapes),    cmocka_unit_test(hard_data),
        cmocka_unit_test(largest_sums),    cmocka_unit_test(gelu_rows),
        cmocka_unit_test(normalised_rows), cmocka_unit_test(normalised_rows_to_the_bit),
        cmocka_unit_test(codes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
