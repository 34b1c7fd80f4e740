/* SPDX-License-Identifier: MIT */
/* 95 % intervals by the bootstrap: people are drawn again.
 *
 * Who is drawn k times counts k times: a comparison of p with q then counts times[p] * times[q], one within p
 * times[p]. (A person's two copies are no strangers to each other.) In each draw the threshold of each rate is
 * found anew: going down through the strangers until their weight passes the rate's share of all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "complain.h"
#include "queue.h"
#include "resample.h"

typedef struct resampling {
    const figures *result;
    const evidence *all;
    const figure_plan *plan;
    uint32_t *sizes;      /* pictures of each person */
    double *true_shares;  /* [point][draw] */
    double *false_shares; /* [point][draw] */
    work_queue queue;
} resampling;

/* How often each picture counts in this draw. */
static void weigh_pictures(const resampling *r, unsigned draw, uint16_t *times, uint16_t *weights)
{
    figures_draw_people(draw, r->plan->person_count, times);
    for (size_t i = 0; i < r->plan->picture_count; i++)
        weights[i] = times[r->plan->person[i]];
}

/* The weight of all comparisons of strangers, also of those that were not kept. */
static double stranger_weight(const resampling *r, const uint16_t *times, const uint16_t *weights)
{
    double pictures = 0, own = 0, sum = 0;
    if (!r->all->is_all_pairs) {
        for (size_t i = 0; i < r->all->strangers_kept; i++)
            sum += (double)weights[r->all->strangers[i].first] * weights[r->all->strangers[i].second];
        return sum;
    }
    for (size_t p = 0; p < r->plan->person_count; p++) {
        double n = (double)times[p] * r->sizes[p];
        pictures += n;
        own += n * n;
    }
    return (pictures * pictures - own) / 2;
}

/* One walk down through the strangers: the score where each rate ends (limits), and the share at each
 * threshold. */
static void walk_strangers(resampling *r, unsigned draw, const uint16_t *weights, double total, float *limits)
{
    const figures *f = r->result;
    const comparison *strangers = r->all->strangers;
    double above = 0;
    size_t points = f->point_count, kept = r->all->strangers_kept;
    /* Rates fall from point to point, so thresholds are met from the last point to the first. */
    size_t next_limit = points, next_share = points;
    for (size_t i = 0; i <= kept; i++) {
        float score = i < kept ? strangers[i].score : -2.0f;
        while (next_share > 0 && !(score >= f->points[next_share - 1].threshold)) {
            next_share--;
            r->false_shares[next_share * f->draws + draw] = total > 0 ? above / total : NAN;
        }
        if (i < kept)
            above += (double)weights[strangers[i].first] * weights[strangers[i].second];
        while (next_limit > 0 && (i == kept || above > f->points[next_limit - 1].rate * total))
            limits[--next_limit] = score;
        if (next_limit == 0 && next_share == 0)
            return;
    }
}

static void walk_same(resampling *r, unsigned draw, const uint16_t *weights, const float *limits)
{
    const figures *f = r->result;
    const comparison *same = r->all->same;
    double above = 0, at[MAX_POINTS] = {0};
    size_t next = f->point_count; /* the last point has the highest limit */
    for (size_t i = r->all->same_count; i-- > 0;) {
        while (next > 0 && same[i].score <= limits[next - 1])
            at[--next] = above;
        above += weights[same[i].first];
    }
    while (next > 0)
        at[--next] = above;
    for (size_t p = 0; p < f->point_count; p++)
        r->true_shares[p * f->draws + draw] = above > 0 ? at[p] / above : NAN;
}

static void draw_some(void *data, unsigned thread, unsigned thread_count)
{
    resampling *r = data;
    size_t draw;
    float limits[MAX_POINTS] = {0};
    uint16_t *times = malloc((r->plan->person_count + r->plan->picture_count) * sizeof *times);
    (void)thread;
    (void)thread_count;
    if (!times)
        queue_fail(&r->queue);
    while (times && (draw = queue_take(&r->queue)) < r->result->draws) {
        uint16_t *weights = times + r->plan->person_count;
        weigh_pictures(r, (unsigned)draw, times, weights);
        double total = stranger_weight(r, times, weights);
        walk_strangers(r, (unsigned)draw, weights, total, limits);
        walk_same(r, (unsigned)draw, weights, limits);
    }
    free(times);
}

/* Draws in which nobody is compared tell nothing. */
static interval interval_of(double *values, size_t count)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[known++] = values[i];
    return figures_percentiles(values, known);
}

static int run(resampling *r)
{
    ve__pool *pool;
    if (ve__pool_create(r->plan->threads, &pool) != VE_OK)
        return complain("%s", ve_last_error());
    queue_start(&r->queue, r->result->draws, "draws of people");
    ve__pool_run(pool, draw_some, r);
    queue_end(&r->queue);
    ve__pool_free(pool);
    return r->queue.has_failed ? complain_memory("drawing people") : 0;
}

int resample_points(figures *result, const evidence *all, const figure_plan *plan)
{
    size_t values = result->point_count * result->draws;
    resampling r = {.result = result, .all = all, .plan = plan};
    if (values == 0)
        return 0;
    r.sizes = calloc(plan->person_count, sizeof *r.sizes);
    r.true_shares = malloc(2 * values * sizeof *r.true_shares);
    int ready = r.sizes && r.true_shares, status = -1;
    if (ready) {
        r.false_shares = r.true_shares + values;
        for (size_t i = 0; i < plan->picture_count; i++)
            r.sizes[plan->person[i]]++;
        status = run(&r);
    } else {
        complain_memory("drawing people");
    }
    for (size_t p = 0; status == 0 && p < result->point_count; p++) {
        if (!result->points[p].is_measurable)
            continue;
        result->points[p].false_interval = interval_of(r.false_shares + p * result->draws, result->draws);
        if (all->same_count)
            result->points[p].true_interval = interval_of(r.true_shares + p * result->draws, result->draws);
    }
    free(r.sizes);
    free(r.true_shares);
    return status;
}
