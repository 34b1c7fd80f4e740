/* SPDX-License-Identifier: MIT */
/* The detector's objects, and the order of its work: a look at the whole picture (detect_look.c), candidates
 * that become faces (detect_merge.c), a second look at each of them (detect_again.c). */
#include "face/detect.h"

#include <math.h>
#include <string.h>

#include "face/detect_internal.h"
#include "face/face.h"

/* Least min_score, most of one less: the logistic function's argument stays finite. */
#define SCORE_MARGIN 1e-4f
/* A face that falls short of the least score by so much, before the logistic function, gets a second look. */
#define SECOND_CHANCE 1.0f
/* No more faces of a picture get one: it is what a picture's time is bounded by. */
#define MOST_AGAIN 32u
/* Pictures' coordinates count from the middle of the first pixel, the network's from its corner. */
#define CORNER 0.5f

struct ve__detector {
    ve__net *net;
    ve__preprocess preprocess;
    char fingerprint[65];
};

/* ---- detector */

static ve_status check_arch(const ve__arch *arch)
{
    if (arch->map_outputs != VE__DETECT_OUTPUTS)
        return ve__fail(VE_ERR_UNSUPPORTED, "a weight file with %lu map outputs, a face detector has %u",
                        (unsigned long)arch->map_outputs, VE__DETECT_OUTPUTS);
    if (arch->version != 1 || arch->stem != VE__STEM_PATCH || arch->stem_patch != 4)
        return ve__fail(VE_ERR_UNSUPPORTED,
                        "a face detector whose stem is not a patch of 4 pixels, or which is "
                        "not a ConvNeXt of version 1");
    return VE_OK;
}

static ve_status fill_detector(const ve__weights *weights, ve__detector *detector)
{
    const ve__kernels *kernels = NULL;
    VE_TRY(check_arch(ve__weights_arch(weights)));
    VE_TRY(ve__kernels_select(&kernels));
    detector->preprocess = *ve__weights_preprocess(weights);
    memcpy(detector->fingerprint, ve__weights_fingerprint(weights), sizeof detector->fingerprint);
    return ve__net_create(weights, kernels, VE__PRECISION_F32, &detector->net);
}

/* Takes over weights. */
static ve_status detector_from(ve__weights *weights, ve__detector **detector)
{
    ve__detector *made = ve__allocate_zeroed(sizeof *made);
    ve_status status =
        made ? fill_detector(weights, made) : ve__fail(VE_ERR_MEMORY, "no memory for a detector");
    ve__weights_close(weights);
    if (status != VE_OK) {
        ve__detector_close(made);
        return status;
    }
    *detector = made;
    return VE_OK;
}

ve_status ve__detector_open(const char *path, ve__detector **detector)
{
    ve__weights *weights = NULL;
    VE_TRY(ve__weights_open(path, &weights));
    ve_status status = detector_from(weights, detector);
    return status == VE_OK ? VE_OK : ve__fail_within(status, "%s", path);
}

ve_status ve__detector_open_memory(const void *bytes, size_t size, ve__detector **detector)
{
    ve__weights *weights = NULL;
    VE_TRY(ve__weights_open_memory(bytes, size, &weights));
    return detector_from(weights, detector);
}

void ve__detector_close(ve__detector *detector)
{
    if (!detector)
        return;
    ve__net_free(detector->net);
    ve__release(detector);
}

const char *ve__detector_fingerprint(const ve__detector *detector)
{
    return detector->fingerprint;
}

/* ---- session */

static void take(ve__detect_session *s, ve__arena *arena)
{
    s->found.list = ve__arena_take(arena, VE__CANDIDATES * sizeof *s->found.list);
    s->first = ve__arena_take(arena, VE__DETECT_MAX * sizeof *s->first);
    s->crop = ve__arena_take(arena, VE_FACE_CROP_BYTES);
    s->shrunk = ve__arena_take(arena, VE__FACE_SHRUNK_BYTES);
    ve__resizer_take(&s->resizer, arena, VE__FILTER_HAMMING, s->width,
                     VE_MAX_IMAGE_SIDE / VE__DETECT_LEAST_SIDE + 1);
}

static ve_status fill_session(ve__detect_session *s, ve__pool *pool)
{
    const ve__preprocess *preprocess = &s->detector->preprocess;
    ve__arena arena = {NULL, 0};
    s->kernels = ve__net_kernels(s->detector->net);
    for (int c = 0; c < 3; c++) {
        s->scale[c] = (float)(1.0 / (255.0 * preprocess->std[c]));
        s->shift[c] = (float)(-(double)preprocess->mean[c] / preprocess->std[c]);
    }
    take(s, &arena);
    s->block_bytes = arena.used;
    if (!(s->block = ve__allocate(arena.used)))
        return ve__fail(VE_ERR_MEMORY, "no memory for a detector session (%zu bytes)", arena.used);
    arena = (ve__arena){s->block, 0};
    take(s, &arena);
    return ve__run_create(s->detector->net, pool, s->width, s->height, &s->run);
}

static ve_status check_side(const char *what, uint32_t side)
{
    if (side < 160 || side > 1024 || side % VE__DETECT_CELL != 0)
        return ve__fail(VE_ERR_ARGUMENT,
                        "a detector's working %s of %u: multiples of %u from 160 to 1024 are possible", what,
                        side, VE__DETECT_CELL);
    return VE_OK;
}

ve_status ve__detect_session_create(const ve__detector *detector, ve__pool *pool,
                                    const ve__detect_options *options, ve__detect_session **session)
{
    uint32_t width = options && options->width ? options->width : 640;
    uint32_t height = options && options->height ? options->height : 640;
    VE_TRY(check_side("width", width));
    VE_TRY(check_side("height", height));
    ve__detect_session *made = ve__allocate_zeroed(sizeof *made);
    if (!made)
        return ve__fail(VE_ERR_MEMORY, "no memory for a detector session");
    made->detector = detector;
    made->width = width;
    made->height = height;
    made->once = options && options->once;
    ve_status status = fill_session(made, pool);
    if (status != VE_OK) {
        ve__detect_session_free(made);
        return status;
    }
    *session = made;
    return VE_OK;
}

void ve__detect_session_free(ve__detect_session *session)
{
    if (!session)
        return;
    ve__run_free(session->run);
    ve__release(session->block);
    ve__release(session);
}

size_t ve__detect_session_bytes(const ve__detect_session *session)
{
    return sizeof *session + session->block_bytes + ve__run_bytes(session->run);
}

static ve_status check_request(const ve__detect_request *r)
{
    if (!r->pixels || r->width == 0 || r->height == 0)
        return ve__fail(VE_ERR_ARGUMENT, "a picture of %ux%u pixels to find faces in", r->width, r->height);
    if (r->width > VE_MAX_IMAGE_SIDE || r->height > VE_MAX_IMAGE_SIDE)
        return ve__fail(VE_ERR_TOO_LARGE, "a picture of %ux%u pixels, a side may have %u", r->width, r->height,
                        VE_MAX_IMAGE_SIDE);
    if (r->stride_bytes != 0 && r->stride_bytes < (size_t)3 * r->width)
        return ve__fail(VE_ERR_ARGUMENT, "a stride of %zu bytes for rows of %u pixels", r->stride_bytes,
                        r->width);
    if (!(r->min_score >= 0.0f && r->min_score < 1.0f))
        return ve__fail(VE_ERR_ARGUMENT, "a least score of %g: what lies between 0 and 1 is possible",
                        (double)r->min_score);
    return VE_OK;
}

float ve__detect_logit(float score)
{
    score = score < SCORE_MARGIN ? SCORE_MARGIN : score > 1.0f - SCORE_MARGIN ? 1.0f - SCORE_MARGIN : score;
    return logf(score / (1.0f - score));
}

float ve__detect_score(float logit)
{
    return 1.0f / (1.0f + expf(-logit));
}

static void shift_face(ve__detection *face)
{
    face->left -= CORNER;
    face->top -= CORNER;
    face->right -= CORNER;
    face->bottom -= CORNER;
    for (unsigned i = 0; i < VE__FACE_POINTS; i++)
        for (unsigned k = 0; k < 2; k++)
            face->points[i][k] -= CORNER;
}

/* The faces of the first look -> candidates again, those that the second look leaves at min_score. It uses the
 * list of candidates, so they come into it last. */
static void look_again(ve__detect_session *s, const ve__picture *p, unsigned count, float min_score)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        ve__detection face = s->first[i];
        shift_face(&face);
        if (!s->once && i < MOST_AGAIN)
            ve__detect_again(s, p, &face);
        if (face.score >= min_score)
            s->first[kept++] = face;
    }
    memcpy(s->found.list, s->first, kept * sizeof *s->first);
    s->found.count = kept;
}

ve_status ve__detect(ve__detect_session *session, const ve__detect_request *request, ve__detection *faces,
                     unsigned max, unsigned *count)
{
    VE_TRY(check_request(request));
    float score = ve__detect_score(ve__detect_logit(request->min_score > 0.0f ? request->min_score : 0.5f));
    float chance = session->once ? score : ve__detect_score(ve__detect_logit(score) - SECOND_CHANCE);
    uint32_t min_face = request->min_face < VE__DETECT_SMALLEST ? VE__DETECT_SMALLEST : request->min_face;
    float min_side = 0.75f * (float)min_face;
    ve__picture p = {request->pixels, request->width, request->height,
                     request->stride_bytes ? request->stride_bytes : (size_t)3 * request->width};
    session->found.count = 0;
    VE_TRY(ve__detect_look(session, &p, min_face, chance));
    look_again(session, &p, ve__detect_merge(&session->found, min_side, session->first, VE__DETECT_MAX), score);
    *count = ve__detect_merge(&session->found, min_side, faces, max > VE__DETECT_MAX ? VE__DETECT_MAX : max);
    return VE_OK;
}
