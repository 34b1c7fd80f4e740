/* SPDX-License-Identifier: MIT */
/* ve_detector_*, ve_face_session_*: the objects of visembed_face.h. */
#include <math.h>
#include <string.h>

#include "api/face_objects.h"

#define SMALLEST_DETECTOR_OPTIONS 8u /* the structs of version 0.1 */
#define SMALLEST_OPTIONS          offsetof(ve_face_options, limits)

#define DEFAULT_SMALLEST_FACE 48u
#define DEFAULT_SCORE         0.5f

ve_face_frame ve_face_frame_of(const ve_image *image)
{
    ve_face_frame frame = {ve_image_pixels(image), ve_image_width(image), ve_image_height(image), 0};
    return frame;
}

/* ------------------------------------------------------------------ detector */

/* bytes NULL: a path. */
static ve_status open_detector(const char *path, const void *bytes, size_t size,
                               const ve_detector_options *options, ve_detector **detector)
{
    ve_detector_options ours;
    VE_TRY(ve__options_copy(&ours, sizeof ours, options, SMALLEST_DETECTOR_OPTIONS));
    if (ours.flags != 0)
        return ve__fail(VE_ERR_UNSUPPORTED, "detector option flags 0x%x: none are defined", ours.flags);
    ve_detector *made = ve__allocate_zeroed(sizeof *made);
    if (!made)
        return ve__fail(VE_ERR_MEMORY, "no memory for a detector");
    ve_status status =
        bytes ? ve__detector_open_memory(bytes, size, &made->weights) : ve__detector_open(path, &made->weights);
    if (status != VE_OK) {
        ve__release(made);
        return status;
    }
    *detector = made;
    return VE_OK;
}

ve_status ve_detector_open(const char *path, const ve_detector_options *options, ve_detector **detector)
{
    VE_CHECK_ARG(path != NULL);
    VE_CHECK_ARG(detector != NULL);
    return open_detector(path, NULL, 0, options, detector);
}

ve_status ve_detector_open_memory(const void *bytes, size_t size, const ve_detector_options *options,
                                  ve_detector **detector)
{
    VE_CHECK_ARG(bytes != NULL);
    VE_CHECK_ARG(detector != NULL);
    return open_detector(NULL, bytes, size, options, detector);
}

void ve_detector_close(ve_detector *detector)
{
    if (!detector)
        return;
    ve__detector_close(detector->weights);
    ve__release(detector);
}

/* ------------------------------------------------------------------ session */

static ve_status check_options(const ve_face_options *options)
{
    if (options->flags & ~(VE_FACE_ALIGNED | VE_FACE_ANY_QUALITY))
        return ve__fail(VE_ERR_UNSUPPORTED, "face option flags 0x%x: this version knows 0x%x", options->flags,
                        VE_FACE_ALIGNED | VE_FACE_ANY_QUALITY);
    if (options->choice > VE_FACE_CENTRAL)
        return ve__fail(VE_ERR_UNSUPPORTED, "unknown choice of a face: %u", options->choice);
    /* Written so that NaN fails as well. */
    if (!(options->min_score >= 0 && options->min_score < 1))
        return ve__fail(VE_ERR_ARGUMENT, "min_score is %g: want 0 to 1", (double)options->min_score);
    if (options->smallest_face && options->smallest_face < VE__DETECT_SMALLEST)
        return ve__fail(VE_ERR_ARGUMENT, "smallest_face is %u pixels: want at least %u", options->smallest_face,
                        VE__DETECT_SMALLEST);
    if (options->limit_count > 0 && !options->limits)
        return ve__fail(VE_ERR_ARGUMENT, "limit_count is %u, but there are no limits", options->limit_count);
    return VE_OK;
}

static void take(ve_face_session *session, ve__arena *arena)
{
    if (session->embedder) {
        ve__face_best_take(&session->best, arena, session->dim);
        session->embedding = ve__arena_take(arena, session->dim * sizeof *session->embedding);
    }
    session->crop = ve__arena_take(arena, VE_FACE_CROP_BYTES);
    session->shrunk = ve__arena_take(arena, VE__FACE_SHRUNK_BYTES);
    if (session->finder) {
        session->found = ve__arena_take(arena, VE__DETECT_MAX * sizeof *session->found);
        session->faces = ve__arena_take(arena, VE__DETECT_MAX * sizeof *session->faces);
    }
}

static ve_status reserve(ve_face_session *session)
{
    ve__arena arena = {NULL, 0};
    take(session, &arena);
    session->bytes = arena.used;
    session->block = ve__allocate_zeroed(arena.used);
    if (!session->block)
        return ve__fail(VE_ERR_MEMORY, "no memory for a face session (%zu bytes)", arena.used);
    arena = (ve__arena){session->block, 0};
    take(session, &arena);
    return VE_OK;
}

static void set_options(ve_face_session *session, const ve_face_options *options)
{
    session->flags = options->flags;
    session->choice = (ve_face_choice)options->choice;
    session->smallest_face = options->smallest_face ? options->smallest_face : DEFAULT_SMALLEST_FACE;
    session->min_score = options->min_score > 0 ? options->min_score : DEFAULT_SCORE;
}

static ve_status fill_session(ve_face_session *session, const ve_model *model, const ve_detector *detector,
                              const ve_face_options *options)
{
    unsigned threads = options->threads ? options->threads : 1;
    set_options(session, options);
    VE_TRY(ve__face_set_limits(options->limits, options->limit_count, session->limits));
    if (detector) {
        VE_TRY(ve__pool_create(threads, &session->pool));
        VE_TRY(ve__detect_session_create(detector->weights, session->pool, NULL, &session->finder));
    }
    if (model) {
        ve_session_options embedder = VE_SESSION_OPTIONS_INIT;
        embedder.threads = threads;
        session->dim = ve__net_dim(model->net);
        VE_TRY(ve_session_create(model, &embedder, &session->embedder));
    }
    return reserve(session);
}

ve_status ve_face_session_create(const ve_model *model, const ve_detector *detector,
                                 const ve_face_options *options, ve_face_session **out)
{
    ve_face_options ours;
    VE_CHECK_ARG(out != NULL);
    VE_TRY(ve__options_copy(&ours, sizeof ours, options, SMALLEST_OPTIONS));
    VE_TRY(check_options(&ours));
    ve_face_session *session = ve__allocate_zeroed(sizeof *session);
    if (!session)
        return ve__fail(VE_ERR_MEMORY, "no memory for a face session");
    ve_status status = fill_session(session, model, detector, &ours);
    if (status != VE_OK) {
        ve_face_session_free(session);
        return status;
    }
    *out = session;
    return VE_OK;
}

void ve_face_session_free(ve_face_session *session)
{
    if (!session)
        return;
    ve_session_free(session->embedder);
    ve__detect_session_free(session->finder);
    ve__pool_free(session->pool);
    ve_wipe(session->block, session->bytes);
    ve__release(session->block);
    ve__release(session);
}

size_t ve_face_session_memory(const ve_face_session *session)
{
    if (!session)
        return 0;
    return sizeof *session + session->bytes + ve_session_memory(session->embedder) +
           (session->finder ? ve__detect_session_bytes(session->finder) : 0);
}
