/* SPDX-License-Identifier: MIT */
/* ve_face_begin, ve_face_finish, ve_face_combine: templates of several frames to one, the mean of the best unit
 * vectors. */
#include <math.h>
#include <string.h>

#include "api/face_objects.h"

void ve__face_best_take(ve__face_best *best, ve__arena *arena, size_t dim)
{
    best->dim = dim;
    best->rows = ve__arena_take(arena, dim * VE_FACE_MAX_KEPT * sizeof *best->rows);
    best->mean = ve__arena_take(arena, dim * sizeof *best->mean);
}

void ve__face_best_clear(ve__face_best *best)
{
    ve_wipe(best->rows, best->dim * VE_FACE_MAX_KEPT * sizeof *best->rows);
    ve_wipe(best->mean, best->dim * sizeof *best->mean);
    ve_wipe(best->weights, sizeof best->weights);
    best->count = 0;
}

void ve__face_best_add(ve__face_best *best, const float *embedding, float weight)
{
    uint32_t at = best->count;
    while (at > 0 && best->weights[at - 1] < weight)
        at--;
    if (at == VE_FACE_MAX_KEPT)
        return;
    if (best->count < VE_FACE_MAX_KEPT)
        best->count++;
    size_t behind = best->count - 1 - at, row = best->dim;
    memmove(best->rows + (at + 1) * row, best->rows + at * row, behind * row * sizeof *best->rows);
    memmove(best->weights + at + 1, best->weights + at, behind * sizeof *best->weights);
    memcpy(best->rows + at * row, embedding, row * sizeof *best->rows);
    best->weights[at] = weight;
}

/* Similarity of row i to the mean of the other rows. */
static float similarity_to_others(ve__face_best *best, uint32_t used, uint32_t i)
{
    for (size_t d = 0; d < best->dim; d++) {
        double sum = 0;
        for (uint32_t j = 0; j < used; j++)
            sum += j == i ? 0.0 : (double)best->weights[j] * (double)best->rows[j * best->dim + d];
        best->mean[d] = (float)sum;
    }
    return ve_similarity(best->mean, best->rows + i * best->dim, best->dim);
}

static float lowest_agreement(ve__face_best *best, uint32_t used)
{
    float lowest = 1.0f;
    for (uint32_t i = 0; i < used && used > 1; i++) {
        float score = similarity_to_others(best, used, i);
        lowest = score < lowest ? score : lowest;
    }
    return lowest;
}

ve_status ve_face_begin(ve_face_session *session)
{
    VE_CHECK_ARG(session != NULL);
    if (!session->embedder)
        return ve__fail(VE_ERR_STATE, "this face session was made without a model");
    ve__face_best_clear(&session->best);
    ve_wipe(session->embedding, session->dim * sizeof *session->embedding);
    return VE_OK;
}

uint32_t ve_face_kept(const ve_face_session *session)
{
    return session ? session->best.count : 0;
}

ve_status ve_face_finish(ve_face_session *session, uint32_t best, float *embedding, uint32_t *used,
                         float *agreement)
{
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(embedding != NULL);
    ve__face_best *kept = &session->best;
    if (kept->count == 0)
        return ve__fail(VE_ERR_NOT_FOUND, "no frame with a good face was added");
    uint32_t count = best == 0 || best > kept->count ? kept->count : best;
    VE_TRY(ve_face_combine(kept->rows, kept->weights, count, kept->dim, kept->mean));
    memcpy(embedding, kept->mean, kept->dim * sizeof *embedding);
    if (agreement)
        *agreement = lowest_agreement(kept, count);
    if (used)
        *used = count;
    return VE_OK;
}

/* ------------------------------------------------------------------ the mean */

/* All weights 1 where there are none. */
static double weight_of(const float *weights, size_t i)
{
    return weights ? (double)weights[i] : 1.0;
}

static ve_status check_weights(const float *weights, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = weight_of(weights, i);
        /* Written so that NaN fails as well. */
        if (!(weight >= 0) || isinf(weight))
            return ve__fail(VE_ERR_ARGUMENT, "weight %zu is %g", i, weight);
        sum += weight;
    }
    return sum > 0 ? VE_OK : ve__fail(VE_ERR_ARGUMENT, "all weights are zero");
}

static double mean_at(const float *embeddings, const float *weights, size_t count, size_t dim, size_t d)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight_of(weights, i) * (double)embeddings[i * dim + d];
    return sum;
}

/* Twice through the numbers, so that nothing is written before the length is known to be good, and no room is
 * needed.
 */
ve_status ve_face_combine(const float *embeddings, const float *weights, size_t count, size_t dim, float *mean)
{
    double squares = 0;
    VE_CHECK_ARG(embeddings != NULL);
    VE_CHECK_ARG(mean != NULL);
    VE_CHECK_ARG(count > 0);
    VE_CHECK_ARG(dim > 0);
    VE_TRY(check_weights(weights, count));
    for (size_t d = 0; d < dim; d++) {
        double value = mean_at(embeddings, weights, count, dim, d);
        squares += value * value;
    }
    if (!(squares > 1e-12) || isinf(squares))
        return ve__fail(VE_ERR_ARGUMENT, "the mean of the %zu embeddings has no direction", count);
    double factor = 1 / sqrt(squares);
    /* mean[d] may be an element of embeddings: only number d of each, which is read before it is written. */
    for (size_t d = 0; d < dim; d++)
        mean[d] = (float)(factor * mean_at(embeddings, weights, count, dim, d));
    return VE_OK;
}
