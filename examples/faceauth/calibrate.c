/* SPDX-License-Identifier: MIT */
/* What the threshold means for the people who are registered: the similarities of all pairs of templates, of
 * the same person (genuine) and of two (impostor). Few pairs say little, and that is said. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "people.h"
#include "report.h"

/* Everybody's templates. */
typedef struct gallery {
    size_t count, dim;
    float *vectors;
    char (*names)[256];
} gallery;

typedef struct scores {
    size_t count, accepted;
    double lowest, highest, sum;
} scores;

static void add_score(scores *kind, double score, double threshold)
{
    kind->lowest = kind->count && kind->lowest < score ? kind->lowest : score;
    kind->highest = kind->count && kind->highest > score ? kind->highest : score;
    kind->sum += score;
    kind->count++;
    kind->accepted += score >= threshold;
}

static ve_status read_gallery(ve_store *store, gallery *all)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store_record record;
    uint64_t id = 0;
    ve_status status = ve_store_get_info(store, &info);
    if (status != VE_OK)
        return status;
    all->dim = info.dim;
    all->vectors = calloc((size_t)info.count + 1, all->dim * sizeof *all->vectors);
    all->names = calloc((size_t)info.count + 1, sizeof *all->names);
    if (!all->vectors || !all->names)
        return VE_ERR_MEMORY;
    while (all->count < info.count &&
           (status = ve_store_next(store, id, &record, all->vectors + all->count * all->dim)) == VE_OK) {
        strcpy(all->names[all->count++], record.label);
        id = record.id;
    }
    return status == VE_ERR_NOT_FOUND ? VE_OK : status;
}

static void compare_all(const gallery *all, double threshold, scores *genuine, scores *impostor)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t j = i + 1; j < all->count; j++) {
            double score =
                (double)ve_similarity(all->vectors + i * all->dim, all->vectors + j * all->dim, all->dim);
            add_score(strcmp(all->names[i], all->names[j]) == 0 ? genuine : impostor, score, threshold);
        }
}

/* The upper end of Wilson's 95 % interval for a rate; 3 / n when nothing was seen. */
static double upper_bound(size_t hits, size_t count)
{
    double n = (double)count, share = (double)hits / n, z = 1.96;
    if (hits == 0)
        return n < 3 ? 1.0 : 3.0 / n;
    double middle = share + z * z / (2 * n), spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return (middle + spread) / (1 + z * z / n);
}

static void tell_impostors(const auth_settings *settings, const scores *kind, double threshold)
{
    if (kind->count == 0) {
        report_line(settings, "strangers: one person alone is registered: nothing can be said");
        return;
    }
    report_line(
        settings,
        "strangers: %zu pairs of different people, similarity %.3f to %.3f, mean %.3f; %zu would be accepted",
        kind->count, kind->lowest, kind->highest, kind->sum / (double)kind->count, kind->accepted);
    report_line(settings, "  from so few pairs, as if they were independent, the rate may be as high as %.2g",
                upper_bound(kind->accepted, kind->count));
    if (kind->highest >= threshold)
        report_line(settings, "  a threshold of %.3f would refuse them all", kind->highest + 0.001);
}

static void tell_genuine(const auth_settings *settings, const scores *kind)
{
    if (kind->count == 0) {
        report_line(settings, "the same person: nobody has two pictures: nothing can be said");
        return;
    }
    report_line(settings,
                "the same person: %zu pairs, similarity %.3f to %.3f, mean %.3f; %zu would be rejected",
                kind->count, kind->lowest, kind->highest, kind->sum / (double)kind->count,
                kind->count - kind->accepted);
    report_line(settings, "  from so few pairs, as if they were independent, the rate may be as high as %.2g",
                upper_bound(kind->count - kind->accepted, kind->count));
}

static auth_outcome calibrate(const auth_settings *settings, ve_store *store, double threshold)
{
    gallery all = {0, 0, NULL, NULL};
    scores genuine = {0, 0, 0, 0, 0}, impostor = {0, 0, 0, 0, 0};
    ve_status status = read_gallery(store, &all);
    if (status == VE_OK) {
        compare_all(&all, threshold, &genuine, &impostor);
        report_line(settings, "%zu templates; threshold %.4f", all.count, threshold);
        tell_genuine(settings, &genuine);
        tell_impostors(settings, &impostor, threshold);
    }
    ve_wipe(all.vectors, all.count * all.dim * sizeof *all.vectors);
    free(all.vectors);
    free(all.names);
    return status == VE_OK ? ACCEPTED : report_failure(settings, "bad_store");
}

auth_outcome command_calibrate(const auth_settings *settings)
{
    char path[PATH_MAX];
    ve_store *store = NULL;
    face_recognizer recognizer;
    auth_settings model_only = *settings;
    float threshold = 0;
    model_only.is_aligned = 1; /* templates are there already: no detector is needed */
    if (people_path(settings, path, sizeof path) != 0)
        return report(settings, TROUBLE, "no_store", NULL, "no place for the store; name it with --store FILE");
    auth_outcome outcome = recognizer_open(&recognizer, &model_only);
    if (outcome == ACCEPTED)
        outcome = decide_threshold(settings, recognizer.model, &threshold);
    if (outcome == ACCEPTED &&
        people_open(path, PEOPLE_READ, &recognizer.info, settings->compatible, &store) != VE_OK)
        outcome = report_failure(settings, "bad_store");
    if (outcome == ACCEPTED)
        outcome = calibrate(settings, store, (double)threshold);
    recognizer_close(&recognizer);
    ve_store_close(store);
    return outcome;
}
