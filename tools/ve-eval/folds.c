/* SPDX-License-Identifier: MIT */
/* Accuracy of deciding pairs, in LFW's way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "folds.h"

typedef struct ranked {
    float score;
    uint32_t pair;
} ranked;

typedef struct decision {
    const pair_list *list;
    const float *scores;
    ranked *order; /* of the pairs that were compared, by falling score */
    size_t count;
    unsigned char *is_right; /* for each pair of the list */
} decision;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->pair > y->pair) - (x->pair < y->pair);
}

/* The threshold that decides most pairs outside the fold rightly: halfway between two neighbouring scores; of
 * equally good ones the highest. Right answers are counted from those of accepting nobody. */
static float best_threshold(const decision *d, uint32_t fold)
{
    long right = 0, best = 0;
    float last = INFINITY, threshold = 2.0f;
    int may_be_best = 0;
    for (size_t i = 0; i < d->count; i++) {
        const eval_pair *pair = &d->list->pairs[d->order[i].pair];
        if (pair->fold == fold)
            continue;
        float score = d->order[i].score;
        if (may_be_best && score < last && right > best) {
            best = right;
            threshold = last + (score - last) / 2;
        }
        right += pair->is_same ? 1 : -1;
        last = score;
        may_be_best = 1;
    }
    return right > best ? -2.0f : threshold; /* accepting everybody */
}

/* Decides one fold; how many right answers, and of how many pairs. */
static size_t decide_fold(decision *d, uint32_t fold, float threshold, size_t *compared, size_t *all)
{
    size_t right = 0;
    *compared = *all = 0;
    for (size_t i = 0; i < d->list->count; i++) {
        const eval_pair *pair = &d->list->pairs[i];
        if (pair->fold != fold)
            continue;
        ++*all;
        if (isnan(d->scores[i]))
            continue;
        ++*compared;
        d->is_right[i] = (d->scores[i] > threshold) == pair->is_same;
        right += d->is_right[i];
    }
    return right;
}

static interval draw_accuracy(const decision *d, const uint32_t *person, size_t person_count, unsigned draws)
{
    const interval unknown = {NAN, NAN};
    uint16_t *times = malloc(person_count * sizeof *times);
    double *values = malloc((draws + 1) * sizeof *values);
    size_t known = 0;
    for (unsigned draw = 0; times && values && draw < draws; draw++) {
        double right = 0, all = 0;
        figures_draw_people(draw, person_count, times);
        for (size_t i = 0; i < d->list->count; i++) {
            const eval_pair *pair = &d->list->pairs[i];
            double weight = times[person[pair->first]];
            if (!pair->is_same)
                weight *= times[person[pair->second]];
            if (isnan(d->scores[i]))
                weight = 0;
            right += weight * d->is_right[i];
            all += weight;
        }
        if (all > 0)
            values[known++] = right / all;
    }
    interval result = times && values ? figures_percentiles(values, known) : unknown;
    free(times);
    free(values);
    return result;
}

static int decide_all(decision *d, fold_figures *result)
{
    double sum = 0, squares = 0;
    size_t strict_right = 0;
    result->lowest_threshold = 2.0f;
    result->highest_threshold = -2.0f;
    for (uint32_t fold = 0; fold < d->list->folds; fold++) {
        size_t compared, all;
        float threshold = best_threshold(d, fold);
        size_t right = decide_fold(d, fold, threshold, &compared, &all);
        if (compared == 0)
            return -1;
        double accuracy = (double)right / (double)compared;
        sum += accuracy;
        squares += accuracy * accuracy;
        strict_right += right;
        result->lowest_threshold = fminf(result->lowest_threshold, threshold);
        result->highest_threshold = fmaxf(result->highest_threshold, threshold);
    }
    double n = d->list->folds;
    result->folds = d->list->folds;
    result->accuracy = sum / n;
    result->deviation = sqrt(fmax(0, (squares - sum * sum / n) / (n - 1)));
    result->standard_error = result->deviation / sqrt(n);
    result->strict_accuracy = (double)strict_right / (double)d->list->count;
    return 0;
}

int folds_decide(fold_figures *result, const pair_list *list, const float *scores, const uint32_t *person,
                 size_t person_count, unsigned draws)
{
    decision d = {.list = list, .scores = scores};
    memset(result, 0, sizeof *result);
    if (list->folds < 2)
        return 0;
    d.order = malloc(list->count * sizeof *d.order);
    d.is_right = calloc(list->count, 1);
    int status = d.order && d.is_right ? 0 : complain_memory("the folds");
    for (size_t i = 0; status == 0 && i < list->count; i++)
        if (!isnan(scores[i])) {
            ranked r = {scores[i], (uint32_t)i};
            d.order[d.count++] = r;
        }
    if (status == 0) {
        qsort(d.order, d.count, sizeof *d.order, compare_ranked);
        if (decide_all(&d, result) == 0)
            result->accuracy_interval = draw_accuracy(&d, person, person_count, draws);
    }
    free(d.order);
    free(d.is_right);
    return status;
}
