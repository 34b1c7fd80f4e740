/* SPDX-License-Identifier: MIT */
/* The report for people. */
#include "report.h"

double report_gflops(const bench_report *r, double seconds)
{
    return seconds > 0 ? 2e-9 * r->multiply_adds / seconds : 0;
}

double report_seconds(const bench_report *r)
{
    return r->threads == 1 ? r->latency.cpu.median : r->latency.wall.median;
}

double report_peak_share(const bench_report *r)
{
    double peak = r->latency.peak_threads;
    return peak > 0 ? report_gflops(r, report_seconds(r)) / peak : 0;
}

static void print_known(FILE *out, const char *name, const char *value)
{
    fprintf(out, "  %-12s %s\n", name, value[0] ? value : "unknown");
}

static void print_machine(const bench_report *r, FILE *out)
{
    const machine *m = &r->machine;
    fprintf(out, "Machine\n");
    print_known(out, "board", m->board);
    print_known(out, "cpu", m->cpu);
    fprintf(out, "  %-12s %u usable, %.1f GiB of memory\n", "cores", m->cores, m->memory_gib);
    print_known(out, "system", m->system);
    print_known(out, "kernel", m->kernel);
    print_known(out, "compiler", m->compiler);
    print_known(out, "governor", m->governor);
    if (m->max_mhz > 0)
        fprintf(out, "  %-12s %.0f MHz at most\n", "clock", m->max_mhz);
    fprintf(out, "  %-12s", "caches");
    for (int i = 0; i < 3; i++)
        if (m->cache_bytes[i])
            fprintf(out, " L%d %zu KiB", i + 1, m->cache_bytes[i] / 1024);
    fprintf(out, "\n");
}

static void print_reading(FILE *out, const char *name, const health *h)
{
    fprintf(out, "  %-12s", name);
    if (h->celsius >= 0)
        fprintf(out, " %.1f degrees C", h->celsius);
    if (h->mhz >= 0)
        fprintf(out, " %.0f MHz", h->mhz);
    if (h->watts >= 0)
        fprintf(out, " %.1f W", h->watts);
    if (h->throttled >= 0)
        fprintf(out, " throttled=0x%lx", (unsigned long)h->throttled);
    if (h->celsius < 0 && h->mhz < 0 && h->watts < 0 && h->throttled < 0)
        fprintf(out, " nothing that could be read");
    fprintf(out, "\n");
}

static void print_limits(const bench_report *r, FILE *out)
{
    fprintf(out, "\nLimits of the machine, measured now, one thread\n");
    for (size_t i = 0; i < r->peak_count; i++)
        fprintf(out, "  multiply-adds, %-7s %8.1f GFLOP/s\n", r->peaks[i].isa, r->peaks[i].gflops);
    for (size_t i = 0; i < r->level_count; i++)
        fprintf(out, "  reading from %-9s %8.1f GB/s (%zu KiB)\n", r->levels[i].name, r->levels[i].gbytes,
                r->levels[i].bytes / 1024);
}

static void print_spread(FILE *out, const char *name, const spread *s)
{
    fprintf(out, "  %-16s min %.3f  median %.3f  p95 %.3f  max %.3f ms   (middle half within %.1f %%)\n", name,
            1e3 * s->min, 1e3 * s->median, 1e3 * s->p95, 1e3 * s->max, 100 * s->quartiles);
}

static void print_latency(const bench_report *r, FILE *out)
{
    const latency *l = &r->latency;
    fprintf(
        out,
        "\n%s, %u x %u, %s weights, %s by %s kernels, %u thread%s: %zu embeddings of %.1f M multiply-adds\n",
        r->model.name, r->size, r->size, r->model.weight_type, r->model.precision, r->model.kernels, r->threads,
        r->threads == 1 ? "" : "s", l->wall.count, r->multiply_adds * 1e-6);
    print_spread(out, "wall clock", &l->wall);
    print_spread(out, "CPU time", &l->cpu);
    if (r->threads == 1 && l->wall.median > 1.05 * l->cpu.median)
        fprintf(out, "  The machine was busy with other things: what follows goes by the CPU time.\n");
    fprintf(out, "  %-16s %.1f GFLOP/s, %.1f %% of the peak of %.1f GFLOP/s measured between the runs\n",
            "speed", report_gflops(r, report_seconds(r)), 100 * report_peak_share(r), l->peak_threads);
    fprintf(out, "  %-16s %.3f ms from a 640 x 480 picture, resizing included\n", "picture", 1e3 * l->picture);
    if (r->batch.pictures)
        fprintf(out, "  %-16s %.1f pictures a second, %u at a time of a batch of %u\n", "batch",
                r->batch.per_second, r->batch.threads, r->batch.pictures);
    for (size_t i = 0; i < SESSION_RATES && r->sessions[i].pictures; i++)
        fprintf(out, "  %-16s %.1f pictures a second with %u at once\n", i ? "" : "sessions",
                r->sessions[i].per_second, r->sessions[i].threads);
}

static void print_cold(const bench_report *r, FILE *out)
{
    const cold_start *c = &r->cold;
    if (c->runs == 0)
        return;
    fprintf(out, "\nCold start, %u times\n", c->runs);
    fprintf(out, "  process and model %.2f ms, session %.2f ms, first embedding %.2f ms, second %.2f ms\n",
            1e3 * c->open, 1e3 * c->session, 1e3 * c->first, 1e3 * c->second);
    fprintf(out, "  from the start of the process to the first embedding %.2f ms\n", 1e3 * c->total);
    fprintf(out, "  peak memory %.1f MiB, of which packed weights %.1f MiB\n", c->peak_rss_mib,
            (double)r->model.weight_bytes / (1024 * 1024));
}

static double layer_gflops(const layer_time *l)
{
    return l->seconds > 0 ? 1e-9 * l->flops / l->seconds : 0;
}

static void print_profile(const bench_report *r, FILE *out)
{
    const profile *p = &r->profile;
    double kinds = 0, peak = r->latency.peak_one.median;
    fprintf(out, "\nWhere the time goes, one thread, medians of %u\n", p->runs);
    for (int s = 0; s < PROFILE_STAGES; s++)
        fprintf(out, "  %-26s %8.3f ms %5.1f %%\n", profile_stage_names[s], 1e3 * p->stages[s],
                100 * p->stages[s] / p->total);
    fprintf(out, "  by kind of kernel\n");
    for (int k = 0; k < KERNEL_KINDS; k++) {
        double flops = 0;
        kinds += p->kinds[k];
        for (size_t i = 0; i < p->layer_count; i++)
            flops += p->layers[i].kind == (kernel_kind)k ? p->layers[i].flops : 0;
        if (p->kinds[k] <= 0)
            continue;
        fprintf(out, "  %-26s %8.3f ms %5.1f %%", kernel_kind_names[k], 1e3 * p->kinds[k],
                100 * p->kinds[k] / p->total);
        if (flops > 0)
            fprintf(out, "  %7.1f GFLOP/s, %5.1f %% of peak", 1e-9 * flops / p->kinds[k],
                    1e-7 * flops / p->kinds[k] / peak);
        fprintf(out, "\n");
    }
    fprintf(out, "  %-26s %8.3f ms %5.1f %%\n", "between the kernels", 1e3 * (p->total - kinds),
            100 * (p->total - kinds) / p->total);
    fprintf(out, "  by layer\n");
    for (size_t i = 0; i < p->layer_count; i++)
        fprintf(out, "  %-26s %8.3f ms %5.1f %%  %7.1f GFLOP/s, %5.1f %% of peak\n", p->layers[i].name,
                1e3 * p->layers[i].seconds, 100 * p->layers[i].seconds / p->total, layer_gflops(&p->layers[i]),
                100 * layer_gflops(&p->layers[i]) / peak);
}

static void print_sustained(const bench_report *r, FILE *out)
{
    const sustained *s = &r->sustained;
    if (s->count == 0)
        return;
    fprintf(out, "\nFor %.1f minutes\n", s->windows[s->count - 1].seconds / 60);
    fprintf(out, "  median of the first ten seconds %.3f ms, of the last %.3f ms, of the worst %.3f ms\n",
            1e3 * s->first, 1e3 * s->last, 1e3 * s->worst);
    if (s->joules >= 0)
        fprintf(out, "  energy %.4f J an embedding, the idle machine's included\n", s->joules);
    for (size_t i = 0; i < s->count; i++) {
        char name[24];
        snprintf(name, sizeof name, "%.0f s", s->windows[i].seconds);
        fprintf(out, "  %8.3f ms at", 1e3 * s->windows[i].median);
        print_reading(out, name, &s->windows[i].at_end);
    }
}

void report_print(const bench_report *r, FILE *out)
{
    fprintf(out, "libvisembed %s, %s\n\n", ve_version(), r->date);
    print_machine(r, out);
    print_reading(out, "before", &r->before);
    print_reading(out, "after", &r->after);
    print_limits(r, out);
    print_latency(r, out);
    print_cold(r, out);
    print_profile(r, out);
    print_sustained(r, out);
    if (r->void_reason)
        fprintf(out, "\nVOID: %s during the run; these figures say nothing about the board.\n", r->void_reason);
}
