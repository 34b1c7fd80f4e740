/* SPDX-License-Identifier: MIT */
/* The search kernels of every instruction set: right to rounding, the same bits whatever else is in the call,
 * nothing read or written outside the sizes given. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "support/guarded.h"
#include "support/random.h"

#define MAX_ROWS    37u
#define MAX_QUERIES 20u

static const unsigned lengths[] = {16, 32, 48, 112, 128, 320, 512};
#define LENGTHS (sizeof lengths / sizeof *lengths)

static float *guarded_floats(size_t count, guarded_side side)
{
    return guarded_new(count * sizeof(float), sizeof(float), side);
}

static void check_rows(const ve__search_kernels *kernels, unsigned length, unsigned rows, unsigned queries,
                       guarded_side side)
{
    random_source random = {length * 1000 + rows * 50 + queries};
    float *row = guarded_floats(rows * length, side), *query = guarded_floats(queries * length, side);
    float *scores = guarded_floats(rows * queries, side), one;
    random_floats(&random, row, rows * length, -1, 1);
    random_floats(&random, query, queries * length, -1, 1);
    kernels->dot_rows(row, length, rows, query, length, queries, length, scores, rows);
    for (unsigned r = 0; r < rows; r++)
        for (unsigned q = 0; q < queries; q++) {
            double sum = 0, sizes = 0;
            for (unsigned i = 0; i < length; i++) {
                sum += (double)row[r * length + i] * query[q * length + i];
                sizes += fabs((double)row[r * length + i] * query[q * length + i]);
            }
            assert_true(fabs(scores[q * rows + r] - sum) <= sizes * length * FLT_EPSILON);
            kernels->dot_rows(row + r * length, length, 1, query + q * length, length, 1, length, &one, 1);
            assert_memory_equal(&one, &scores[q * rows + r], sizeof one);
        }
    guarded_release_all();
}

static void multiplies_rows(void **state)
{
    (void)state;
    const ve__kernels *table;
    for (unsigned t = 0; (table = ve__kernels_available(t)) != NULL; t++)
        for (unsigned l = 0; l < LENGTHS; l++)
            for (unsigned rows = 1; rows <= MAX_ROWS; rows += 1 + rows / 3)
                for (unsigned queries = 1; queries <= MAX_QUERIES; queries += 1 + queries / 4)
                    check_rows(&table->search, lengths[l], rows, queries,
                               (rows + queries) % 2 ? GUARDED_ABOVE : GUARDED_BELOW);
}

static void check_codes(const ve__search_kernels *kernels, unsigned length, unsigned rows)
{
    random_source random = {length + rows};
    int8_t *codes = guarded_new(rows * length, 1, GUARDED_ABOVE);
    int16_t *query = guarded_new(length * sizeof *query, sizeof *query, GUARDED_ABOVE);
    int32_t *sums = guarded_new(rows * sizeof *sums, sizeof *sums, GUARDED_ABOVE);
    int is_extreme = rows % 5 == 0;
    int32_t limit = (int32_t)(1.0e9 / (127 * (double)length)); /* as large as the sum allows */
    limit = limit > 32767 ? 32767 : limit;
    for (unsigned i = 0; i < rows * length; i++)
        codes[i] = (int8_t)(is_extreme ? -127 : (int)random_below(&random, 255) - 127);
    for (unsigned i = 0; i < length; i++)
        query[i] =
            (int16_t)(is_extreme ? -limit : (int32_t)random_below(&random, (uint32_t)(2 * limit + 1)) - limit);
    kernels->dot_codes(codes, length, rows, query, length, sums);
    for (unsigned r = 0; r < rows; r++) {
        int64_t sum = 0;
        for (unsigned i = 0; i < length; i++)
            sum += (int64_t)codes[r * length + i] * query[i];
        assert_int_equal(sums[r], sum);
    }
    guarded_release_all();
}

static void multiplies_codes(void **state)
{
    (void)state;
    const ve__kernels *table;
    for (unsigned t = 0; (table = ve__kernels_available(t)) != NULL; t++)
        for (unsigned length = 64; length <= 4096; length *= 2)
            for (unsigned rows = 1; rows <= MAX_ROWS; rows++)
                check_codes(&table->search, length, rows);
}

static void check_encode(const ve__search_kernels *kernels, unsigned length, float range)
{
    random_source random = {length};
    float *vector = guarded_floats(length, GUARDED_ABOVE), scale, squares, lost;
    int8_t *codes = guarded_new(length, 1, GUARDED_ABOVE);
    double true_squares = 0, true_lost = 0, largest = 0;
    random_floats(&random, vector, length, -range, range);
    kernels->encode(vector, length, codes, &scale, &squares, &lost);
    for (unsigned i = 0; i < length; i++) {
        double left = vector[i] - (double)scale * codes[i];
        largest = fabs(vector[i]) > largest ? fabs(vector[i]) : largest;
        true_squares += (double)vector[i] * vector[i];
        true_lost += left * left;
        if (scale > 0)
            assert_true(fabs(left) <= scale * 0.5001);
    }
    double rounding = sqrt(true_squares) * 1.2e-7, vanished = length * 1.2e-38;
    assert_true((scale == 0) == (largest < (double)VE__SEARCH_SMALLEST));
    assert_true(fabs(squares - true_squares) <= true_squares * 1e-4 + vanished);
    assert_true(fabs(sqrt(lost) - sqrt(true_lost)) <= sqrt(true_lost) * 1e-4 + rounding + sqrt(vanished));
    guarded_release_all();
}

static void encodes_vectors(void **state)
{
    (void)state;
    static const float ranges[] = {1, 1e-3f, 1e15f, 1e-18f, 1e-33f, 0};
    const ve__kernels *table;
    for (unsigned t = 0; (table = ve__kernels_available(t)) != NULL; t++)
        for (unsigned l = 0; l < LENGTHS; l++)
            for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
                check_encode(&table->search, lengths[l], ranges[r]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplies_rows),
        cmocka_unit_test(multiplies_codes),
        cmocka_unit_test(encodes_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
