/* SPDX-License-Identifier: MIT */
/* The report for people. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report.h"

#define MAX_NAMED 10u

double report_strict_share(const eval_report *report, const operating_point *point)
{
    uint64_t all = report->all->same_count + report->same_lost;
    return all && point->is_measurable ? (double)point->true_accepts / (double)all : NAN;
}

static void put_set(const eval_report *r, FILE *out)
{
    size_t failures = r->vectors->failure_count, pictures = r->set->picture_count;
    interval share = figures_wilson(failures, pictures);
    fprintf(out, "model        %s, %.16s..., %u dimensions\n", r->vectors->model_name, r->vectors->fingerprint,
            r->vectors->dim);
    fprintf(out, "set          %s: %zu %s pictures of %zu people; %s\n", r->set_name, pictures, r->measured_on,
            r->set->person_count, r->protocol);
    fprintf(out, "condition    %s\n", r->vectors->how);
    fprintf(out, "not enrolled %zu of %zu (95 %% interval %.2g to %.2g)\n", failures, pictures, share.low,
            share.high);
    if (r->set->empty_folders)
        fprintf(out, "left out     %zu folders without a picture\n", r->set->empty_folders);
    fprintf(out, "comparisons  %zu of the same person (%zu people), %" PRIu64 " of strangers\n",
            r->all->same_count, r->figures.same_people, r->all->stranger_count);
    if (r->same_lost + r->strangers_lost)
        fprintf(out,
                "             %" PRIu64 " and %" PRIu64 " more lost with pictures that were not enrolled\n",
                r->same_lost, r->strangers_lost);
    if (r->same_identical)
        fprintf(out, "duplicates   %zu comparisons of the same person are of one picture twice\n",
                r->same_identical);
    if (r->strangers_identical)
        fprintf(out,
                "duplicates   %zu comparisons of strangers are of one picture under two names: %s and %s\n",
                r->strangers_identical, r->set->pictures[r->picture_of[r->identical_example->first]].name,
                r->set->pictures[r->picture_of[r->identical_example->second]].name);
}

static void put_whole(const eval_report *r, FILE *out)
{
    const fold_figures *f = &r->folds;
    if (f->folds) {
        fprintf(out,
                "accuracy     %.2f %%, deviation %.2f, standard error %.2f, 95 %% interval %.2f to %.2f (%u "
                "folds)\n",
                100 * f->accuracy, 100 * f->deviation, 100 * f->standard_error, 100 * f->accuracy_interval.low,
                100 * f->accuracy_interval.high, f->folds);
        if (r->same_lost + r->strangers_lost)
            fprintf(out, "             %.2f %% when pairs that were lost count as wrong\n",
                    100 * f->strict_accuracy);
    }
    if (!isnan(r->figures.eer))
        fprintf(out, "equal error  %.3f %% at %.4f\n", 100 * r->figures.eer, (double)r->figures.eer_threshold);
    if (!isnan(r->figures.auc))
        fprintf(out, "area         %.6f\n", r->figures.auc);
}

static void put_interval(FILE *out, const char *format, interval i)
{
    char text[64] = "not drawn";
    if (!isnan(i.low))
        snprintf(text, sizeof text, format, i.low, i.high);
    fprintf(out, "  %-18s", text);
}

static void put_point(const eval_report *r, const operating_point *p, FILE *out)
{
    if (!p->is_measurable) {
        fprintf(out, "%-8g not measurable with %" PRIu64 " comparisons of strangers\n", p->rate,
                r->all->stranger_count);
        return;
    }
    fprintf(out, "%-8g %9.4f %10" PRIu64, p->rate, (double)p->threshold, p->false_accepts);
    put_interval(out, "%.2g to %.2g", p->false_interval);
    if (!isnan(p->true_share)) {
        fprintf(out, " %.4f", p->true_share);
        put_interval(out, "%.4f to %.4f", p->true_interval);
        fprintf(out, " %.4f", p->true_share_people);
        if (r->same_lost)
            fprintf(out, "            %.4f", report_strict_share(r, p));
    }
    putc('\n', out);
}

static void put_points(const eval_report *r, FILE *out)
{
    fprintf(out, "\n%-8s %9s %10s  %-18s %-6s  %-18s %s%s\n", "FAR", "threshold", "accepted", "95 % interval",
            "TAR", "95 % interval", "each person once", r->same_lost ? "  lost = rejected" : "");
    for (size_t i = 0; i < r->figures.point_count; i++)
        put_point(r, &r->figures.points[i], out);
}

static void put_failures(const eval_report *r, FILE *out)
{
    size_t named = 0;
    if (r->vectors->failure_count)
        fputs("\nnot enrolled:\n", out);
    for (size_t i = 0; i < r->vectors->count && named < MAX_NAMED; i++)
        if (r->vectors->failures[i] && ++named)
            fprintf(out, "  %s: %s\n", r->set->pictures[i].name, r->vectors->failures[i]);
    if (r->vectors->failure_count > named)
        fprintf(out, "  and %zu more (--json names all)\n", r->vectors->failure_count - named);
}

void report_text(const eval_report *report, FILE *out)
{
    put_set(report, out);
    put_whole(report, out);
    put_points(report, out);
    put_failures(report, out);
}
