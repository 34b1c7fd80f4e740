/* SPDX-License-Identifier: MIT */
/* ve-eval's figures: against what is known of simple score lists, and against a plain computation that keeps
 * and sorts everything. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/ve-eval/degrade.h"
#include "../../tools/ve-eval/figures.h"
#include "../../tools/ve-eval/folds.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "support/random.h"

#define DIM 16u

/* ---- the plain computation */

typedef struct plain {
    float *same, *strangers; /* by rising score */
    size_t same_count, stranger_count;
} plain;

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static size_t count_at_least(const float *sorted, size_t count, float threshold)
{
    size_t below = 0;
    while (below < count && sorted[below] < threshold)
        below++;
    return count - below;
}

/* From the curve's points one by one: where it crosses the diagonal. */
static double plain_equal_rate(const plain *p)
{
    double accept = 1, reject = 0;
    for (size_t i = 0, j = 0;;) {
        float score = i < p->same_count ? p->same[i] : INFINITY;
        if (j < p->stranger_count && p->strangers[j] < score)
            score = p->strangers[j];
        while (i < p->same_count && p->same[i] == score)
            i++;
        while (j < p->stranger_count && p->strangers[j] == score)
            j++;
        double next_accept = (double)(p->stranger_count - j) / (double)p->stranger_count;
        double next_reject = (double)i / (double)p->same_count;
        if (next_accept <= next_reject) {
            double before = accept - reject, after = next_accept - next_reject;
            return accept + before / (before - after) * (next_accept - accept);
        }
        accept = next_accept;
        reject = next_reject;
    }
}

static double plain_area(const plain *p)
{
    double sum = 0;
    size_t below = 0, equal = 0;
    for (size_t i = 0; i < p->same_count; i++) {
        while (below < p->stranger_count && p->strangers[below] < p->same[i])
            below++;
        for (equal = 0; below + equal < p->stranger_count && p->strangers[below + equal] == p->same[i];)
            equal++;
        sum += (double)below + 0.5 * (double)equal;
    }
    return sum / ((double)p->same_count * (double)p->stranger_count);
}

/* ---- random people: vectors around a centre of their own */

typedef struct people {
    float *rows;
    uint32_t *person;
    size_t count, person_count;
} people;

static people make_people(size_t person_count, size_t each, uint64_t seed)
{
    random_source random = {seed};
    people p = {NULL, NULL, person_count * each, person_count};
    float centre[DIM];
    p.rows = ve__allocate(p.count * DIM * sizeof(float));
    p.person = malloc(p.count * sizeof *p.person);
    assert_true(p.rows && p.person);
    for (size_t i = 0; i < p.count; i++) {
        if (i % each == 0)
            random_floats(&random, centre, DIM, -1, 1);
        random_floats(&random, p.rows + i * DIM, DIM, -1, 1);
        for (size_t k = 0; k < DIM; k++)
            p.rows[i * DIM + k] += 1.2f * centre[k];
        ve_normalize(p.rows + i * DIM, DIM);
        p.person[i] = (uint32_t)(i / each);
    }
    return p;
}

static void free_people(people *p)
{
    ve__release(p->rows);
    free(p->person);
}

static plain compare_plainly(const people *p)
{
    const ve__kernels *kernels;
    size_t pairs = p->count * (p->count - 1) / 2;
    plain all = {malloc(pairs * sizeof(float)), malloc(pairs * sizeof(float)), 0, 0};
    assert_true(all.same && all.strangers);
    assert_int_equal(ve__kernels_select(&kernels), VE_OK);
    for (size_t i = 0; i < p->count; i++)
        for (size_t j = i + 1; j < p->count; j++) {
            float score;
            kernels->search.dot_rows(p->rows + j * DIM, DIM, 1, p->rows + i * DIM, DIM, 1, DIM, &score, 1);
            if (p->person[i] == p->person[j])
                all.same[all.same_count++] = score;
            else
                all.strangers[all.stranger_count++] = score;
        }
    qsort(all.same, all.same_count, sizeof(float), compare_floats);
    qsort(all.strangers, all.stranger_count, sizeof(float), compare_floats);
    return all;
}

static const double rates[] = {1e-2, 1e-3, 1e-4, 1e-5};

static figure_plan plan_for(const people *p, unsigned draws, unsigned threads)
{
    figure_plan plan = {rates, 4, p->person, p->count, p->person_count, draws, threads};
    return plan;
}

static void check_point(const operating_point *point, const plain *expected)
{
    size_t allowed = (size_t)floor(point->rate * (double)expected->stranger_count);
    assert_int_equal(point->is_measurable, allowed >= 1);
    if (!point->is_measurable)
        return;
    float limit = expected->strangers[expected->stranger_count - 1 - allowed];
    float threshold = nextafterf(limit, 2.0f);
    assert_true(point->threshold == threshold);
    assert_int_equal(point->false_accepts,
                     count_at_least(expected->strangers, expected->stranger_count, threshold));
    assert_int_equal(point->true_accepts, count_at_least(expected->same, expected->same_count, threshold));
}

static void check_against_plain(const people *p, unsigned threads)
{
    evidence all;
    figures f;
    figure_plan plan = plan_for(p, 0, threads);
    plain expected = compare_plainly(p);
    assert_int_equal(evidence_of_vectors(&all, p->rows, DIM, p->count, p->person, threads), 0);
    assert_int_equal(figures_make(&f, &all, &plan), 0);
    assert_int_equal(all.same_count, expected.same_count);
    assert_int_equal(all.stranger_count, expected.stranger_count);
    for (size_t i = 0; i < f.point_count; i++)
        check_point(&f.points[i], &expected);
    assert_true(fabs(f.eer - plain_equal_rate(&expected)) < 1e-12);
    assert_true(fabs(f.auc - plain_area(&expected)) <= f.auc_error + 1e-12);
    assert_true(f.auc_error < 1e-4);
    evidence_free(&all);
    free(expected.same);
    free(expected.strangers);
}

static void test_small_sets_give_what_sorting_everything_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        people p = make_people(3 + 11 * seed, 1 + seed, seed);
        check_against_plain(&p, 1 + (unsigned)seed % 3);
        free_people(&p);
    }
}

/* So many that not all comparisons of strangers are kept. */
static void test_large_sets_give_what_sorting_everything_gives(void **state)
{
    (void)state;
    people p = make_people(600, 5, 7);
    check_against_plain(&p, 2);
    free_people(&p);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    people p = make_people(60, 5, 8);
    figures f[2];
    for (unsigned i = 0; i < 2; i++) {
        evidence all;
        figure_plan plan = plan_for(&p, 50, 1 + 3 * i);
        assert_int_equal(evidence_of_vectors(&all, p.rows, DIM, p.count, p.person, 1 + 3 * i), 0);
        memset(&f[i], 0, sizeof f[i]);
        assert_int_equal(figures_make(&f[i], &all, &plan), 0);
        evidence_free(&all);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(f[0].points[i].true_interval.low == f[1].points[i].true_interval.low);
        assert_true(f[0].points[i].false_interval.high == f[1].points[i].false_interval.high);
        assert_true(f[0].points[i].threshold == f[1].points[i].threshold);
    }
    free_people(&p);
}

static void test_intervals_hold_the_figure(void **state)
{
    (void)state;
    people p = make_people(80, 4, 9);
    evidence all;
    figures f;
    figure_plan plan = plan_for(&p, 200, 2);
    assert_int_equal(evidence_of_vectors(&all, p.rows, DIM, p.count, p.person, 2), 0);
    assert_int_equal(figures_make(&f, &all, &plan), 0);
    const operating_point *point = &f.points[0];
    assert_true(point->true_interval.low < point->true_share && point->true_share < point->true_interval.high);
    double share = (double)point->false_accepts / (double)all.stranger_count;
    assert_true(point->false_interval.low < share && share < point->false_interval.high);
    assert_true(point->true_interval.high - point->true_interval.low < 0.5);
    evidence_free(&all);
    free_people(&p);
}

/* ---- lists whose figures are known */

static void figures_of(figures *f, evidence *all, const float *same, size_t same_count, const float *strangers,
                       size_t stranger_count)
{
    static uint32_t person[4] = {0, 0, 1, 2};
    comparison *list = malloc((same_count + stranger_count) * sizeof *list);
    int *is_same = malloc((same_count + stranger_count) * sizeof *is_same);
    figure_plan plan = {rates, 2, person, 4, 3, 0, 1};
    assert_true(list && is_same);
    for (size_t i = 0; i < same_count + stranger_count; i++) {
        comparison c = {i < same_count ? same[i] : strangers[i - same_count], i < same_count ? 0 : 2,
                        i < same_count ? 1 : 3};
        list[i] = c;
        is_same[i] = i < same_count;
    }
    assert_int_equal(evidence_of_list(all, list, is_same, same_count + stranger_count), 0);
    assert_int_equal(figures_make(f, all, &plan), 0);
    free(list);
    free(is_same);
}

static void test_apart_alike_and_reversed(void **state)
{
    (void)state;
    float low[200], high[200];
    evidence all;
    figures f;
    for (int i = 0; i < 200; i++) {
        low[i] = -0.5f + (float)i * 0.001f;
        high[i] = 0.5f + (float)i * 0.001f;
    }
    figures_of(&f, &all, high, 200, low, 200);
    assert_true(f.eer == 0 && f.auc == 1);
    assert_true(f.points[0].is_measurable && f.points[0].true_share == 1 && f.points[0].false_accepts == 2);
    assert_false(f.points[1].is_measurable); /* 1e-3 of 200 */
    evidence_free(&all);
    figures_of(&f, &all, low, 200, high, 200);
    assert_true(f.eer == 1 && f.auc == 0);
    evidence_free(&all);
    figures_of(&f, &all, low, 200, low, 200);
    assert_true(fabs(f.eer - 0.5) < 1e-12 && fabs(f.auc - 0.5) < 1e-12);
    evidence_free(&all);
}

/* Same person uniform on 0 to 1, strangers on -0.5 to 0.5: the rates are equal at 0.25, where both are 1/4; the
 * area is 1 - (1/2)^2 / 2 = 7/8; at 1 % of the strangers the threshold is 0.49. */
static void test_uniform_scores(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    float *same = malloc(COUNT * sizeof *same), *strangers = malloc(COUNT * sizeof *strangers);
    evidence all;
    figures f;
    assert_true(same && strangers);
    for (int i = 0; i < COUNT; i++) {
        same[i] = ((float)i + 0.5f) / COUNT;
        strangers[i] = ((float)i + 0.5f) / COUNT - 0.5f;
    }
    figures_of(&f, &all, same, COUNT, strangers, COUNT);
    assert_true(fabs(f.eer - 0.25) < 2e-4);
    assert_true(fabs((double)f.eer_threshold - 0.25) < 2e-4);
    assert_true(fabs(f.auc - 0.875) < 2e-4);
    assert_true(fabs((double)f.points[0].threshold - 0.49) < 2e-4);
    assert_true(fabs(f.points[0].true_share - 0.51) < 2e-4);
    assert_int_equal(f.points[0].false_accepts, COUNT / 100);
    assert_int_equal(f.points[1].false_accepts, COUNT / 1000);
    evidence_free(&all);
    free(same);
    free(strangers);
}

/* Equal scores of strangers are accepted together or not at all: never more than the rate allows. */
static void test_ties_stay_below_the_rate(void **state)
{
    (void)state;
    float same[2] = {0.5f, 0.9f}, strangers[1000];
    evidence all;
    figures f;
    for (int i = 0; i < 1000; i++)
        strangers[i] = i < 100 ? 0.5f : -0.1f;
    strangers[0] = 0.6f;
    figures_of(&f, &all, same, 2, strangers, 1000);
    assert_int_equal(f.points[0].false_accepts, 1);
    assert_true(f.points[0].threshold == nextafterf(0.5f, 2.0f));
    assert_int_equal(f.points[0].true_accepts, 1);
    evidence_free(&all);
}

static void test_wilson(void **state)
{
    (void)state;
    interval none = figures_wilson(0, 100), half = figures_wilson(50, 100);
    assert_true(none.low == 0 && fabs(none.high - 0.036995) < 1e-5);
    assert_true(fabs(half.low - 0.403832) < 1e-5 && fabs(half.high - 0.596168) < 1e-5);
    assert_true(isnan(figures_wilson(0, 0).low));
}

/* ---- folds */

static void test_folds(void **state)
{
    (void)state;
    enum { FOLDS = 4, EACH = 10 };
    eval_pair pairs[FOLDS * EACH * 2];
    float scores[FOLDS * EACH * 2];
    uint32_t person[3] = {0, 0, 1};
    pair_list list = {pairs, FOLDS * EACH * 2, FOLDS, 0};
    fold_figures f;
    for (uint32_t i = 0; i < list.count; i++) {
        eval_pair pair = {0, i / EACH % 2 == 0 ? 1u : 2u, i / (2 * EACH), i / EACH % 2 == 0};
        pairs[i] = pair;
        scores[i] = pair.is_same ? 0.6f : 0.2f;
    }
    assert_int_equal(folds_decide(&f, &list, scores, person, 2, 20), 0);
    assert_true(f.folds == FOLDS && f.accuracy == 1 && f.deviation == 0);
    assert_true(fabs((double)f.lowest_threshold - 0.4) < 1e-6 && f.highest_threshold == f.lowest_threshold);
    scores[0] = 0.1f;       /* one wrong of 20 in the first fold */
    scores[2 * EACH] = NAN; /* one lost in the second */
    assert_int_equal(folds_decide(&f, &list, scores, person, 2, 20), 0);
    assert_true(fabs(f.accuracy - (3 + 0.95) / 4) < 1e-12);
    assert_true(fabs(f.deviation - 0.025) < 1e-9 && fabs(f.standard_error - 0.0125) < 1e-9);
    assert_true(fabs(f.strict_accuracy - 78.0 / 80) < 1e-12);
    list.folds = 1;
    assert_int_equal(folds_decide(&f, &list, scores, person, 2, 20), 0);
    assert_int_equal(f.folds, 0);
}

/* ---- conditions */

static void fill(uint8_t *rgb, size_t count)
{
    random_source random = {3};
    for (size_t i = 0; i < count; i++)
        rgb[i] = (uint8_t)(64 + random_below(&random, 128));
}

static double mean_of(const uint8_t *rgb, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += rgb[i];
    return sum / (double)count;
}

static double deviation_of(const uint8_t *rgb, size_t count)
{
    double mean = mean_of(rgb, count), sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (rgb[i] - mean) * (rgb[i] - mean);
    return sqrt(sum / (double)count);
}

static void test_conditions_are_the_same_in_every_run(void **state)
{
    (void)state;
    uint8_t a[3 * 40 * 50], b[sizeof a], c[sizeof a];
    for (int which = CONDITION_NONE; which < CONDITION_COUNT; which++) {
        condition found;
        assert_int_equal(condition_find(condition_name((condition)which), &found), 0);
        assert_int_equal(found, which);
        fill(a, sizeof a);
        fill(b, sizeof b);
        memcpy(c, a, sizeof a);
        assert_int_equal(degrade((condition)which, "x/1.png", a, 40, 50), 0);
        assert_int_equal(degrade((condition)which, "x/1.png", b, 40, 50), 0);
        assert_memory_equal(a, b, sizeof a);
        assert_int_equal(memcmp(a, c, sizeof a) == 0, which == CONDITION_NONE);
        assert_int_equal(degrade((condition)which, "x/2.png", c, 40, 50), 0);
        assert_int_equal(memcmp(a, c, sizeof a) != 0, which == CONDITION_NOISE || which == CONDITION_DARK);
    }
}

static void test_conditions_do_what_they_say(void **state)
{
    (void)state;
    static uint8_t flat[3 * 112 * 112];
    const size_t count = sizeof flat;
    memset(flat, 128, count);
    degrade(CONDITION_NOISE, "n", flat, 112, 112);
    assert_true(fabs(mean_of(flat, count) - 128) < 0.5 && fabs(deviation_of(flat, count) - 25) < 0.5);
    memset(flat, 128, count);
    degrade(CONDITION_DARK, "d", flat, 112, 112); /* 128 * (1/16)^(1/2.2) = 36.3 */
    assert_true(fabs(mean_of(flat, count) - 36.3) < 0.5);
    assert_true(deviation_of(flat, count) > 1 && deviation_of(flat, count) < 4);
    memset(flat, 100, count);
    degrade(CONDITION_BRIGHT, "b", flat, 112, 112); /* 100 * 4^(1/2.2) = 187.8 */
    assert_int_equal(flat[0], 188);
    fill(flat, count);
    degrade(CONDITION_COVERED, "c", flat, 112, 112);
    assert_int_equal(flat[3 * 112 * 63], 128);
    assert_int_equal(flat[count - 1], 128);
    assert_true(deviation_of(flat, 3 * 112 * 63) > 30);
    fill(flat, count);
    degrade(CONDITION_GRAY, "g", flat, 112, 112);
    assert_true(flat[0] == flat[1] && flat[1] == flat[2] && flat[0] != flat[3]);
}

/* A ramp survives the way down to 32 pixels and up; fine detail does not. */
static void test_blur(void **state)
{
    (void)state;
    static uint8_t rgb[3 * 112 * 112];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(2 * (i / 3 % 112));
    degrade(CONDITION_BLUR32, "b", rgb, 112, 112);
    for (size_t x = 10; x < 102; x++)
        assert_true(abs(rgb[3 * (112 * 50 + x)] - 2 * (int)x) <= 1);
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = i / 3 % 2 ? 200 : 50;
    degrade(CONDITION_BLUR32, "b", rgb, 112, 112);
    assert_true(fabs(mean_of(rgb, sizeof rgb) - 125) < 2 && deviation_of(rgb, sizeof rgb) < 15);
    memset(rgb, 7, sizeof rgb);
    assert_int_equal(degrade(CONDITION_BLUR32, "b", rgb, 112, 1), 0);
    assert_int_equal(rgb[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_sets_give_what_sorting_everything_gives),
        cmocka_unit_test(test_large_sets_give_what_sorting_everything_gives),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_intervals_hold_the_figure),
        cmocka_unit_test(test_apart_alike_and_reversed),
        cmocka_unit_test(test_uniform_scores),
        cmocka_unit_test(test_ties_stay_below_the_rate),
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_conditions_are_the_same_in_every_run),
        cmocka_unit_test(test_conditions_do_what_they_say),
        cmocka_unit_test(test_blur),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
