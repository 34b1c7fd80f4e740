/* SPDX-License-Identifier: MIT */
/* ve_face_detect ... ve_face_embed: from a frame to a template. */
#include <math.h>
#include <string.h>

#include "api/face_objects.h"
#include "image/image.h"

#define SMALLEST_QUALITY offsetof(ve_face_quality, reserved)
/* The quality is the last field, and a struct with a size of its own. */
#define SMALLEST_RESULT (offsetof(ve_face_result, quality) + SMALLEST_QUALITY)

/* ------------------------------------------------------------------ structs of other versions */

static ve_status check_struct(const char *what, uint32_t size, size_t smallest)
{
    if (size < smallest)
        return ve__fail(VE_ERR_ARGUMENT,
                        "struct_size of the %s is %u, less than the first version's %zu: use the "
                        "..._INIT macro",
                        what, size, smallest);
    return VE_OK;
}

/* Writes what both versions know, and keeps the caller's size. */
static void hand_out(void *theirs, const void *ours, size_t our_size)
{
    uint32_t size;
    memcpy(&size, theirs, sizeof size);
    memcpy(theirs, ours, size < our_size ? size : our_size);
    memcpy(theirs, &size, sizeof size);
}

/* ------------------------------------------------------------------ detecting */

static ve_face to_face(const ve__detection *found)
{
    ve_face face = {found->left,  found->top, found->right - found->left, found->bottom - found->top,
                    found->score, {{0, 0}}};
    for (int i = 0; i < VE_FACE_POINTS; i++)
        face.points[i] = (ve_point){found->points[i][0], found->points[i][1]};
    return face;
}

/* Fills session->faces. */
static ve_status detect(ve_face_session *session, const ve_face_frame *frame, unsigned *count)
{
    ve__detect_request request = {frame->pixels,       frame->width,           frame->height,
                                  frame->stride_bytes, session->smallest_face, session->min_score};
    if (!session->finder)
        return ve__fail(VE_ERR_STATE, "this face session was made without a detector");
    VE_TRY(ve__detect(session->finder, &request, session->found, VE__DETECT_MAX, count));
    for (unsigned i = 0; i < *count; i++)
        session->faces[i] = to_face(&session->found[i]);
    return VE_OK;
}

ve_status ve_face_detect(ve_face_session *session, const ve_face_frame *frame, ve_face *faces, size_t capacity,
                         size_t *count)
{
    unsigned found = 0;
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(frame != NULL);
    VE_CHECK_ARG(faces != NULL || capacity == 0);
    VE_CHECK_ARG(count != NULL);
    VE_TRY(ve__face_check_frame(frame));
    VE_TRY(detect(session, frame, &found));
    size_t copied = found < capacity ? found : capacity;
    if (copied > 0)
        memcpy(faces, session->faces, copied * sizeof *faces);
    *count = found;
    if (found > capacity)
        return ve__fail(VE_ERR_TOO_SMALL, "there are %u faces, and room for %zu", found, capacity);
    return VE_OK;
}

/* ------------------------------------------------------------------ aligning and measuring */

ve_status ve_face_align(ve_face_session *session, const ve_face_frame *frame,
                        const ve_point points[VE_FACE_POINTS], uint8_t *crop)
{
    ve__similarity similarity;
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(frame != NULL);
    VE_CHECK_ARG(points != NULL);
    VE_CHECK_ARG(crop != NULL);
    VE_TRY(ve__face_check_frame(frame));
    VE_TRY(ve__face_fit(points, &similarity));
    ve__face_crop(frame, &similarity, session->shrunk, crop);
    return VE_OK;
}

static float eye_distance(const ve_point points[VE_FACE_POINTS])
{
    float x = points[1].x - points[0].x, y = points[1].y - points[0].y;
    return sqrtf(x * x + y * y);
}

/* Leaves the aligned face in session->crop. */
static ve_status assess(ve_face_session *session, const ve_face_frame *frame,
                        const ve_point points[VE_FACE_POINTS], ve_face_quality *quality)
{
    ve__similarity similarity;
    float *values = quality->values;
    VE_TRY(ve__face_fit(points, &similarity));
    ve__face_crop(frame, &similarity, session->shrunk, session->crop);
    ve__face_measure_crop(session->crop, values);
    if (!(session->flags & VE_FACE_ALIGNED)) /* else the points are not the face's own */
        ve__face_pose(points, &values[VE_FACE_YAW], &values[VE_FACE_PITCH], &values[VE_FACE_ROLL]);
    values[VE_FACE_EYE_DISTANCE] = eye_distance(points);
    values[VE_FACE_INSIDE] = (float)ve__face_inside(frame, &similarity);
    ve__face_judge(session->limits, quality);
    return VE_OK;
}

ve_status ve_face_assess(ve_face_session *session, const ve_face_frame *frame,
                         const ve_point points[VE_FACE_POINTS], ve_face_quality *quality)
{
    ve_face_quality ours = VE_FACE_QUALITY_INIT;
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(frame != NULL);
    VE_CHECK_ARG(points != NULL);
    VE_CHECK_ARG(quality != NULL);
    VE_TRY(check_struct("quality", quality->struct_size, SMALLEST_QUALITY));
    VE_TRY(ve__face_check_frame(frame));
    VE_TRY(assess(session, frame, points, &ours));
    hand_out(quality, &ours, sizeof ours);
    return VE_OK;
}

/* ------------------------------------------------------------------ embedding */

static ve_status need_model(const ve_face_session *session)
{
    return session->embedder ? VE_OK : ve__fail(VE_ERR_STATE, "this face session was made without a model");
}

/* The pixels are only read. */
static ve_status embed_pixels(ve_face_session *session, const uint8_t *pixels, uint32_t width, uint32_t height,
                              float *embedding)
{
    struct ve_image image = {width, height, (uint8_t *)pixels};
    return ve_embed(session->embedder, &image, embedding);
}

ve_status ve_face_embed_crop(ve_face_session *session, const uint8_t *crop, float *embedding)
{
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(crop != NULL);
    VE_CHECK_ARG(embedding != NULL);
    VE_TRY(need_model(session));
    return embed_pixels(session, crop, VE_FACE_CROP_SIDE, VE_FACE_CROP_SIDE, embedding);
}

static void fill_template_points(const ve_face_frame *frame, ve_face *face)
{
    float side = (float)(frame->width < frame->height ? frame->width : frame->height);
    float left = ((float)frame->width - side) / 2, top = ((float)frame->height - side) / 2;
    *face = (ve_face){left, top, side, side, 1.0f, {{0, 0}}};
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        face->points[i].x = left + ve__face_template[i].x * side / (float)VE_FACE_CROP_SIDE;
        face->points[i].y = top + ve__face_template[i].y * side / (float)VE_FACE_CROP_SIDE;
    }
}

/* A frame that is a crop already: its points are where the template has them. It goes to the model as it is. */
static ve_status embed_aligned(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result)
{
    if (ve__face_stride(frame) != (size_t)3 * frame->width)
        return ve__fail(VE_ERR_UNSUPPORTED, "rows of an aligned crop must lie tightly together");
    result->face_count = 1;
    fill_template_points(frame, &result->face);
    VE_TRY(assess(session, frame, result->face.points, &result->quality));
    return embed_pixels(session, frame->pixels, frame->width, frame->height, session->embedding);
}

/* result->face_count stays 0 or `reason` is set where there is no face to embed. */
static ve_status embed_found(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result)
{
    unsigned count = 0;
    VE_TRY(detect(session, frame, &count));
    result->face_count = count;
    result->reason = count ? VE_FACE_FINE : VE_FACE_NONE;
    if (count == 0)
        return VE_OK;
    int chosen = ve__face_choose(session->faces, count, session->choice, frame->width, frame->height);
    if (chosen < 0) {
        result->reason = VE_FACE_SEVERAL;
        return VE_OK;
    }
    result->face = session->faces[chosen];
    ve_status status = assess(session, frame, result->face.points, &result->quality);
    if (status == VE_ERR_ARGUMENT) { /* what has its points in no order of a face is none */
        result->reason = VE_FACE_NONE;
        return VE_OK;
    }
    VE_TRY(status);
    if (result->quality.reason != VE_FACE_FINE && !(session->flags & VE_FACE_ANY_QUALITY))
        return VE_OK;
    return embed_pixels(session, session->crop, VE_FACE_CROP_SIDE, VE_FACE_CROP_SIDE, session->embedding);
}

/* Leaves the embedding in the session; result->has_template tells whether there is one. */
static ve_status embed_frame(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result)
{
    VE_TRY(need_model(session));
    VE_TRY(ve__face_check_frame(frame));
    VE_TRY(session->flags & VE_FACE_ALIGNED ? embed_aligned(session, frame, result)
                                            : embed_found(session, frame, result));
    if (result->reason == VE_FACE_FINE) {
        result->reason = result->quality.reason;
        result->has_template = result->reason == VE_FACE_FINE || (session->flags & VE_FACE_ANY_QUALITY) != 0;
    }
    return VE_OK;
}

ve_status ve_face_embed(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result,
                        float *embedding)
{
    ve_face_result ours = VE_FACE_RESULT_INIT;
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(frame != NULL);
    VE_CHECK_ARG(result != NULL);
    VE_CHECK_ARG(embedding != NULL);
    VE_TRY(check_struct("result", result->struct_size, SMALLEST_RESULT));
    VE_TRY(embed_frame(session, frame, &ours));
    if (ours.has_template)
        memcpy(embedding, session->embedding, session->dim * sizeof *embedding);
    hand_out(result, &ours, sizeof ours);
    return VE_OK;
}

ve_status ve_face_add(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result)
{
    ve_face_result ours = VE_FACE_RESULT_INIT;
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(frame != NULL);
    VE_CHECK_ARG(result != NULL);
    VE_TRY(check_struct("result", result->struct_size, SMALLEST_RESULT));
    VE_TRY(embed_frame(session, frame, &ours));
    if (ours.has_template)
        ve__face_best_add(&session->best, session->embedding, ours.quality.score);
    hand_out(result, &ours, sizeof ours);
    return VE_OK;
}
