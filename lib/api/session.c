/* SPDX-License-Identifier: MIT */
/* ve_session_*, ve_embed, ve_embed_tensor: prepare the picture, run the network, scale the result. */
#include <math.h>
#include <string.h>

#include "api/objects.h"
#include "base/memory.h"
#include "base/threads.h"
#include "image/image.h"

#define SMALLEST_OPTIONS 20u /* ve_session_options of version 0.1 */

struct ve_session {
    const ve_model *model;
    uint32_t width, height;
    int raw;
    ve__pool *pool;
    ve__prepare *prepare;
    ve__run *run;
    uint32_t dim;
    float *embedding; /* the model's dim: nothing goes to the caller before it is known to be good */
};

/* Where a family names the size before the crop in pixels, that size belongs to the model's own input. A
 * session of another size keeps the proportion, as it would with a crop fraction: in pixels it would cut too
 * much off, or put a frame around the picture. */
static void change_size(ve__preprocess *preprocess, uint32_t width, uint32_t height)
{
    if (preprocess->resize_to && (width != preprocess->width || height != preprocess->height)) {
        uint32_t shorter = preprocess->width < preprocess->height ? preprocess->width : preprocess->height;
        double exact = (double)shorter / preprocess->resize_to;
        exact = exact < 0.1 ? 0.1 : exact > 1.0 ? 1.0 : exact; /* what arch.h allows for fractions */
        float fraction = (float)exact;
        /* Rounded up it would make a whole quotient one less. */
        preprocess->crop_fraction = (double)fraction > exact ? nextafterf(fraction, 0.0f) : fraction;
        preprocess->resize_to = 0;
    }
    preprocess->width = width;
    preprocess->height = height;
}

static ve_status fill_session(ve_session *session, const ve_session_options *options)
{
    ve__preprocess preprocess = session->model->preprocess;
    session->width = options->width ? options->width : preprocess.width;
    session->height = options->height ? options->height : preprocess.height;
    change_size(&preprocess, session->width, session->height);
    session->raw = (options->flags & VE_SESSION_RAW) != 0;
    session->dim = ve__net_dim(session->model->net);
    if (!(session->embedding = ve__allocate(session->dim * sizeof *session->embedding)))
        return ve__fail(VE_ERR_MEMORY, "no memory for an embedding of %u floats", session->dim);
    VE_TRY(ve__pool_create(options->threads ? options->threads : 1, &session->pool));
    VE_TRY(ve__run_create(session->model->net, session->pool, session->width, session->height, &session->run));
    return ve__prepare_create(&preprocess, &session->prepare);
}

ve_status ve_session_create(const ve_model *model, const ve_session_options *options, ve_session **out)
{
    ve_session_options ours;
    VE_CHECK_ARG(model != NULL);
    VE_CHECK_ARG(out != NULL);
    VE_TRY(ve__options_copy(&ours, sizeof ours, options, SMALLEST_OPTIONS));
    if (ours.flags & ~VE_SESSION_RAW)
        return ve__fail(VE_ERR_UNSUPPORTED, "session option flags 0x%x: only VE_SESSION_RAW is defined",
                        ours.flags);
    ve_session *session = ve__allocate_zeroed(sizeof *session);
    if (!session)
        return ve__fail(VE_ERR_MEMORY, "no memory for a session");
    session->model = model;
    ve_status status = fill_session(session, &ours);
    if (status != VE_OK) {
        ve_session_free(session);
        return status;
    }
    *out = session;
    return VE_OK;
}

void ve_session_free(ve_session *session)
{
    if (!session)
        return;
    ve__prepare_free(session->prepare);
    ve__run_free(session->run);
    ve__pool_free(session->pool);
    ve__wipe(session->embedding, session->dim * sizeof *session->embedding); /* somebody's face, maybe */
    ve__release(session->embedding);
    ve__release(session);
}

size_t ve_session_memory(const ve_session *session)
{
    if (!session)
        return 0;
    return sizeof *session + session->dim * sizeof *session->embedding + ve__run_bytes(session->run) +
           ve__prepare_bytes(session->prepare);
}

/* The prepared input lies in the run. */
static ve_status embed_prepared(ve_session *session, float *embedding)
{
    ve__run_embed(session->run, session->embedding);
    if (!session->raw && ve_normalize(session->embedding, session->dim) != VE_OK)
        return ve__fail_within(VE_ERR_STATE, "the network's output cannot be normalised");
    memcpy(embedding, session->embedding, session->dim * sizeof *embedding);
    return VE_OK;
}

ve_status ve_embed(ve_session *session, const ve_image *image, float *embedding)
{
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(image != NULL);
    VE_CHECK_ARG(embedding != NULL);
    VE_TRY(ve__prepare_run(session->prepare, image, ve__run_input(session->run)));
    return embed_prepared(session, embedding);
}

ve_status ve_embed_tensor(ve_session *session, const float *nchw, float *embedding)
{
    VE_CHECK_ARG(session != NULL);
    VE_CHECK_ARG(nchw != NULL);
    VE_CHECK_ARG(embedding != NULL);
    const ve__kernels *kernels = ve__net_kernels(session->model->net);
    if (!kernels->interleave(nchw, (size_t)session->width * session->height, ve__run_input(session->run)))
        return ve__fail(VE_ERR_ARGUMENT, "the input tensor holds a value that is infinite or not a number");
    return embed_prepared(session, embedding);
}
