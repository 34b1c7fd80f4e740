/* SPDX-License-Identifier: MIT */
/* Opens, recognises, plans, converts, reports. */
#include "export.h"

#include "convert.h"
#include "describe.h"
#include "report.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Everything that an export holds open. */
typedef struct job {
    checkpoint checkpoint;
    config config;
    family_map map;
    plan plan;
    pictures calibrated_on, reported_on;
    ve__weights *reference; /* the same checkpoint in f32, where pictures are to be looked at */
    calibration seen;
} job;

static ve_status prepare(const export_options *options, job *j)
{
    VE_TRY(config_open(options->config, j->checkpoint.folder, &j->config));
    VE_TRY(config_check(&j->config));
    VE_TRY(family_recognise(&j->checkpoint, &j->map));
    return plan_make(&j->map, &j->config, &options->plan, &j->plan);
}

static void close_job(job *j)
{
    calibration_free(&j->seen);
    ve__weights_close(j->reference);
    pictures_free(&j->calibrated_on);
    pictures_free(&j->reported_on);
    plan_free(&j->plan);
    family_free(&j->map);
    config_close(&j->config);
    checkpoint_close(&j->checkpoint);
}

/* "dir/model.safetensors" -> "dir/model.vew"; an index loses all of ".safetensors.index.json". */
static ve_status default_output(const char *path, char *output, size_t size)
{
    static const char *const endings[] = {".safetensors.index.json", ".safetensors", ".json"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t end = strlen(endings[i]);
        if (length > end && strcmp(path + length - end, endings[i]) == 0) {
            length -= end;
            break;
        }
    }
    if (length + sizeof ".vew" > size)
        return ve__fail(VE_ERR_ARGUMENT, "the path is too long: %.64s...", path);
    memcpy(output, path, length);
    strcpy(output + length, ".vew");
    return VE_OK;
}

static int is_vew(const char *path)
{
    unsigned char magic[4] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(magic, 1, sizeof magic, file) : 0;
    if (file)
        fclose(file);
    return got == sizeof magic && memcmp(magic, VE__VEW_MAGIC, sizeof magic) == 0;
}

/* The finished file takes the place of what is there. That must be no device (a privileged user's rename would
 * remove it for everybody) and no file of another kind, such as the checkpoint's config. */
static ve_status check_replaced(const char *output)
{
    struct stat about;
    if (stat(output, &about) != 0)
        return VE_OK;
    if (!S_ISREG(about.st_mode))
        return ve__fail(VE_ERR_ARGUMENT, "cannot write %s: it is no regular file", output);
    if (about.st_size > 0 && !is_vew(output))
        return ve__fail(VE_ERR_EXISTS, "cannot write %s: it exists and is no weight file", output);
    return VE_OK;
}

static ve_status choose_output(const export_options *options, const checkpoint *c, char *output, size_t size)
{
    if (!options->output)
        VE_TRY(default_output(c->path, output, size));
    else if (snprintf(output, size, "%s", options->output) >= (int)size)
        return ve__fail(VE_ERR_ARGUMENT, "the path is too long: %.64s...", options->output);
    if (checkpoint_has_file(c, output))
        return ve__fail(VE_ERR_ARGUMENT, "%s is the input", output);
    return check_replaced(output);
}

static void report_plan(const job *j, FILE *report)
{
    char text[256];
    const plan *p = &j->plan;
    const char *licence = config_text(&j->config, "license");
    describe_preprocess(&p->about.preprocess, text, sizeof text);
    fprintf(report, "%s: %s, %s, embedding of %lu\n", j->checkpoint.path, j->map.family->title, p->about.name,
            (unsigned long)ve__arch_embedding_dim(&p->about.arch));
    fprintf(report, "  embedding: %s\n", p->choice);
    fprintf(report, "  input: %s (%s%s)\n", text,
            p->is_preprocess_given ? "from " : "the family's defaults, no config",
            p->is_preprocess_given ? j->config.names : " says");
    if (licence)
        fprintf(report, "  licence of the weights: %.64s (%s)\n", licence, j->config.names);
    if (p->unused[0])
        fprintf(report, "  left out: %s\n", p->unused);
    if (j->map.ignored_count)
        fprintf(report, "  not needed: %llu tensors of other parts\n",
                (unsigned long long)j->map.ignored_count);
}

static void set_source(const checkpoint *c, ve__description *about)
{
    const char *name = checkpoint_base_name(c->path);
    if (strlen(name) < sizeof about->source_file && ve__vew_is_text(name, strlen(name)))
        strcpy(about->source_file, name);
}

static size_t planned_bytes(const plan *p)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->tensor_count; i++) {
        size_t count = sizeof(float);
        for (uint32_t k = 0; k < p->tensors[i].spec.rank; k++)
            count *= p->tensors[i].spec.shape[k];
        bytes += count;
    }
    return bytes;
}

static ve_status write_file(job *j, const char *output, int is_quiet, char fingerprint[65])
{
    vew_writer *writer;
    progress shown;
    VE_TRY(vew_create(output, &j->plan.about, &writer));
    progress_start(&shown, "writing", planned_bytes(&j->plan), is_quiet);
    ve_status status = convert_all(&j->plan, j->seen.picture_count ? &j->seen : NULL, writer, &shown);
    progress_end(&shown);
    if (status == VE_OK)
        return vew_commit(writer, fingerprint);
    vew_abort(writer);
    return status;
}

static ve_status find_pictures(const export_options *options, job *j)
{
    if (options->calibrate)
        VE_TRY(pictures_find(options->calibrate, &j->calibrated_on));
    pictures_thin(&j->calibrated_on, CALIBRATION_PICTURES);
    return options->report ? pictures_find(options->report, &j->reported_on) : VE_OK;
}

/* Writes the checkpoint in f32 beside the output, opens it and removes its name: it lives as long as it is
 * open. */
static ve_status open_reference(job *j, const char *output)
{
    char path[4200], type[sizeof j->plan.about.weight_type], fingerprint[65];
    snprintf(path, sizeof path, "%s.f32-%ld", output, (long)getpid());
    memcpy(type, j->plan.about.weight_type, sizeof type);
    strcpy(j->plan.about.weight_type, "f32");
    ve_status status = write_file(j, path, 1, fingerprint);
    memcpy(j->plan.about.weight_type, type, sizeof type);
    VE_TRY(status);
    status = ve__weights_open(path, &j->reference);
    unlink(path);
    return status;
}

static ve_status look_at_pictures(job *j, const char *output, FILE *report, int is_quiet)
{
    if (!j->calibrated_on.count && !j->reported_on.count)
        return VE_OK;
    VE_TRY(open_reference(j, output));
    if (!j->calibrated_on.count)
        return VE_OK;
    VE_TRY(calibrate(j->reference, &j->calibrated_on, &j->seen));
    if (!is_quiet)
        fprintf(report, "  calibrated on %zu pictures\n", j->seen.picture_count);
    return VE_OK;
}

static ve_status run(const export_options *options, job *j, FILE *report, FILE *out)
{
    char output[4096], fingerprint[65];
    progress shown;
    VE_TRY(prepare(options, j));
    VE_TRY(choose_output(options, &j->checkpoint, output, sizeof output));
    VE_TRY(find_pictures(options, j));
    if (!options->is_quiet)
        report_plan(j, report);
    set_source(&j->checkpoint, &j->plan.about);
    progress_start(&shown, "reading", j->checkpoint.size_bytes, options->is_quiet);
    VE_TRY(checkpoint_sha256(&j->checkpoint, &shown, j->plan.about.source_sha256));
    progress_end(&shown);
    VE_TRY(look_at_pictures(j, output, report, options->is_quiet));
    VE_TRY(write_file(j, output, options->is_quiet, fingerprint));
    if (!options->is_quiet)
        fprintf(report, "  wrote %s (%s), fingerprint %.16s...\n", output, j->plan.about.weight_type,
                fingerprint);
    if (j->reported_on.count)
        return report_nearness(j->reference, output, &j->reported_on, out);
    return VE_OK;
}

ve_status export_run(const export_options *options, FILE *report, FILE *out)
{
    job j;
    memset(&j, 0, sizeof j);
    ve_status status = checkpoint_open(options->input, &j.checkpoint);
    if (status == VE_OK) {
        status = run(options, &j, report, out);
        if (status != VE_OK)
            ve__fail_within(status, "%s", j.checkpoint.path);
    }
    close_job(&j);
    return status;
}

/* A checkpoint that cannot be exported is still described; why it cannot is part of that. */
static ve_status info_of_checkpoint(const export_options *options, FILE *out)
{
    job j;
    memset(&j, 0, sizeof j);
    ve_status status = checkpoint_open(options->input, &j.checkpoint);
    if (status == VE_OK) {
        int is_planned = prepare(options, &j) == VE_OK;
        describe_checkpoint(&j.checkpoint, &j.map, is_planned ? &j.plan : NULL, &j.config, ve_last_error(),
                            out);
    }
    close_job(&j);
    return status;
}

ve_status export_info(const export_options *options, FILE *out)
{
    return is_vew(options->input) ? describe_vew(options->input, out) : info_of_checkpoint(options, out);
}
