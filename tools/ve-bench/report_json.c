/* SPDX-License-Identifier: MIT */
/* The report for programs: one JSON object. Times are in milliseconds, unknown numbers null. */
#include <math.h>

#include "common/text.h"
#include "report.h"

/* Members are separated by the comma that each but the first writes before itself. */
typedef struct json {
    FILE *out;
    int has_member;
} json;

static void name(json *j, const char *key)
{
    fputs(j->has_member ? ", " : "", j->out);
    text_write_json(j->out, key);
    fputs(": ", j->out);
    j->has_member = 1;
}

static void put_number(json *j, const char *key, double value)
{
    name(j, key);
    if (isfinite(value))
        fprintf(j->out, "%.10g", value);
    else
        fputs("null", j->out);
}

/* Negative stands for unknown. */
static void put_known(json *j, const char *key, double value)
{
    put_number(j, key, value < 0 ? NAN : value);
}

static void put_text(json *j, const char *key, const char *value)
{
    name(j, key);
    text_write_json(j->out, value);
}

static void open_object(json *j, const char *key)
{
    if (key)
        name(j, key);
    else
        fputs(j->has_member ? ",\n    " : "\n    ", j->out);
    fputc('{', j->out);
    j->has_member = 0;
}

static void close_object(json *j)
{
    fputc('}', j->out);
    j->has_member = 1;
}

static void open_list(json *j, const char *key)
{
    name(j, key);
    fputc('[', j->out);
    j->has_member = 0;
}

static void close_list(json *j)
{
    fputc(']', j->out);
    j->has_member = 1;
}

/* Each part of the report on a line of its own. */
static void open_part(json *j, const char *key)
{
    fputs(j->has_member ? ",\n  " : "\n  ", j->out);
    j->has_member = 0;
    name(j, key);
    fputc('{', j->out);
    j->has_member = 0;
}

static void put_machine(json *j, const machine *m)
{
    static const char *const caches[] = {"l1_bytes", "l2_bytes", "l3_bytes"};
    open_part(j, "machine");
    put_text(j, "board", m->board);
    put_text(j, "cpu", m->cpu);
    put_number(j, "cores", m->cores);
    put_number(j, "memory_gib", m->memory_gib);
    put_text(j, "system", m->system);
    put_text(j, "kernel", m->kernel);
    put_text(j, "compiler", m->compiler);
    put_text(j, "governor", m->governor);
    put_number(j, "max_mhz", m->max_mhz > 0 ? m->max_mhz : NAN);
    for (int i = 0; i < 3; i++)
        put_number(j, caches[i], m->cache_bytes[i] ? (double)m->cache_bytes[i] : NAN);
    close_object(j);
}

static void put_reading(json *j, const health *h)
{
    put_known(j, "celsius", h->celsius);
    put_known(j, "mhz", h->mhz);
    put_known(j, "watts", h->watts);
    put_known(j, "throttled", (double)h->throttled);
}

static void put_spread(json *j, const char *key, const spread *s)
{
    open_object(j, key);
    put_number(j, "count", (double)s->count);
    put_number(j, "min", 1e3 * s->min);
    put_number(j, "median", 1e3 * s->median);
    put_number(j, "p95", 1e3 * s->p95);
    put_number(j, "max", 1e3 * s->max);
    put_number(j, "quartile_range_share", s->quartiles);
    close_object(j);
}

static void put_limits(json *j, const bench_report *r)
{
    open_part(j, "limits");
    open_object(j, "gflops");
    for (size_t i = 0; i < r->peak_count; i++)
        put_number(j, r->peaks[i].isa, r->peaks[i].gflops);
    close_object(j);
    open_object(j, "read_gbytes");
    for (size_t i = 0; i < r->level_count; i++)
        put_number(j, r->levels[i].name, r->levels[i].gbytes);
    close_object(j);
    close_object(j);
}

static void put_model(json *j, const bench_report *r)
{
    open_part(j, "model");
    put_text(j, "name", r->model.name);
    put_text(j, "fingerprint", r->model.fingerprint);
    put_text(j, "weight_type", r->model.weight_type);
    put_text(j, "kernels", r->model.kernels);
    put_text(j, "precision", r->model.precision);
    put_text(j, "precision_reason", r->model.precision_reason);
    put_number(j, "size", r->size);
    put_number(j, "threads", r->threads);
    put_number(j, "multiply_adds", r->multiply_adds);
    put_number(j, "packed_bytes", (double)r->model.weight_bytes);
    close_object(j);
}

static void put_latency(json *j, const bench_report *r)
{
    open_part(j, "latency_ms");
    put_spread(j, "wall", &r->latency.wall);
    put_spread(j, "cpu", &r->latency.cpu);
    put_number(j, "picture", 1e3 * r->latency.picture);
    put_number(j, "gflops", report_gflops(r, report_seconds(r)));
    put_number(j, "peak_gflops", r->latency.peak_threads);
    put_number(j, "peak_share", report_peak_share(r));
    close_object(j);
}

/* One after a name, or, where name is NULL, in a list. */
static void put_rate(json *j, const char *name, const batch_rate *b)
{
    if (name)
        open_part(j, name);
    else
        open_object(j, NULL);
    put_number(j, "pictures", b->pictures);
    put_number(j, "threads", b->threads);
    put_number(j, "per_second", b->per_second);
    close_object(j);
}

static void put_rates(json *j, const bench_report *r)
{
    if (r->batch.pictures)
        put_rate(j, "batch", &r->batch);
    if (r->sessions[0].pictures == 0)
        return;
    open_list(j, "sessions");
    for (size_t i = 0; i < SESSION_RATES; i++)
        put_rate(j, NULL, &r->sessions[i]);
    close_list(j);
}

static void put_cold(json *j, const cold_start *c)
{
    if (c->runs == 0)
        return;
    open_part(j, "cold_start_ms");
    put_number(j, "process_and_model", 1e3 * c->open);
    put_number(j, "session", 1e3 * c->session);
    put_number(j, "first", 1e3 * c->first);
    put_number(j, "second", 1e3 * c->second);
    put_number(j, "total", 1e3 * c->total);
    put_number(j, "peak_rss_mib", c->peak_rss_mib);
    close_object(j);
}

static void put_profile(json *j, const profile *p)
{
    open_part(j, "profile_ms");
    put_number(j, "total", 1e3 * p->total);
    open_object(j, "stages");
    for (int s = 0; s < PROFILE_STAGES; s++)
        put_number(j, profile_stage_names[s], 1e3 * p->stages[s]);
    close_object(j);
    open_object(j, "kinds");
    for (int k = 0; k < KERNEL_KINDS; k++)
        if (p->kinds[k] > 0)
            put_number(j, kernel_kind_names[k], 1e3 * p->kinds[k]);
    close_object(j);
    open_list(j, "layers");
    for (size_t i = 0; i < p->layer_count; i++) {
        open_object(j, NULL);
        put_text(j, "name", p->layers[i].name);
        put_number(j, "k", p->layers[i].k);
        put_number(j, "n", p->layers[i].n);
        put_number(j, "ms", 1e3 * p->layers[i].seconds);
        put_number(j, "flops", p->layers[i].flops);
        put_number(j, "bytes", p->layers[i].bytes);
        close_object(j);
    }
    close_list(j);
    close_object(j);
}

static void put_sustained(json *j, const sustained *s)
{
    if (s->count == 0)
        return;
    open_part(j, "sustained_ms");
    put_number(j, "first", 1e3 * s->first);
    put_number(j, "last", 1e3 * s->last);
    put_number(j, "worst", 1e3 * s->worst);
    put_known(j, "joules_per_embedding", s->joules);
    open_list(j, "windows");
    for (size_t i = 0; i < s->count; i++) {
        open_object(j, NULL);
        put_number(j, "seconds", s->windows[i].seconds);
        put_number(j, "median", 1e3 * s->windows[i].median);
        put_reading(j, &s->windows[i].at_end);
        close_object(j);
    }
    close_list(j);
    close_object(j);
}

void report_write_json(const bench_report *r, FILE *out)
{
    json j = {out, 0};
    fputs("{\n  ", out);
    put_text(&j, "format", "ve-bench 1");
    put_text(&j, "version", ve_version());
    put_text(&j, "date", r->date);
    put_text(&j, "void", r->void_reason ? r->void_reason : "");
    put_machine(&j, &r->machine);
    open_part(&j, "before");
    put_reading(&j, &r->before);
    close_object(&j);
    open_part(&j, "after");
    put_reading(&j, &r->after);
    close_object(&j);
    put_limits(&j, r);
    put_model(&j, r);
    put_latency(&j, r);
    put_rates(&j, r);
    put_cold(&j, &r->cold);
    put_profile(&j, &r->profile);
    put_sustained(&j, &r->sustained);
    fputs("\n}\n", out);
}
