/* SPDX-License-Identifier: MIT */
/* From a set's embeddings to what the report tells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "kernels/kernels.h"
#include "measure.h"

/* Above this similarity two embeddings are of the same pixels. */
#define IDENTICAL 0.999999f

static const double rates_reported[] = {1e-2, 1e-3, 1e-4, 1e-5};

static void count_identical(measurement *m)
{
    eval_report *r = &m->report;
    for (size_t i = m->all.same_count; i-- > 0 && m->all.same[i].score > IDENTICAL;)
        r->same_identical++;
    for (size_t i = 0; i < m->all.strangers_kept && m->all.strangers[i].score > IDENTICAL; i++)
        r->strangers_identical++;
    r->identical_example = r->strangers_identical ? &m->all.strangers[0] : NULL;
}

static int finish(measurement *m, const picture_set *set, const eval_vectors *vectors,
                  const eval_options *options)
{
    static const char *const protocols[] = {"pairs", "identities", "calibrate"};
    figure_plan plan = {.rates = rates_reported,
                        .rate_count = sizeof rates_reported / sizeof *rates_reported,
                        .person = m->person_of,
                        .picture_count = m->picture_count,
                        .person_count = set->person_count,
                        .draws = options->draws,
                        .threads = options->threads};
    m->report.protocol = protocols[options->protocol];
    m->report.measured_on = strstr(vectors->how, ",raw") ? "raw" : "aligned";
    m->report.set = set;
    m->report.vectors = vectors;
    m->report.all = &m->all;
    m->report.picture_of = m->picture_of;
    count_identical(m);
    return figures_make(&m->report.figures, &m->all, &plan);
}

static int begin(measurement *m, size_t pictures)
{
    memset(m, 0, sizeof *m);
    m->picture_of = malloc(2 * pictures * sizeof *m->picture_of);
    if (!m->picture_of)
        return complain_memory("the pictures");
    m->person_of = m->picture_of + pictures;
    return 0;
}

void measure_free(measurement *m)
{
    evidence_free(&m->all);
    free(m->picture_of);
    memset(m, 0, sizeof *m);
}

/* Nothing was left to compare: the first failure's reason, which may be everybody's. */
static int complain_nothing(const picture_set *set, const eval_vectors *vectors)
{
    for (size_t i = 0; i < vectors->count; i++)
        if (vectors->failures[i])
            return complain("nothing to compare: %zu of %zu pictures could not be embedded, the first, %s: %s",
                            vectors->failure_count, vectors->count, set->pictures[i].name,
                            vectors->failures[i]);
    return complain("nothing to compare: %zu pictures", vectors->count);
}

/* Comparisons of one person and of strangers, among all pictures or among those that are enrolled. */
static void count_comparisons(const picture_set *set, const eval_vectors *vectors, int only_enrolled,
                              uint64_t *counts, uint64_t *same, uint64_t *strangers)
{
    uint64_t pictures = 0;
    memset(counts, 0, set->person_count * sizeof *counts);
    *same = 0;
    for (size_t i = 0; i < set->picture_count; i++)
        if (!only_enrolled || !vectors->failures[i]) {
            counts[set->pictures[i].person]++;
            pictures++;
        }
    for (size_t p = 0; p < set->person_count; p++)
        *same += counts[p] * (counts[p] - (counts[p] > 0)) / 2;
    *strangers = pictures * (pictures - (pictures > 0)) / 2 - *same;
}

static int count_lost(eval_report *r, const picture_set *set, const eval_vectors *vectors)
{
    uint64_t same, strangers, same_left, strangers_left;
    uint64_t *counts = malloc((set->person_count + 1) * sizeof *counts);
    if (!counts)
        return complain_memory("counting people");
    count_comparisons(set, vectors, 0, counts, &same, &strangers);
    count_comparisons(set, vectors, 1, counts, &same_left, &strangers_left);
    r->same_lost = same - same_left;
    r->strangers_lost = strangers - strangers_left;
    free(counts);
    return 0;
}

/* Moves the rows of enrolled pictures together; the failed ones' rows are zero and of no use. */
static void close_ranks(measurement *m, const picture_set *set, eval_vectors *vectors)
{
    for (size_t i = 0; i < set->picture_count; i++) {
        if (vectors->failures[i])
            continue;
        if (i != m->picture_count)
            memcpy(vectors_row(vectors, m->picture_count), vectors_row(vectors, i),
                   vectors->stride * sizeof(float));
        m->picture_of[m->picture_count] = (uint32_t)i;
        m->person_of[m->picture_count++] = set->pictures[i].person;
    }
}

int measure_identities(measurement *m, const picture_set *set, eval_vectors *vectors,
                       const eval_options *options)
{
    if (begin(m, set->picture_count) != 0 || count_lost(&m->report, set, vectors) != 0)
        return -1;
    close_ranks(m, set, vectors);
    if (m->picture_count < 2)
        return complain_nothing(set, vectors);
    if (evidence_of_vectors(&m->all, vectors->rows, vectors->stride, m->picture_count, m->person_of,
                            options->threads) != 0)
        return -1;
    if (m->all.stranger_count == 0)
        return complain("all pictures are of one person (%s): strangers are needed to measure anything",
                        set->people[m->person_of[0]]);
    return finish(m, set, vectors, options);
}

/* ---- pairs of a list */

typedef struct pair_scores {
    float *scores; /* of every pair; NAN where a picture failed */
    comparison *compared;
    int *is_same;
    size_t count;
} pair_scores;

static int score_pairs(pair_scores *s, eval_report *r, const eval_vectors *vectors, const pair_list *list)
{
    const ve__kernels *kernels;
    if (ve__kernels_select(&kernels) != VE_OK)
        return complain("%s", ve_last_error());
    s->scores = malloc(list->count * sizeof *s->scores);
    s->compared = malloc(list->count * sizeof *s->compared);
    s->is_same = malloc(list->count * sizeof *s->is_same);
    if (!s->scores || !s->compared || !s->is_same)
        return complain_memory("the pairs");
    for (size_t i = 0; i < list->count; i++) {
        const eval_pair *pair = &list->pairs[i];
        s->scores[i] = NAN;
        if (vectors->failures[pair->first] || vectors->failures[pair->second]) {
            *(pair->is_same ? &r->same_lost : &r->strangers_lost) += 1;
            continue;
        }
        kernels->search.dot_rows(vectors_row(vectors, pair->first), vectors->stride, 1,
                                 vectors_row(vectors, pair->second), vectors->stride, 1,
                                 (unsigned)vectors->stride, &s->scores[i], 1);
        comparison c = {s->scores[i], pair->first, pair->second};
        s->compared[s->count] = c;
        s->is_same[s->count++] = pair->is_same;
    }
    return 0;
}

int measure_pairs(measurement *m, const picture_set *set, const eval_vectors *vectors, const pair_list *list,
                  const eval_options *options)
{
    pair_scores s = {0};
    if (begin(m, set->picture_count) != 0)
        return -1;
    m->picture_count = set->picture_count;
    for (size_t i = 0; i < set->picture_count; i++) {
        m->picture_of[i] = (uint32_t)i;
        m->person_of[i] = set->pictures[i].person;
    }
    int result = score_pairs(&s, &m->report, vectors, list);
    if (result == 0)
        result = s.count ? 0 : complain_nothing(set, vectors);
    if (result == 0)
        result = evidence_of_list(&m->all, s.compared, s.is_same, s.count);
    if (result == 0)
        result =
            folds_decide(&m->report.folds, list, s.scores, m->person_of, set->person_count, options->draws);
    if (result == 0)
        result = finish(m, set, vectors, options);
    free(s.scores);
    free(s.compared);
    free(s.is_same);
    return result;
}
