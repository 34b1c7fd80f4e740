/* SPDX-License-Identifier: MIT */
/* Embeds all pictures of a set, on several threads, each with a session of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "complain.h"
#include "embed.h"
#include "queue.h"

typedef struct embed_job {
    const picture_set *set;
    const embed_plan *plan;
    eval_vectors *vectors;
    work_queue queue;
    ve_session **sessions;   /* one a thread */
    ve_face_session **faces; /* the same, where there is a detector */
} embed_job;

static void mirror(uint8_t *rgb, uint32_t width, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width / 2; x++) {
            uint8_t *a = rgb + 3 * ((size_t)y * width + x), *b = rgb + 3 * ((size_t)y * width + width - 1 - x);
            uint8_t kept[3];
            memcpy(kept, a, 3);
            memcpy(a, b, 3);
            memcpy(b, kept, 3);
        }
}

static ve_status embed_pixels(ve_session *session, const uint8_t *rgb, uint32_t width, uint32_t height,
                              float *embedding)
{
    ve_image *image;
    ve_status status = ve_image_from_pixels(rgb, width, height, 0, VE_PIXELS_RGB, &image);
    if (status != VE_OK)
        return status;
    status = ve_embed(session, image, embedding);
    ve_image_free(image);
    return status;
}

/* Degrades a copy of the picture and embeds it, and its mirror image where that is asked for. */
static ve_status embed_changed(const embed_job *job, ve_session *session, const ve_image *image,
                               const char *name, uint8_t *rgb, float *embedding)
{
    uint32_t width = ve_image_width(image), height = ve_image_height(image);
    float mirrored[VE_MAX_DIM];
    memcpy(rgb, ve_image_pixels(image), 3 * (size_t)width * height);
    if (degrade(job->plan->condition, name, rgb, width, height) != 0)
        return VE_ERR_MEMORY;
    ve_status status = embed_pixels(session, rgb, width, height, embedding);
    if (status != VE_OK || !job->plan->use_flip)
        return status;
    mirror(rgb, width, height);
    if ((status = embed_pixels(session, rgb, width, height, mirrored)) != VE_OK)
        return status;
    for (uint32_t i = 0; i < job->vectors->dim; i++)
        embedding[i] += mirrored[i];
    return ve_normalize(embedding, job->vectors->dim);
}

static ve_status embed_image(const embed_job *job, ve_session *session, const ve_image *image, const char *name,
                             float *embedding)
{
    if (job->plan->condition == CONDITION_NONE && !job->plan->use_flip)
        return ve_embed(session, image, embedding);
    uint8_t *rgb = malloc(3 * (size_t)ve_image_width(image) * ve_image_height(image));
    ve_status status =
        rgb ? embed_changed(job, session, image, name, rgb, embedding) : (ve_status)VE_ERR_MEMORY;
    free(rgb);
    return status;
}

/* The crop of a face that was found, as a picture of its own. */
static ve_status embed_aligned(const embed_job *job, unsigned thread, const ve_face_frame *frame,
                               const ve_face *face, const char *name, float *embedding)
{
    uint8_t crop[VE_FACE_CROP_BYTES];
    ve_image *image = NULL;
    ve_status status = ve_face_align(job->faces[thread], frame, face->points, crop);
    if (status == VE_OK)
        status = ve_image_from_pixels(crop, VE_FACE_CROP_SIDE, VE_FACE_CROP_SIDE, 0, VE_PIXELS_RGB, &image);
    if (status == VE_OK)
        status = embed_image(job, job->sessions[thread], image, name, embedding);
    ve_image_free(image);
    return status;
}

/* Finds, aligns and embeds the central face. *reason says why there is none. */
static ve_status embed_face(const embed_job *job, unsigned thread, const ve_image *image, const char *name,
                            float *embedding, const char **reason)
{
    ve_face_result result = VE_FACE_RESULT_INIT;
    ve_face_frame frame = ve_face_frame_of(image);
    ve_status status = ve_face_embed(job->faces[thread], &frame, &result, embedding);
    if (status == VE_OK && !result.has_template)
        *reason = ve_face_reason_message((ve_face_reason)result.reason);
    if (status != VE_OK || *reason || (job->plan->condition == CONDITION_NONE && !job->plan->use_flip))
        return status;
    return embed_aligned(job, thread, &frame, &result.face, name, embedding);
}

/* A failing picture leaves its row zero. */
static void embed_one(embed_job *job, unsigned thread, size_t picture)
{
    ve_image *image = NULL;
    const char *reason = NULL, *name = job->set->pictures[picture].name;
    float *row = vectors_row(job->vectors, picture);
    char *path = set_path(job->set, picture);
    ve_status status = path ? ve_image_load(path, &image) : VE_ERR_MEMORY;
    if (status == VE_OK)
        status = job->faces ? embed_face(job, thread, image, name, row, &reason)
                            : embed_image(job, job->sessions[thread], image, name, row);
    if (status != VE_OK)
        reason = ve_last_error();
    if (status == VE_ERR_MEMORY || (reason && vectors_fail(job->vectors, picture, reason) != 0))
        queue_fail(&job->queue);
    if (reason)
        memset(row, 0, job->vectors->dim * sizeof *row);
    ve_image_free(image);
    free(path);
}

static void embed_some(void *data, unsigned thread, unsigned thread_count)
{
    embed_job *job = data;
    size_t picture;
    (void)thread_count;
    while ((picture = queue_take(&job->queue)) < job->vectors->count)
        embed_one(job, thread, picture);
}

/* One session a thread, and one that finds faces where that is asked for. */
static int make_sessions(embed_job *job)
{
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    options.flags = VE_FACE_ANY_QUALITY;
    options.choice = VE_FACE_CENTRAL;
    options.smallest_face = job->plan->smallest_face;
    job->sessions = calloc(job->plan->threads, sizeof(ve_session *));
    job->faces = job->plan->detector ? calloc(job->plan->threads, sizeof(ve_face_session *)) : NULL;
    if (!job->sessions || (job->plan->detector && !job->faces))
        return complain_memory("sessions");
    for (unsigned i = 0; i < job->plan->threads; i++) {
        if (ve_session_create(job->plan->model, NULL, &job->sessions[i]) != VE_OK)
            return complain("%s", ve_last_error());
        if (job->faces &&
            ve_face_session_create(job->plan->model, job->plan->detector, &options, &job->faces[i]) != VE_OK)
            return complain("%s", ve_last_error());
    }
    return 0;
}

static void free_sessions(embed_job *job)
{
    for (unsigned i = 0; i < job->plan->threads; i++) {
        if (job->sessions)
            ve_session_free(job->sessions[i]);
        if (job->faces)
            ve_face_session_free(job->faces[i]);
    }
    free(job->sessions);
    free(job->faces);
}

static int run(embed_job *job)
{
    ve__pool *pool;
    if (ve__pool_create(job->plan->threads, &pool) != VE_OK)
        return complain("%s", ve_last_error());
    queue_start(&job->queue, job->vectors->count, "pictures embedded");
    ve__pool_run(pool, embed_some, job);
    queue_end(&job->queue);
    ve__pool_free(pool);
    return job->queue.has_failed ? complain_memory("a picture") : 0;
}

int embed_set(eval_vectors *vectors, const picture_set *set, const embed_plan *plan)
{
    ve_model_info info = VE_MODEL_INFO_INIT;
    embed_job job = {.set = set, .plan = plan, .vectors = vectors};
    ve_model_get_info(plan->model, &info);
    if (vectors_begin(vectors, set->picture_count, info.dim) != 0)
        return -1;
    snprintf(vectors->fingerprint, sizeof vectors->fingerprint, "%s", info.fingerprint);
    snprintf(vectors->model_name, sizeof vectors->model_name, "%s", info.name);
    snprintf(vectors->how, sizeof vectors->how, "%s%s%s", condition_name(plan->condition),
             plan->use_flip ? ",flip" : "", plan->detector ? ",raw" : "");
    int result = make_sessions(&job);
    if (result == 0)
        result = run(&job);
    free_sessions(&job);
    for (size_t i = 0; i < vectors->count; i++)
        vectors->failure_count += vectors->failures[i] != NULL;
    return result;
}
