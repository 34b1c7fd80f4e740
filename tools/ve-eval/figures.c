/* SPDX-License-Identifier: MIT */
/* Error rates, thresholds and their intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "figures.h"
#include "resample.h"

/* ---- one threshold */

size_t figures_same_above(const evidence *all, float score)
{
    size_t low = 0, high = all->same_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->same[middle].score > score)
            high = middle;
        else
            low = middle + 1;
    }
    return all->same_count - low;
}

static size_t strangers_above(const evidence *all, float score)
{
    size_t low = 0, high = all->strangers_kept;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->strangers[middle].score > score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The share that is accepted of each person's comparisons, its mean over people. */
static int measure_people(operating_point *point, figures *result, const evidence *all, const figure_plan *plan)
{
    uint32_t *counts = calloc(2 * plan->person_count, sizeof *counts), *hits = counts + plan->person_count;
    double sum = 0;
    result->same_people = 0;
    if (!counts)
        return complain_memory("counting people");
    for (size_t i = 0; i < all->same_count; i++) {
        uint32_t person = plan->person[all->same[i].first];
        counts[person]++;
        hits[person] += all->same[i].score >= point->threshold;
    }
    for (size_t p = 0; p < plan->person_count; p++)
        if (counts[p]) {
            sum += (double)hits[p] / counts[p];
            result->same_people++;
        }
    point->true_share_people = result->same_people ? sum / (double)result->same_people : NAN;
    free(counts);
    return 0;
}

/* At most floor(rate n) strangers may be accepted, so the threshold lies just above the next one. */
static int measure_point(operating_point *point, figures *result, const evidence *all, const figure_plan *plan)
{
    const interval unknown = {NAN, NAN};
    double allowed = floor(point->rate * (double)all->stranger_count * (1 + 1e-12));
    point->true_interval = point->false_interval = unknown;
    point->true_share = NAN;
    point->is_measurable = allowed >= 1 && allowed < (double)all->strangers_kept;
    point->threshold = NAN;
    if (point->is_measurable) {
        float next = all->strangers[(size_t)allowed].score;
        point->threshold = nextafterf(next, 2.0f);
        point->false_accepts = strangers_above(all, next);
        point->true_accepts = figures_same_above(all, next);
        if (all->same_count)
            point->true_share = (double)point->true_accepts / (double)all->same_count;
    }
    return measure_people(point, result, all, plan);
}

/* ---- the equal error rate: where the line between two neighbouring points of the curve meets it */

typedef struct rates {
    double accept, reject; /* of strangers, of the same person */
} rates;

static int has_crossed(rates *from, rates to, figures *result)
{
    double before = from->accept - from->reject, after = to.accept - to.reject;
    if (after > 0) {
        *from = to;
        return 0;
    }
    double share = before > after ? before / (before - after) : 0;
    result->eer = from->accept + share * (to.accept - from->accept);
    return 1;
}

/* Walks through the scores of the bin where the rates cross, one threshold after the other. */
static void find_equal_rate(figures *result, const evidence *all)
{
    uint64_t above = 0;
    size_t same = 0, i = 0;
    for (uint32_t bin = all->crossing_bin; bin < EVIDENCE_BINS; bin++)
        above += all->stranger_bins[bin];
    for (uint32_t bin = 0; bin < all->crossing_bin; bin++)
        same += (size_t)all->same_bins[bin];
    size_t same_end = same + (size_t)all->same_bins[all->crossing_bin];
    double strangers = (double)all->stranger_count, own = (double)all->same_count;
    rates at = {(double)above / strangers, (double)same / own};
    result->eer = at.accept;
    while (i < all->crossing_count || same < same_end) {
        float score = i < all->crossing_count ? all->crossing[i] : INFINITY;
        if (same < same_end && all->same[same].score < score)
            score = all->same[same].score;
        for (; i < all->crossing_count && all->crossing[i] == score; i++)
            above--;
        while (same < same_end && all->same[same].score == score)
            same++;
        result->eer_threshold = nextafterf(score, 2.0f);
        rates next = {(double)above / strangers, (double)same / own};
        if (has_crossed(&at, next, result))
            return;
    }
}

/* The chance that a comparison of one person has a higher score than one of strangers; equal ones count half.
 */
static void find_area(figures *result, const evidence *all)
{
    double below = 0, wins = 0, ties = 0;
    for (uint32_t bin = 0; bin < EVIDENCE_BINS; bin++) {
        double same = (double)all->same_bins[bin], strangers = (double)all->stranger_bins[bin];
        wins += same * below;
        ties += same * strangers;
        below += strangers;
    }
    double pairs = (double)all->same_count * (double)all->stranger_count;
    result->auc = (wins + ties / 2) / pairs;
    result->auc_error = ties / 2 / pairs;
}

int figures_make(figures *result, const evidence *all, const figure_plan *plan)
{
    memset(result, 0, sizeof *result);
    result->point_count = plan->rate_count;
    result->eer = result->auc = NAN;
    result->draws = plan->draws;
    for (size_t i = 0; i < plan->rate_count; i++) {
        result->points[i].rate = plan->rates[i];
        if (measure_point(&result->points[i], result, all, plan) != 0)
            return -1;
    }
    if (all->same_count && all->stranger_count) {
        find_equal_rate(result, all);
        find_area(result, all);
    }
    return resample_points(result, all, plan);
}

/* ---- intervals */

interval figures_wilson(uint64_t hits, uint64_t count)
{
    const double z = 1.959963984540054;
    if (count == 0) {
        interval unknown = {NAN, NAN};
        return unknown;
    }
    double n = (double)count, share = (double)hits / n;
    double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    interval result = {hits == 0 ? 0 : centre - half, hits == count ? 1 : centre + half};
    return result;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double value_at(const double *sorted, size_t n, double share)
{
    double at = share * (double)(n - 1), low = floor(at);
    size_t i = (size_t)low;
    return i + 1 < n ? sorted[i] + (at - low) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

interval figures_percentiles(double *values, size_t n)
{
    interval result = {NAN, NAN};
    if (n == 0)
        return result;
    qsort(values, n, sizeof *values, compare_doubles);
    result.low = value_at(values, n, 0.025);
    result.high = value_at(values, n, 0.975);
    return result;
}

void figures_draw_people(unsigned draw, size_t n, uint16_t *times)
{
    uint64_t state = 0x243f6a8885a308d3u + 0x100000001b3u * (uint64_t)draw;
    memset(times, 0, n * sizeof *times);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = state += 0x9e3779b97f4a7c15u; /* splitmix64 */
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        x ^= x >> 31;
        times[(x >> 32) * n >> 32]++; /* n is below 2^32 */
    }
}
