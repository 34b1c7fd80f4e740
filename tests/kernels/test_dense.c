/* SPDX-License-Identifier: MIT */
/* The dense layers of every kernel table against a double sum: tile edges, model shapes, padding, bounds, and
 * the promise that a row's bits do not depend on the rows around it. */
#include "kernels/common.h"

#include <math.h>
#include <stdlib.h>

typedef struct layer {
    unsigned rows, k, n;
    guarded_side side;
    size_t stride; /* of x */
    float *x, *weights, *bias;
    void *packed, *panel;
} layer;

static void make_layer(const ve__kernels *t, layer *l, random_source *source, data_kind kind, int with_bias)
{
    const ve__dense *d = &t->dense_f32;
    l->stride = l->k + random_below(source, 3);
    l->x = guarded_floats((l->rows - 1) * l->stride + l->k, l->side);
    l->weights = guarded_floats((size_t)l->k * l->n, l->side);
    l->bias = with_bias ? guarded_floats(l->n, l->side) : NULL;
    fill_data(source, kind, l->x, (l->rows - 1) * l->stride + l->k);
    random_floats(source, l->weights, (size_t)l->k * l->n, -1, 1);
    if (with_bias)
        random_floats(source, l->bias, l->n, -1, 1);
    l->packed = guarded_aligned(d->packed_bytes(l->k, l->n), l->side);
    d->pack(l->weights, l->bias, l->k, l->n, l->packed);
    l->panel = guarded_aligned(d->panel_bytes(l->rows, l->k), l->side);
    d->panel_write(l->x, l->stride, l->rows, l->k, l->panel);
}

/* out[r][j] exactly, and the sum of the terms' magnitudes. */
static double exact(const layer *l, unsigned r, unsigned j, double *magnitude)
{
    double sum = l->bias ? (double)l->bias[j] : 0;
    *magnitude = fabs(sum);
    for (unsigned i = 0; i < l->k; i++) {
        double term = (double)l->x[r * l->stride + i] * (double)l->weights[(size_t)j * l->k + i];
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

/* Rows of the output at their own addresses, in falling order, with a canary behind each. */
typedef struct out_rows {
    float *block, **rows;
    size_t stride;
} out_rows;

static out_rows make_rows(const layer *l, float value)
{
    out_rows o = {NULL, malloc(l->rows * sizeof(float *)), ve__padded(l->n) + 1};
    o.block = guarded_floats(l->rows * o.stride, l->side);
    assert_non_null(o.rows);
    for (unsigned r = 0; r < l->rows; r++) {
        o.rows[r] = o.block + (l->rows - 1 - r) * o.stride;
        for (size_t j = 0; j < o.stride; j++)
            o.rows[r][j] = j < l->n ? value : j + 1 < o.stride ? 0.0f : 12345.0f;
    }
    return o;
}

static void check_product(const ve__kernels *t, const layer *l, const out_rows *o, double added)
{
    for (unsigned r = 0; r < l->rows; r++) {
        for (unsigned j = 0; j < l->n; j++) {
            double magnitude, wanted = exact(l, r, j, &magnitude) + added;
            if (!near((double)o->rows[r][j], wanted, 2e-6 * (magnitude + added) + 1e-37))
                fail_msg("%s rows %u k %u n %u: [%u][%u] is %g, not %g", t->name, l->rows, l->k, l->n, r, j,
                         (double)o->rows[r][j], wanted);
        }
        for (unsigned j = l->n; j < ve__padded(l->n); j++)
            assert_true(o->rows[r][j] == 0.0f);
        assert_true(o->rows[r][ve__padded(l->n)] == 12345.0f);
    }
}

/* multiply without, and with, a residual that lies in the output. */
static void check_multiply(const ve__kernels *t, layer *l, random_source *source, data_kind kind, int with_bias)
{
    make_layer(t, l, source, kind, with_bias);
    out_rows o = make_rows(l, NAN);
    t->dense_f32.multiply(l->panel, l->rows, l->k, l->packed, l->n, NULL, o.rows);
    check_product(t, l, &o, 0);
    free(o.rows);
    o = make_rows(l, 0.75f);
    t->dense_f32.multiply(l->panel, l->rows, l->k, l->packed, l->n, (const float *const *)o.rows, o.rows);
    check_product(t, l, &o, 0.75);
    free(o.rows);
    guarded_release_all();
}

static void every_tile_edge(void **state)
{
    static const unsigned rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 24, 25, 28, 29, 49};
    static const unsigned ks[] = {1, 3, 4, 7, 8, 9, 16, 17, 31, 40};
    static const unsigned ns[] = {1, 7, 8, 9, 16, 17, 24, 31, 32, 33, 40, 48, 49, 56, 64, 72, 80, 88};
    random_source source = {1};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned a = 0; a < COUNT_OF(rows); a++)
        for (unsigned b = 0; b < COUNT_OF(ks); b++)
            for (unsigned c = 0; c < COUNT_OF(ns); c++) {
                layer l = {.rows = rows[a], .k = ks[b], .n = ns[c], .side = (a + b + c) % 2};
                check_multiply(t, &l, &source, DATA_ORDINARY, (b + c) % 3 != 0);
            }
}

static void model_shapes(void **state)
{
    static const unsigned shapes[][3] = {{56, 40, 160},   {56, 160, 40},  {28, 80, 320},   {28, 320, 80},
                                         {14, 160, 640},  {14, 640, 160}, {49, 320, 1280}, {49, 1280, 320},
                                         {56, 48, 40},    {28, 160, 80},  {16, 96, 384},   {13, 768, 3072},
                                         {13, 3072, 768}, {1, 320, 1000}};
    random_source source = {2};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned i = 0; i < COUNT_OF(shapes); i++) {
        layer l = {.rows = shapes[i][0], .k = shapes[i][1], .n = shapes[i][2], .side = i % 2};
        check_multiply(t, &l, &source, DATA_ORDINARY, 1);
    }
}

static void hard_data(void **state)
{
    random_source source = {3};
    (void)state;
    FOR_EACH_TABLE(t)
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        layer l = {.rows = 15, .k = 41, .n = 57, .side = GUARDED_ABOVE};
        check_multiply(t, &l, &source, (data_kind)kind, 1);
    }
}

/* Infinities stay in their row, and out of the padding. */
static void infinities(void **state)
{
    random_source source = {4};
    (void)state;
    FOR_EACH_TABLE(t)
    {
        layer l = {.rows = 9, .k = 21, .n = 13, .side = GUARDED_ABOVE};
        make_layer(t, &l, &source, DATA_ORDINARY, 1);
        l.x[4 * l.stride + 5] = INFINITY;
        t->dense_f32.panel_write(l.x, l.stride, l.rows, l.k, l.panel);
        out_rows o = make_rows(&l, 0);
        t->dense_f32.multiply(l.panel, l.rows, l.k, l.packed, l.n, NULL, o.rows);
        for (unsigned r = 0; r < l.rows; r++)
            for (unsigned j = 0; j < ve__padded(l.n); j++)
                assert_true(j >= l.n ? o.rows[r][j] == 0.0f : (r == 4) == !isfinite(o.rows[r][j]));
        free(o.rows);
        guarded_release_all();
    }
}

/* ---- multiply_gelu and the other makers of panels, seen through a multiplication by the unit matrix */

/* rows x k values of a panel, row-major. */
static float *read_panel(const ve__kernels *t, const void *panel, unsigned rows, unsigned k)
{
    const ve__dense *d = &t->dense_f32;
    float *unit = calloc((size_t)k * k, sizeof(float)), *values = calloc((size_t)rows * k, sizeof(float));
    float *padded = calloc((size_t)rows * ve__padded(k), sizeof(float)), **out = calloc(rows, sizeof(float *));
    void *packed = guarded_aligned(d->packed_bytes(k, k), GUARDED_ABOVE);
    assert_true(unit && values && padded && out);
    for (unsigned i = 0; i < k; i++)
        unit[(size_t)i * k + i] = 1.0f;
    for (unsigned r = 0; r < rows; r++)
        out[r] = padded + (size_t)r * ve__padded(k);
    d->pack(unit, NULL, k, k, packed);
    d->multiply(panel, rows, k, packed, k, NULL, out);
    for (unsigned r = 0; r < rows; r++)
        memcpy(values + (size_t)r * k, out[r], k * sizeof(float));
    free(unit);
    free(padded);
    free(out);
    return values;
}

static double exact_gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

static void check_gelu_values(const ve__kernels *t, const layer *l, const float *values)
{
    for (unsigned r = 0; r < l->rows; r++)
        for (unsigned j = 0; j < l->n; j++) {
            double magnitude, wanted = exact_gelu(exact(l, r, j, &magnitude));
            if (!near((double)values[(size_t)r * l->n + j], wanted, 2e-6 + 2e-6 * magnitude))
                fail_msg("%s rows %u k %u n %u: gelu [%u][%u] is %g, not %g", t->name, l->rows, l->k, l->n, r,
                         j, (double)values[(size_t)r * l->n + j], wanted);
        }
}

static void check_square_sums(const layer *l, const float *values, const float *sums, float before)
{
    for (unsigned j = 0; j < l->n; j++) {
        double wanted = (double)before;
        for (unsigned r = 0; r < l->rows; r++)
            wanted += (double)values[(size_t)r * l->n + j] * (double)values[(size_t)r * l->n + j];
        assert_true(near((double)sums[j], wanted, 1e-5 * wanted));
    }
}

static void check_multiply_gelu(const ve__kernels *t, layer *l, random_source *source)
{
    const ve__dense *d = &t->dense_f32;
    make_layer(t, l, source, DATA_ORDINARY, 1);
    void *panel_out = guarded_aligned(d->panel_bytes(l->rows, l->n), l->side);
    float *squares = guarded_floats(l->n, l->side);
    for (unsigned j = 0; j < l->n; j++)
        squares[j] = 2.0f;
    d->multiply_gelu(l->panel, l->rows, l->k, l->packed, l->n, panel_out, squares);
    float *values = read_panel(t, panel_out, l->rows, l->n);
    check_gelu_values(t, l, values);
    check_square_sums(l, values, squares, 2.0f);
    d->multiply_gelu(l->panel, l->rows, l->k, l->packed, l->n, panel_out, NULL);
    float *again = read_panel(t, panel_out, l->rows, l->n);
    assert_memory_equal(values, again, (size_t)l->rows * l->n * sizeof(float));
    free(values);
    free(again);
    guarded_release_all();
}

static void gelu_panels(void **state)
{
    static const unsigned rows[] = {1, 3, 4, 5, 8, 12, 13, 14, 15, 29, 49};
    static const unsigned ks[] = {1, 8, 19, 40};
    static const unsigned ns[] = {1, 8, 9, 16, 23, 24, 40, 41, 48, 64, 160};
    random_source source = {5};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned a = 0; a < COUNT_OF(rows); a++)
        for (unsigned b = 0; b < COUNT_OF(ks); b++)
            for (unsigned c = 0; c < COUNT_OF(ns); c++) {
                layer l = {.rows = rows[a], .k = ks[b], .n = ns[c], .side = (a + b + c) % 2};
                check_multiply_gelu(t, &l, &source);
            }
}

static void scaled_panels(void **state)
{
    random_source source = {6};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned k = 1; k < 50; k += 3)
        for (unsigned rows = 1; rows < 16; rows += 2) {
            layer l = {.rows = rows, .k = k, .n = 1, .side = k % 2};
            make_layer(t, &l, &source, DATA_ORDINARY, 0);
            float *scale = guarded_floats(k, l.side);
            random_floats(&source, scale, k, 0, 4);
            t->dense_f32.panel_scale(l.panel, rows, k, scale);
            float *values = read_panel(t, l.panel, rows, k);
            for (unsigned i = 0; i < rows * k; i++)
                assert_true(values[i] == l.x[i / k * l.stride + i % k] * scale[i % k]);
            free(values);
            guarded_release_all();
        }
}

/* ---- panel_norm */

static const ve__norm_rule *rule_for(unsigned which, unsigned n)
{
    static ve__norm_rule rule;
    rule.about_mean = which != 1;
    rule.subtract_mean = which == 0;
    rule.inverse_count = 1.0f / (float)(which == 2 && n > 1 ? n - 1 : n);
    rule.eps = 1e-6f;
    return &rule;
}

static void check_norm_row(const ve__kernels *t, const float *x, unsigned n, const ve__norm_rule *rule,
                           const float *values)
{
    double mean = 0, squares = 0, largest = 0;
    for (unsigned i = 0; i < n; i++)
        mean += (double)x[i] / n;
    for (unsigned i = 0; i < n; i++) {
        double d = (double)x[i] - (rule->about_mean ? mean : 0);
        squares += d * d;
        largest = fmax(largest, fabs((double)x[i]));
    }
    double factor = 1 / sqrt(squares * (double)rule->inverse_count + (double)rule->eps);
    for (unsigned i = 0; i < n; i++) {
        double wanted = ((double)x[i] - (rule->subtract_mean ? mean : 0)) * factor;
        if (!near((double)values[i], wanted, 1e-6 * (largest * factor + fabs(wanted)) + 1e-30))
            fail_msg("%s: norm of %u values: [%u] is %g, not %g", t->name, n, i, (double)values[i], wanted);
    }
}

static void normalised_panels(void **state)
{
    static const unsigned ks[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 40, 41, 80, 96, 160, 320, 768};
    random_source source = {7};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned a = 0; a < COUNT_OF(ks); a++)
        for (unsigned rows = 1; rows < 10; rows++)
            for (int kind = 0; kind < DATA_KINDS; kind++) {
                layer l = {.rows = rows, .k = ks[a], .n = 1, .side = rows % 2};
                const ve__norm_rule *rule = rule_for((a + rows) % 3, l.k);
                if (ks[a] > 100 && (rows + a) % 3)
                    continue;
                make_layer(t, &l, &source, (data_kind)kind, 0);
                t->dense_f32.panel_norm(l.x, l.stride, rows, l.k, rule, l.panel);
                float *values = read_panel(t, l.panel, rows, l.k);
                for (unsigned r = 0; r < rows; r++)
                    check_norm_row(t, l.x + r * l.stride, l.k, rule, values + r * l.k);
                free(values);
                guarded_release_all();
            }
}

/* ---- the same bits however the rows are cut */

static float *run_rows(const ve__kernels *t, const layer *l, unsigned first, unsigned rows, unsigned hidden,
                       const void *packed2)
{
    const ve__dense *d = &t->dense_f32;
    void *panel = guarded_aligned(d->panel_bytes(rows, l->k), GUARDED_ABOVE);
    void *middle = guarded_aligned(d->panel_bytes(rows, hidden), GUARDED_ABOVE);
    float *values = calloc((size_t)rows * ve__padded(l->k), sizeof(float)),
          **out = calloc(rows, sizeof(float *));
    assert_true(values && out);
    for (unsigned r = 0; r < rows; r++)
        out[r] = values + r * ve__padded(l->k);
    d->panel_norm(l->x + first * l->stride, l->stride, rows, l->k, rule_for(0, l->k), panel);
    d->multiply_gelu(panel, rows, l->k, l->packed, hidden, middle, NULL);
    d->multiply(middle, rows, hidden, packed2, l->k, NULL, out);
    free(out);
    return values;
}

/* There in GEMM=openblas builds only, whose dense layers do not make that promise. */
extern void ve__kernels_fill_openblas(ve__kernels *table) __attribute__((weak));

static void same_bits_for_any_split(void **state)
{
    random_source source = {8};
    (void)state;
    if (ve__kernels_fill_openblas)
        skip();
    FOR_EACH_TABLE(t)
    for (unsigned round = 0; round < 12; round++) {
        layer l = {.rows = 61, .k = 8 + random_below(&source, 60), .n = 8 + random_below(&source, 200)};
        make_layer(t, &l, &source, DATA_ORDINARY, 1);
        float *weights2 = guarded_floats((size_t)l.n * l.k, GUARDED_ABOVE);
        void *packed2 = guarded_aligned(t->dense_f32.packed_bytes(l.n, l.k), GUARDED_ABOVE);
        random_floats(&source, weights2, (size_t)l.n * l.k, -1, 1);
        t->dense_f32.pack(weights2, NULL, l.n, l.k, packed2);
        float *whole = run_rows(t, &l, 0, l.rows, l.n, packed2);
        for (unsigned first = 0, rows; first < l.rows; first += rows) {
            rows = 1 + random_below(&source, 20);
            if (rows > l.rows - first)
                rows = l.rows - first;
            float *part = run_rows(t, &l, first, rows, l.n, packed2);
            assert_memory_equal(part, whole + first * ve__padded(l.k), rows * ve__padded(l.k) * sizeof(float));
            free(part);
        }
        free(whole);
        guarded_release_all();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_edge),   cmocka_unit_test(model_shapes),
        cmocka_unit_test(hard_data),         cmocka_unit_test(infinities),
        cmocka_unit_test(gelu_panels),       cmocka_unit_test(scaled_panels),
        cmocka_unit_test(normalised_panels), cmocka_unit_test(same_bits_for_any_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
