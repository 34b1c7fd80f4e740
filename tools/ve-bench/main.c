/* SPDX-License-Identifier: MIT */
/* ve-bench: how fast this machine embeds pictures, and how near that is to what the machine can do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "common/streams.h"
#include "options.h"
#include "random_model.h"
#include "report.h"

#define EXIT_VOID    1
#define EXIT_TROUBLE 2

static int fail(const char *what)
{
    fprintf(stderr, "ve-bench: %s: %s\n", what, ve_last_error());
    return EXIT_TROUBLE;
}

static void say(const char *what)
{
    fprintf(stderr, "%s ...\n", what);
}

/* The model's path: --model's, or that of a temporary file with random weights, which the caller removes. */
static ve_status find_model(const bench_options *o, char *path, size_t room)
{
    const char *folder = getenv("TMPDIR");
    if (o->model) {
        snprintf(path, room, "%s", o->model);
        return VE_OK;
    }
    snprintf(path, room, "%s/ve-bench-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = mkstemp(path);
    if (file < 0) {
        ve_status status = ve__fail_errno("cannot make a temporary file", path);
        path[0] = '\0';
        return status;
    }
    close(file);
    return random_model_write(o->arch, o->size ? o->size : 224, o->is_half, path);
}

static void measure_peaks(bench_report *r)
{
    const ve__kernels *table;
    for (unsigned i = 0; (table = ve__kernels_available(i)) != NULL && i < MAX_INSTRUCTION_SETS; i++)
        if (!strchr(table->name, '-')) /* those add 8-bit instructions to the table before */
            r->peaks[r->peak_count++] = (instruction_peak){table->name, limits_flops(table->name)};
}

static ve_status measure_with_model(const bench_options *o, const char *path, const ve_model *model,
                                    bench_report *r)
{
    ve__weights *weights;
    say("limits of the machine");
    measure_peaks(r);
    r->level_count = limits_memory(r->model.kernels, r->machine.cache_bytes, r->levels);
    say("embeddings");
    VE_TRY(measure_latency(model, r->size, r->threads, o->runs, o->seconds, &r->latency));
    if (o->batch)
        VE_TRY(measure_batch(model, r->size, r->machine.cores, o->batch, &r->batch));
    if (o->sessions)
        VE_TRY(measure_sessions(model, r->size, r->machine.cores, o->sessions, r->sessions));
    say("cold starts");
    if (measure_cold_start(path, o->is_i8, r->size, r->threads, &r->cold) != VE_OK)
        fprintf(stderr, "ve-bench: cold start not measured: %s\n", ve_last_error());
    say("stages and layers");
    VE_TRY(ve__weights_open(path, &weights));
    r->multiply_adds = network_multiply_adds(ve__weights_arch(weights), r->size, r->size);
    ve_status status = profile_network(weights, o->is_i8 ? VE__PRECISION_I8 : VE__PRECISION_BEST, r->size,
                                       o->runs > 200 ? 200 : o->runs, &r->profile);
    ve__weights_close(weights);
    if (status == VE_OK && o->minutes > 0) {
        say("for minutes");
        status = measure_sustained(model, r->size, r->threads, o->minutes, o->root, &r->sustained);
    }
    return status;
}

static ve_status measure(const bench_options *o, const char *path, bench_report *r)
{
    ve_model_options model_options = VE_MODEL_OPTIONS_INIT;
    ve_model *model;
    time_t now = time(NULL);
    struct tm utc;
    model_options.precision = o->is_i8 ? VE_PRECISION_I8 : VE_PRECISION_BEST;
    VE_TRY(ve_model_open(path, &model_options, &model));
    ve_model_get_info(model, &r->model);
    r->size = o->size ? o->size : r->model.width;
    if (gmtime_r(&now, &utc))
        strftime(r->date, sizeof r->date, "%Y-%m-%d %H:%M UTC", &utc);
    machine_read(o->root, &r->machine);
    r->threads = o->threads ? o->threads : r->machine.cores;
    health_read(o->root, &r->before);
    ve_status status = measure_with_model(o, path, model, r);
    health_read(o->root, &r->after);
    r->void_reason = health_void_reason(&r->before, &r->after);
    ve_model_close(model);
    return status;
}

static int write_file(const char *path, const bench_report *r, void (*write)(const bench_report *, FILE *))
{
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!path)
        return 0;
    if (!file) {
        perror(path);
        return -1;
    }
    write(r, file);
    return streams_finish("ve-bench", file, path);
}

static int run(const bench_options *o)
{
    static bench_report report; /* too large for the stack of a small board's thread */
    char path[4096] = "";
    report.model = (ve_model_info)VE_MODEL_INFO_INIT;
    ve_status status = find_model(o, path, sizeof path);
    if (status == VE_OK)
        status = measure(o, path, &report);
    if (!o->model && path[0])
        unlink(path);
    if (status != VE_OK)
        return fail(o->model ? o->model : o->arch);
    report_print(&report, stdout);
    int is_written = write_file(o->json, &report, report_write_json) == 0 &&
                     write_file(o->svg, &report, report_write_svg) == 0 &&
                     streams_finish("ve-bench", stdout, "standard output") == 0;
    free(report.sustained.windows);
    return !is_written ? EXIT_TROUBLE : report.void_reason ? EXIT_VOID : 0;
}

int main(int argc, char **argv)
{
    bench_options options;
    if (streams_prepare("ve-bench") != 0)
        return EXIT_TROUBLE;
    next_step next = options_read(argc, argv, &options);
    if (next != NEXT_RUN)
        return next == NEXT_DONE ? 0 : EXIT_TROUBLE;
    if (options.isa && setenv("VE_FORCE_ISA", options.isa, 1) != 0)
        return fail("--isa");
    if (options.is_cold_child)
        return cold_start_child(options.model, options.is_i8, options.size, options.threads);
    return run(&options);
}
