/* SPDX-License-Identifier: MIT */
/* ve-eval: how well a model tells people apart. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "common/streams.h"
#include "complain.h"
#include "embed.h"
#include "measure.h"
#include "options.h"
#include "vew_thresholds.h"

#define EXIT_TROUBLE 2

/* ---- what goes in */

static int find_model(const eval_options *options, char *path)
{
    return model_path_find(options->model, path, PATH_MAX) == 0
               ? 0
               : complain("no weight file found; name one with -m FILE");
}

static int open_detector(const eval_options *options, ve_detector **detector)
{
    char path[PATH_MAX];
    if (detector_path_find(options->detector, path, sizeof path) != 0)
        return complain(
            "no face detector found; name its weight file with --detector FILE or VE_DETECTOR, or give "
            "aligned faces without --raw");
    return ve_detector_open(path, NULL, detector) == VE_OK ? 0 : complain("%s", ve_last_error());
}

static int embed_with(const ve_model *model, eval_vectors *vectors, const picture_set *set,
                      const eval_options *options)
{
    ve_detector *detector = NULL;
    if (options->is_raw && open_detector(options, &detector) != 0)
        return -1;
    embed_plan plan = {.model = model,
                       .detector = detector,
                       .smallest_face = options->smallest_face,
                       .threads = options->threads,
                       .condition = options->condition,
                       .use_flip = options->use_flip};
    int result = embed_set(vectors, set, &plan);
    ve_detector_close(detector);
    return result;
}

static int embed_pictures(eval_vectors *vectors, const picture_set *set, const eval_options *options)
{
    char path[PATH_MAX];
    ve_model *model = NULL;
    if (find_model(options, path) != 0)
        return -1;
    if (ve_model_open(path, NULL, &model) != VE_OK)
        return complain("%s", ve_last_error());
    int result = embed_with(model, vectors, set, options);
    ve_model_close(model);
    if (result == 0 && options->save)
        result = vectors_save(vectors, set, options->save);
    return result;
}

static int get_set(picture_set *set, pair_list *list, const eval_options *options)
{
    if (options->protocol == PROTOCOL_PAIRS)
        return pairs_read(list, set, options->pairs, options->images, options->allow_missing);
    return options->images ? set_scan(set, options->images) : vectors_load_names(set, options->load);
}

/* ---- what comes out */

static int write_report(const char *path, const eval_report *report, void (*write)(const eval_report *, FILE *))
{
    if (!path)
        return 0;
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file)
        return complain("%s: %s", path, strerror(errno));
    write(report, file);
    return streams_finish("ve-eval", file, path);
}

/* The table goes into the model that made the embeddings, and into no other. */
static int write_model(const eval_report *report, const eval_options *options)
{
    char path[PATH_MAX], source[256];
    ve_threshold rows[MAX_POINTS];
    ve_model_info info = VE_MODEL_INFO_INIT;
    ve_model *model;
    size_t count = 0;
    if (find_model(options, path) != 0)
        return -1;
    if (ve_model_open(path, NULL, &model) != VE_OK)
        return complain("%s", ve_last_error());
    ve_model_get_info(model, &info);
    ve_model_close(model);
    if (strcmp(info.fingerprint, report->vectors->fingerprint) != 0)
        return complain("%s: not the model that made the embeddings", path);
    for (size_t i = 0; i < report->figures.point_count; i++)
        if (report_is_row(&report->figures.points[i])) {
            rows[count].false_accept_rate = (float)report->figures.points[i].rate;
            rows[count++].similarity = (float)report_table_similarity(&report->figures.points[i]);
        }
    if (count == 0)
        return complain("no rate can be measured with %llu comparisons of strangers: no table to write",
                        (unsigned long long)report->all->stranger_count);
    report_source(report, source, sizeof source);
    return vew_thresholds_write(path, options->write, rows, count, source);
}

static int write_all(const eval_report *report, const eval_options *options)
{
    int is_quiet = options->json && strcmp(options->json, "-") == 0;
    if (options->protocol == PROTOCOL_CALIBRATE) {
        if (options->write && write_model(report, options) != 0)
            return -1;
        if (write_report(is_quiet ? NULL : "-", report, report_text) != 0 ||
            write_report(options->json, report, report_thresholds) != 0)
            return -1;
    } else if (write_report(is_quiet ? NULL : "-", report, report_text) != 0 ||
               write_report(options->json, report, report_json) != 0) {
        return -1;
    }
    if (write_report(options->roc, report, report_roc) != 0)
        return -1;
    return write_report(options->histogram, report, report_histogram);
}

/* The last part of the folder's name, or of the embeddings'. */
static const char *name_of(const eval_options *options, char *name, size_t capacity)
{
    snprintf(name, capacity, "%s",
             options->name     ? options->name
             : options->images ? options->images
                               : options->load);
    if (options->name)
        return name;
    for (size_t length = strlen(name); length > 1 && name[length - 1] == '/';)
        name[--length] = '\0';
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

static int run(const eval_options *options)
{
    char name[PATH_MAX];
    picture_set set = {0};
    pair_list list = {0};
    eval_vectors vectors = {0};
    measurement m = {0};
    int result = get_set(&set, &list, options);
    if (result == 0)
        result = options->load ? vectors_load(&vectors, &set, options->load)
                               : embed_pictures(&vectors, &set, options);
    if (result == 0)
        result = options->protocol == PROTOCOL_PAIRS ? measure_pairs(&m, &set, &vectors, &list, options)
                                                     : measure_identities(&m, &set, &vectors, options);
    m.report.set_name = name_of(options, name, sizeof name);
    if (result == 0)
        result = write_all(&m.report, options);
    measure_free(&m);
    vectors_free(&vectors);
    pairs_free(&list);
    set_free(&set);
    return result;
}

int main(int argc, char **argv)
{
    eval_options options;
    if (streams_prepare("ve-eval") != 0)
        return EXIT_TROUBLE;
    next_step next = options_read(argc, argv, &options);
    if (next == NEXT_DONE)
        return streams_finish("ve-eval", stdout, "standard output") == 0 ? 0 : EXIT_TROUBLE;
    return next == NEXT_RUN && run(&options) == 0 ? 0 : EXIT_TROUBLE;
}
