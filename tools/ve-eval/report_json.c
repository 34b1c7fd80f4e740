/* SPDX-License-Identifier: MIT */
/* The report for programs: one JSON object; what is not known is null. Nothing in it changes from one run to
 * the next on the same machine. */
#include <inttypes.h>
#include <math.h>

#include "common/text.h"
#include "report.h"

#define HARDEST 20u

static void put_number(FILE *out, const char *before, double value)
{
    fputs(before, out);
    if (isfinite(value))
        fprintf(out, "%.10g", value);
    else
        fputs("null", out);
}

static void put_text(FILE *out, const char *before, const char *text)
{
    fputs(before, out);
    text_write_json(out, text);
}

static void put_interval(FILE *out, const char *before, interval i)
{
    fputs(before, out);
    put_number(out, "[", i.low);
    put_number(out, ", ", i.high);
    putc(']', out);
}

static void put_model(const eval_report *r, FILE *out)
{
    fprintf(out, "{\n  \"program\": \"ve-eval %s\",\n", ve_version());
    put_text(out, "  \"protocol\": ", r->protocol);
    put_text(out, ",\n  \"set\": ", r->set_name);
    put_text(out, ",\n  \"measured_on\": ", r->measured_on);
    put_text(out, ",\n  \"condition\": ", r->vectors->how);
    put_text(out, ",\n  \"model\": {\"name\": ", r->vectors->model_name);
    put_text(out, ", \"fingerprint\": ", r->vectors->fingerprint);
    fprintf(out, ", \"dim\": %u},\n", r->vectors->dim);
}

static void put_failures(const eval_report *r, FILE *out)
{
    const char *gap = "";
    put_number(out, "  \"failure_to_enrol\": {\"count\": ", (double)r->vectors->failure_count);
    put_number(out, ", \"rate\": ", (double)r->vectors->failure_count / (double)r->vectors->count);
    put_interval(out, ", \"interval\": ", figures_wilson(r->vectors->failure_count, r->vectors->count));
    fputs(", \"pictures\": [", out);
    for (size_t i = 0; i < r->vectors->count; i++)
        if (r->vectors->failures[i]) {
            fprintf(out, "%s\n    {\"picture\": ", gap);
            text_write_json(out, r->set->pictures[i].name);
            put_text(out, ", \"reason\": ", r->vectors->failures[i]);
            putc('}', out);
            gap = ",";
        }
    fputs("]},\n", out);
}

static void put_counts(const eval_report *r, FILE *out)
{
    fprintf(out, "  \"pictures\": %zu,\n  \"people\": %zu,\n  \"empty_folders\": %zu,\n", r->set->picture_count,
            r->set->person_count, r->set->empty_folders);
    put_failures(r, out);
    fprintf(out,
            "  \"comparisons\": {\"same\": %zu, \"same_people\": %zu, \"strangers\": %" PRIu64
            ", \"same_lost\": %" PRIu64 ", \"strangers_lost\": %" PRIu64
            ", \"same_identical\": %zu, \"strangers_identical\": %zu},\n",
            r->all->same_count, r->figures.same_people, r->all->stranger_count, r->same_lost, r->strangers_lost,
            r->same_identical, r->strangers_identical);
}

static void put_folds(const eval_report *r, FILE *out)
{
    const fold_figures *f = &r->folds;
    if (!f->folds) {
        fputs("  \"accuracy\": null,\n", out);
        return;
    }
    put_number(out, "  \"accuracy\": {\"mean\": ", f->accuracy);
    put_number(out, ", \"deviation\": ", f->deviation);
    put_number(out, ", \"standard_error\": ", f->standard_error);
    put_interval(out, ", \"interval\": ", f->accuracy_interval);
    put_number(out, ", \"lost_as_wrong\": ", f->strict_accuracy);
    fprintf(out, ", \"folds\": %u", f->folds);
    put_number(out, ", \"thresholds\": [", (double)f->lowest_threshold);
    put_number(out, ", ", (double)f->highest_threshold);
    fputs("]},\n", out);
}

static void put_point(const eval_report *r, const operating_point *p, FILE *out)
{
    fprintf(out, "    {\"far\": %g, \"measurable\": %s", p->rate, p->is_measurable ? "true" : "false");
    if (p->is_measurable) {
        put_number(out, ", \"threshold\": ", (double)p->threshold);
        fprintf(out, ", \"false_accepts\": %" PRIu64, p->false_accepts);
        put_interval(out, ", \"far_interval\": ", p->false_interval);
        fprintf(out, ", \"true_accepts\": %zu", p->true_accepts);
        put_number(out, ", \"tar\": ", p->true_share);
        put_interval(out, ", \"tar_interval\": ", p->true_interval);
        put_number(out, ", \"tar_each_person_once\": ", p->true_share_people);
        put_number(out, ", \"tar_lost_as_rejected\": ", report_strict_share(r, p));
    }
    putc('}', out);
}

/* The comparisons that went most wrong: where labels are wrong they show here first. */
static void put_comparison(const eval_report *r, const comparison *c, int is_first, FILE *out)
{
    fprintf(out, "%s\n    {\"score\": %.6f", is_first ? "" : ",", (double)c->score);
    put_text(out, ", \"first\": ", r->set->pictures[r->picture_of[c->first]].name);
    put_text(out, ", \"second\": ", r->set->pictures[r->picture_of[c->second]].name);
    putc('}', out);
}

static void put_hardest(const eval_report *r, FILE *out)
{
    fputs(",\n  \"most_similar_strangers\": [", out);
    for (size_t i = 0; i < r->all->strangers_kept && i < HARDEST; i++)
        put_comparison(r, &r->all->strangers[i], i == 0, out);
    fputs("\n  ],\n  \"least_similar_same\": [", out);
    for (size_t i = 0; i < r->all->same_count && i < HARDEST; i++)
        put_comparison(r, &r->all->same[i], i == 0, out);
    fputs("\n  ]", out);
}

void report_json(const eval_report *report, FILE *out)
{
    put_model(report, out);
    put_counts(report, out);
    put_folds(report, out);
    put_number(out, "  \"eer\": ", report->figures.eer);
    put_number(out, ",\n  \"eer_threshold\": ",
               isnan(report->figures.eer) ? (double)NAN : (double)report->figures.eer_threshold);
    put_number(out, ",\n  \"auc\": ", report->figures.auc);
    put_number(out, ",\n  \"auc_error\": ", report->figures.auc_error);
    fprintf(out, ",\n  \"draws\": %u,\n  \"points\": [", report->figures.draws);
    for (size_t i = 0; i < report->figures.point_count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_point(report, &report->figures.points[i], out);
    }
    fputs("\n  ]", out);
    put_hardest(report, out);
    fputs("\n}\n", out);
}

double report_table_similarity(const operating_point *point)
{
    return ceil((double)point->threshold * 1e4) / 1e4;
}

int report_is_row(const operating_point *point)
{
    return point->is_measurable && point->false_accepts >= REPORT_LEAST_ACCEPTS &&
           report_table_similarity(point) <= 1;
}

void report_source(const eval_report *report, char *text, size_t capacity)
{
    snprintf(text, capacity, "%.48s: %zu pictures of %zu people, %" PRIu64 " comparisons of strangers",
             report->set_name, report->set->picture_count - report->vectors->failure_count,
             report->set->person_count, report->all->stranger_count);
}

void report_thresholds(const eval_report *report, FILE *out)
{
    char source[256];
    const char *gap = "";
    report_source(report, source, sizeof source);
    fputs("{\n  \"thresholds\": [", out);
    for (size_t i = 0; i < report->figures.point_count; i++)
        if (report_is_row(&report->figures.points[i])) {
            fprintf(out, "%s[%g, %.4f]", gap, report->figures.points[i].rate,
                    report_table_similarity(&report->figures.points[i]));
            gap = ", ";
        }
    put_text(out, "],\n  \"thresholds_from\": ", source);
    put_text(out, ",\n  \"fingerprint\": ", report->vectors->fingerprint);
    fputs(",\n  \"thresholds_measured\": [", out);
    for (size_t i = 0; i < report->figures.point_count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_point(report, &report->figures.points[i], out);
    }
    fputs("\n  ]\n}\n", out);
}
