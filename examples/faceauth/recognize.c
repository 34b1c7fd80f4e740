/* SPDX-License-Identifier: MIT */
/* Pictures to templates. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "recognize.h"
#include "report.h"

static auth_outcome open_model(face_recognizer *recognizer, const auth_settings *settings)
{
    char path[PATH_MAX];
    if (model_path_find(settings->model, path, sizeof path) != 0)
        return report(
            settings, TROUBLE, "no_model", NULL,
            "no weight file found: there is no %s/face-atto.vew, nor weights/face-atto.vew in a source tree; "
            "name one with --model FILE or the variable VE_MODEL",
            model_path_data_folder());
    if (ve_model_open(path, NULL, &recognizer->model) != VE_OK ||
        ve_model_get_info(recognizer->model, &recognizer->info) != VE_OK)
        return report_failure(settings, "bad_model");
    return ACCEPTED;
}

static auth_outcome open_detector(face_recognizer *recognizer, const auth_settings *settings)
{
    char path[PATH_MAX];
    if (settings->is_aligned)
        return ACCEPTED;
    if (detector_path_find(settings->detector, path, sizeof path) != 0)
        return report(
            settings, TROUBLE, "no_detector", NULL,
            "no face detector found: there is no %s/face-detector.vew, nor weights/face-detector.vew in a "
            "source tree; name one with --detector FILE or the variable VE_DETECTOR, or say --aligned for "
            "pictures that are aligned crops of one face already",
            model_path_data_folder());
    if (ve_detector_open(path, NULL, &recognizer->detector) != VE_OK)
        return report_failure(settings, "bad_detector");
    return ACCEPTED;
}

auth_outcome recognizer_open(face_recognizer *recognizer, const auth_settings *settings)
{
    const ve_model_info empty = VE_MODEL_INFO_INIT;
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    memset(recognizer, 0, sizeof *recognizer);
    recognizer->info = empty;
    options.flags = settings->is_aligned ? VE_FACE_ALIGNED : 0;
    auth_outcome outcome = open_model(recognizer, settings);
    if (outcome == ACCEPTED)
        outcome = open_detector(recognizer, settings);
    if (outcome == ACCEPTED && ve_face_session_create(recognizer->model, recognizer->detector, &options,
                                                      &recognizer->session) != VE_OK)
        outcome = report_failure(settings, "bad_model");
    return outcome;
}

void recognizer_close(face_recognizer *recognizer)
{
    ve_face_session_free(recognizer->session);
    ve_detector_close(recognizer->detector);
    ve_model_close(recognizer->model);
}

/* A picture of a whole room would give a template of that room. */
static void note_shape(const auth_settings *settings, const char *path, const ve_image *image)
{
    double width = ve_image_width(image), height = ve_image_height(image);
    if (settings->is_aligned && (width > 1.25 * height || height > 1.25 * width))
        report_note(settings, "warning: %s is %.0fx%.0f: no aligned, square crop of one face", path, width,
                    height);
}

static auth_outcome embed(face_recognizer *recognizer, const auth_settings *settings, const char *path,
                          float *template)
{
    ve_image *image = NULL;
    ve_face_result result = VE_FACE_RESULT_INIT;
    if (ve_image_load(path, &image) != VE_OK)
        return report_failure(settings, "bad_picture");
    note_shape(settings, path, image);
    ve_face_frame frame = ve_face_frame_of(image);
    ve_status status = ve_face_embed(recognizer->session, &frame, &result, template);
    ve_image_free(image);
    if (status != VE_OK)
        return report_failure(settings, "bad_picture");
    if (!result.has_template)
        return report(settings, REJECTED, ve_face_reason_name((ve_face_reason)result.reason), settings->name,
                      "%s: %s", path, ve_face_reason_message((ve_face_reason)result.reason));
    return ACCEPTED;
}

auth_outcome recognizer_templates(face_recognizer *recognizer, const auth_settings *settings, float **templates)
{
    auth_outcome outcome = ACCEPTED;
    float *made = calloc(settings->picture_count, recognizer->info.dim * sizeof *made);
    if (!made)
        return report(settings, TROUBLE, "no_memory", NULL, "no memory for %zu pictures",
                      settings->picture_count);
    for (size_t i = 0; i < settings->picture_count && outcome == ACCEPTED; i++)
        outcome = embed(recognizer, settings, settings->pictures[i], made + i * recognizer->info.dim);
    if (outcome == ACCEPTED)
        *templates = made;
    else
        templates_free(recognizer, settings->picture_count, made);
    return outcome;
}

void templates_free(const face_recognizer *recognizer, size_t count, float *templates)
{
    if (templates)
        ve_wipe(templates, count * recognizer->info.dim * sizeof *templates);
    free(templates);
}
