/* SPDX-License-Identifier: MIT */
/* register, login, identify, list, remove, unlock. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "attempts.h"
#include "decide.h"
#include "live.h"
#include "people.h"
#include "report.h"

/* What a command that looks at faces works with. Zeroed at birth; close_bench releases whatever is there. */
typedef struct workbench {
    const auth_settings *settings;
    char path[PATH_MAX];
    ve_store *store;
    face_recognizer recognizer;
    float threshold;
    float *templates; /* of the settings' pictures, or one of all frames */
    size_t template_count;
    int is_live;
    int compared; /* login: a template was held against the person's */
} workbench;

static auth_outcome start(workbench *bench, const auth_settings *settings)
{
    memset(bench, 0, sizeof *bench);
    bench->settings = settings;
    if (people_path(settings, bench->path, sizeof bench->path) != 0)
        return report(settings, TROUBLE, "no_store", NULL, "%s",
                      settings->store ? "--store: the path is empty or too long"
                                      : "no HOME is set, or it is too long; name the store with --store FILE");
    return ACCEPTED;
}

static void close_bench(workbench *bench)
{
    templates_free(&bench->recognizer, bench->template_count, bench->templates);
    recognizer_close(&bench->recognizer);
    ve_store_close(bench->store);
}

static auth_outcome open_store(workbench *bench, people_mode mode, const ve_model_info *info)
{
    ve_status status = people_open(bench->path, mode, info, bench->settings->compatible, &bench->store);
    if (status == VE_OK)
        return ACCEPTED;
    if (status == VE_ERR_NOT_FOUND && mode != PEOPLE_CREATE)
        return report(bench->settings, TROUBLE, "no_store", bench->settings->name,
                      "nobody is registered yet: there is no store %s", bench->path);
    return report_failure(bench->settings, status == VE_ERR_MISMATCH ? "other_model" : "bad_store");
}

static auth_outcome open_model(workbench *bench)
{
    auth_outcome outcome = recognizer_open(&bench->recognizer, bench->settings);
    if (outcome == ACCEPTED)
        outcome = decide_threshold(bench->settings, bench->recognizer.model, &bench->threshold);
    return outcome;
}

/* Templates of another model mean nothing to this one. */
static auth_outcome check_model(const workbench *bench)
{
    ve_store_info info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    if (ve_store_get_info(bench->store, &info) != VE_OK)
        return report_failure(bench->settings, "bad_store");
    const char *compatible = bench->settings->compatible;
    if ((strcmp(info.fingerprint, bench->recognizer.info.fingerprint) == 0 ||
         (compatible && strcmp(info.fingerprint, compatible) == 0)) &&
        info.dim == bench->recognizer.info.dim)
        return ACCEPTED;
    return report(
        bench->settings, TROUBLE, "other_model", bench->settings->name,
        "%s was made with model %s (%.12s...), this is %s (%.12s...): pictures must be registered anew",
        bench->path, info.model_name, info.fingerprint, bench->recognizer.info.name,
        bench->recognizer.info.fingerprint);
}

/* One template of all frames. */
static auth_outcome look_at_frames(workbench *bench)
{
    bench->templates = calloc(bench->recognizer.info.dim, sizeof *bench->templates);
    if (!bench->templates)
        return report(bench->settings, TROUBLE, "no_memory", NULL, "no memory for a template");
    bench->template_count = 1;
    bench->is_live = 1;
    return live_template(&bench->recognizer, bench->settings, bench->threshold, bench->templates);
}

/* Model, its fit to the store, templates of all pictures or frames. */
static auth_outcome look_at_pictures(workbench *bench)
{
    auth_outcome outcome = open_model(bench);
    if (outcome == ACCEPTED && bench->store)
        outcome = check_model(bench);
    if (outcome != ACCEPTED)
        return outcome;
    if (source_is_wanted(bench->settings))
        return look_at_frames(bench);
    outcome = recognizer_templates(&bench->recognizer, bench->settings, &bench->templates);
    bench->template_count = outcome == ACCEPTED ? bench->settings->picture_count : 0;
    return outcome;
}

/* What template i was made of, for messages. */
static const char *origin_of(const workbench *bench, size_t i)
{
    return bench->is_live ? "the face in the frames" : bench->settings->pictures[i];
}

/* How many templates the settings' pictures or frames will make. */
static size_t templates_wanted(const auth_settings *settings)
{
    return source_is_wanted(settings) ? 1 : settings->picture_count;
}

static const float *template_of(const workbench *bench, size_t picture)
{
    return bench->templates + picture * bench->recognizer.info.dim;
}

/* ------------------------------------------------------------------ login */

static auth_outcome not_registered(const auth_settings *settings)
{
    return report(settings, REJECTED, "not_registered", settings->name, "%s is not registered", settings->name);
}

/* Sets bench->compared with the decision; TROUBLE after a report. With several pictures their mean score
 * decides: an outlier among them does little harm, and more pictures are not more tries. */
static auth_outcome compare_with_person(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    double sum = 0;
    for (size_t i = 0; i < bench->template_count; i++) {
        float score;
        if (people_score(bench->store, template_of(bench, i), settings->name, &score) != VE_OK)
            return report_failure(settings, "bad_store");
        report_score(settings, origin_of(bench, i), score, bench->threshold);
        sum += (double)score;
    }
    bench->compared = 1;
    return sum / (double)bench->template_count >= (double)bench->threshold ? ACCEPTED : REJECTED;
}

static auth_outcome report_decision(const auth_settings *settings, auth_outcome outcome)
{
    if (outcome == ACCEPTED)
        return report(settings, ACCEPTED, NULL, settings->name, "%s", settings->name);
    return report(settings, REJECTED, "no_match", settings->name, "this does not look like %s", settings->name);
}

/* Counted before anything is looked at; told after it was counted. */
static auth_outcome attempt_login(workbench *bench)
{
    auth_outcome outcome = attempts_begin(bench->settings, bench->path);
    if (outcome != ACCEPTED)
        return outcome;
    outcome = look_at_pictures(bench);
    if (outcome == ACCEPTED)
        outcome = compare_with_person(bench);
    if (attempts_end(bench->settings, bench->path, outcome, bench->compared) != ACCEPTED)
        return TROUBLE;
    return bench->compared ? report_decision(bench->settings, outcome) : outcome;
}

static auth_outcome log_in(workbench *bench)
{
    size_t count;
    auth_outcome outcome = open_store(bench, PEOPLE_READ, NULL);
    if (outcome != ACCEPTED)
        return outcome;
    if (people_count(bench->store, bench->settings->name, &count) != VE_OK)
        return report_failure(bench->settings, "bad_store");
    if (count == 0)
        return not_registered(bench->settings);
    return attempt_login(bench);
}

auth_outcome command_login(const auth_settings *settings)
{
    workbench bench;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = log_in(&bench);
    close_bench(&bench);
    return outcome;
}

/* ------------------------------------------------------------------ identify */

static auth_outcome find_person(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    char name[256], other[256];
    float score, second;
    if (people_nearest(bench->store, bench->templates, NULL, name, &score) != VE_OK)
        return report_failure(settings, "bad_store");
    if (score < -0.5f)
        return report(settings, REJECTED, "not_registered", NULL, "nobody is registered");
    report_score(settings, name, score, bench->threshold);
    if (score < bench->threshold)
        return report(settings, REJECTED, "no_match", NULL, "this looks like nobody who is registered");
    if (people_nearest(bench->store, bench->templates, name, other, &second) != VE_OK)
        return report_failure(settings, "bad_store");
    if (second >= bench->threshold)
        report_note(settings, "warning: %s would have been accepted, too", other);
    return report(settings, ACCEPTED, NULL, name, "%s", name);
}

auth_outcome command_identify(const auth_settings *settings)
{
    workbench bench;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = open_store(&bench, PEOPLE_READ, NULL);
    if (outcome == ACCEPTED)
        outcome = look_at_pictures(&bench);
    if (outcome == ACCEPTED)
        outcome = find_person(&bench);
    close_bench(&bench);
    return outcome;
}

/* ------------------------------------------------------------------ register */

/* Whether the name may get so many templates more: a stranger must not add a face to somebody's name. */
static auth_outcome check_name_is_free(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    size_t count = 0;
    if (bench->store && people_count(bench->store, settings->name, &count) != VE_OK)
        return report_failure(settings, "bad_store");
    if (count > 0 && !settings->add)
        return report(settings, REJECTED, "name_taken", settings->name,
                      "%s is registered already; --add adds a picture of the same person", settings->name);
    if (count == 0 && settings->add)
        return not_registered(settings);
    if (count + templates_wanted(settings) > MAX_TEMPLATES)
        return report(settings, REJECTED, "too_many_pictures", settings->name,
                      "%s has %zu pictures and would have %zu; a person may have %u", settings->name, count,
                      count + templates_wanted(settings), MAX_TEMPLATES);
    return ACCEPTED;
}

/* Every picture must look like one of the others, so that one registration is one person. */
static auth_outcome check_pictures_agree(const workbench *bench)
{
    const auth_settings *settings = bench->settings;
    for (size_t i = 0; i < bench->template_count && bench->template_count > 1; i++) {
        float best = -1.0f;
        for (size_t j = 0; j < bench->template_count; j++) {
            float score =
                ve_similarity(template_of(bench, i), template_of(bench, j), bench->recognizer.info.dim);
            if (j != i && score > best)
                best = score;
        }
        report_score(settings, origin_of(bench, i), best, bench->threshold);
        if (best < bench->threshold)
            return report(settings, REJECTED, "different_people", settings->name,
                          "%s does not seem to show the same person as the other pictures",
                          origin_of(bench, i));
    }
    return ACCEPTED;
}

/* --add: each new picture must look like the person it is added to. */
static auth_outcome check_same_person(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    for (size_t i = 0; i < bench->template_count && settings->add; i++) {
        float score;
        if (people_score(bench->store, template_of(bench, i), settings->name, &score) != VE_OK)
            return report_failure(settings, "bad_store");
        report_score(settings, origin_of(bench, i), score, bench->threshold);
        if (score < bench->threshold)
            return report(settings, REJECTED, "no_match", settings->name, "%s does not look like %s",
                          origin_of(bench, i), settings->name);
    }
    return ACCEPTED;
}

static auth_outcome note_other_names(workbench *bench, const char **reason)
{
    const auth_settings *settings = bench->settings;
    for (size_t i = 0; i < bench->template_count; i++) {
        char other[256];
        float score;
        if (people_nearest(bench->store, template_of(bench, i), settings->name, other, &score) != VE_OK)
            return report_failure(settings, "bad_store");
        if (score >= bench->threshold) {
            report_note(settings, "warning: %s looks like %s, who is registered", origin_of(bench, i), other);
            *reason = "looks_like_another";
        }
    }
    return ACCEPTED;
}

static auth_outcome store_person(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    const char *reason = NULL;
    auth_outcome outcome = check_same_person(bench);
    if (outcome == ACCEPTED)
        outcome = note_other_names(bench, &reason);
    if (outcome != ACCEPTED)
        return outcome;
    if (people_add(bench->store, settings->name, bench->templates, bench->template_count,
                   bench->recognizer.info.dim) != VE_OK)
        return report_failure(settings, "bad_store");
    return report(settings, ACCEPTED, reason, settings->name, "%s %s with %zu %spicture%s", settings->name,
                  settings->add ? "is registered, now" : "is registered", bench->template_count,
                  settings->add ? "more " : "", bench->template_count == 1 ? "" : "s");
}

/* The name is looked up first, then the pictures are read, and only then a new store is made: pictures that
 * cannot be read leave nothing behind. */
static auth_outcome register_person(workbench *bench)
{
    ve_status status = people_open(bench->path, PEOPLE_CHANGE, NULL, NULL, &bench->store);
    if (status != VE_OK && status != VE_ERR_NOT_FOUND)
        return report_failure(bench->settings, "bad_store");
    int is_new = bench->store == NULL;
    auth_outcome outcome = check_name_is_free(bench);
    if (outcome == ACCEPTED)
        outcome = look_at_pictures(bench);
    if (outcome == ACCEPTED)
        outcome = check_pictures_agree(bench);
    if (outcome == ACCEPTED && is_new) {
        outcome = open_store(bench, PEOPLE_CREATE, &bench->recognizer.info);
        if (outcome == ACCEPTED) /* another process may have made it meanwhile */
            outcome = check_name_is_free(bench);
    }
    return outcome == ACCEPTED ? store_person(bench) : outcome;
}

auth_outcome command_register(const auth_settings *settings)
{
    workbench bench;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = register_person(&bench);
    close_bench(&bench);
    return outcome;
}

/* ------------------------------------------------------------------ list, remove */

static auth_outcome list_labels(workbench *bench, ve_store_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char added[32];
        if (people_added(bench->store, labels[i].label, added) != VE_OK)
            return report_failure(bench->settings, "bad_store");
        report_person(bench->settings, labels[i].label, (size_t)labels[i].count, added);
    }
    if (count == 0)
        report_note(bench->settings, "nobody is registered");
    return ACCEPTED;
}

static auth_outcome list_people(workbench *bench)
{
    size_t count = 0;
    ve_status status = ve_store_labels(bench->store, NULL, 0, &count);
    if (status != VE_OK && status != VE_ERR_TOO_SMALL)
        return report_failure(bench->settings, "bad_store");
    ve_store_label *labels = calloc(count + 1, sizeof *labels);
    if (!labels)
        return report(bench->settings, TROUBLE, "no_memory", NULL, "no memory for %zu names", count);
    status = ve_store_labels(bench->store, labels, count + 1, &count);
    auth_outcome outcome =
        status == VE_OK ? list_labels(bench, labels, count) : report_failure(bench->settings, "bad_store");
    free(labels);
    return outcome;
}

auth_outcome command_list(const auth_settings *settings)
{
    workbench bench;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = open_store(&bench, PEOPLE_READ, NULL);
    if (outcome == ACCEPTED)
        outcome = list_people(&bench);
    close_bench(&bench);
    return outcome;
}

static auth_outcome remove_person(workbench *bench)
{
    const auth_settings *settings = bench->settings;
    uint64_t removed = 0;
    ve_status status = ve_store_remove_label(bench->store, settings->name, &removed);
    if (status == VE_ERR_NOT_FOUND)
        return not_registered(settings);
    if (status != VE_OK)
        return report_failure(settings, "bad_store");
    if (attempts_forget(settings, bench->path) != ACCEPTED)
        return TROUBLE;
    return report(settings, ACCEPTED, NULL, settings->name,
                  "%s is removed, and what was kept of %llu picture%s is erased", settings->name,
                  (unsigned long long)removed, removed == 1 ? "" : "s");
}

auth_outcome command_remove(const auth_settings *settings)
{
    workbench bench;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = open_store(&bench, PEOPLE_CHANGE, NULL);
    if (outcome == ACCEPTED)
        outcome = remove_person(&bench);
    close_bench(&bench);
    return outcome;
}

auth_outcome command_unlock(const auth_settings *settings)
{
    workbench bench;
    size_t count = 0;
    auth_outcome outcome = start(&bench, settings);
    if (outcome == ACCEPTED)
        outcome = open_store(&bench, PEOPLE_READ, NULL);
    if (outcome == ACCEPTED && people_count(bench.store, settings->name, &count) != VE_OK)
        outcome = report_failure(settings, "bad_store");
    if (outcome == ACCEPTED && count == 0)
        outcome = not_registered(settings);
    if (outcome == ACCEPTED)
        outcome = attempts_forget(settings, bench.path);
    if (outcome == ACCEPTED)
        report(settings, ACCEPTED, NULL, settings->name, "failed attempts to be %s are forgotten",
               settings->name);
    close_bench(&bench);
    return outcome;
}
