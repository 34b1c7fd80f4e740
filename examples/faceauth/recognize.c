/* SPDX-License-Identifier: MIT */
/* Pictures to templates. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "recognize.h"
#include "report.h"

auth_outcome recognizer_open(face_recognizer *recognizer, const auth_settings *settings)
{
    char path[PATH_MAX];
    const ve_model_info empty = VE_MODEL_INFO_INIT;
    memset(recognizer, 0, sizeof *recognizer);
    recognizer->info = empty;
    if (model_path_find(settings->model, path, sizeof path) != 0)
        return report(settings, TROUBLE, "no_model", NULL, "no weight file found; name one with --model FILE");
    if (ve_model_open(path, NULL, &recognizer->model) != VE_OK ||
        ve_model_get_info(recognizer->model, &recognizer->info) != VE_OK ||
        ve_session_create(recognizer->model, NULL, &recognizer->session) != VE_OK)
        return report_failure(settings, "bad_model");
    return ACCEPTED;
}

void recognizer_close(face_recognizer *recognizer)
{
    ve_session_free(recognizer->session);
    ve_model_close(recognizer->model);
}

/* There is no face detector yet: a picture of a whole room would give a template of that room. */
static void note_shape(const auth_settings *settings, const char *path, const ve_image *image)
{
    double width = ve_image_width(image), height = ve_image_height(image);
    if (width > 1.25 * height || height > 1.25 * width)
        report_note(settings,
                    "warning: %s is %.0fx%.0f: this version has no face detector and takes pictures as "
                    "aligned, square crops of one face",
                    path, width, height);
}

static auth_outcome embed(face_recognizer *recognizer, const auth_settings *settings, const char *path,
                          float *template)
{
    ve_image *image = NULL;
    if (ve_image_load(path, &image) != VE_OK)
        return report_failure(settings, "bad_picture");
    note_shape(settings, path, image);
    ve_status status = ve_embed(recognizer->session, image, template);
    ve_image_free(image);
    return status == VE_OK ? ACCEPTED : report_failure(settings, "bad_picture");
}

auth_outcome recognizer_templates(face_recognizer *recognizer, const auth_settings *settings, float **templates)
{
    float *made = calloc(settings->picture_count, recognizer->info.dim * sizeof *made);
    if (!made)
        return report(settings, TROUBLE, "no_memory", NULL, "no memory for %zu pictures",
                      settings->picture_count);
    for (size_t i = 0; i < settings->picture_count; i++)
        if (embed(recognizer, settings, settings->pictures[i], made + i * recognizer->info.dim) != ACCEPTED) {
            templates_free(recognizer, settings, made);
            return TROUBLE;
        }
    *templates = made;
    return ACCEPTED;
}

void templates_free(const face_recognizer *recognizer, const auth_settings *settings, float *templates)
{
    if (templates)
        ve_wipe(templates, settings->picture_count * recognizer->info.dim * sizeof *templates);
    free(templates);
}
