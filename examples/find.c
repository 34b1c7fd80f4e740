/* SPDX-License-Identifier: MIT */
/* Keeps pictures' embeddings in a store and finds the one most like another.
 *     find MODEL.vew STORE.ves PICTURE...       adds all but the last, and looks for the last */
#include <stdio.h>
#include <visembed.h>

static ve_status embed_file(ve_session *session, const char *path, float *vector)
{
    ve_image *image = NULL;
    ve_status status = ve_image_load(path, &image);
    if (status == VE_OK)
        status = ve_embed(session, image, vector);
    ve_image_free(image);
    return status;
}

static ve_status add_and_find(ve_session *session, ve_store *store, size_t dim, char **pictures, int count)
{
    float vector[VE_MAX_DIM];
    ve_match match;
    ve_store_record record;
    size_t found = 0;
    ve_status status = VE_OK;
    for (int i = 0; status == VE_OK && i + 1 < count; i++) {
        ve_store_entry entry = {vector, dim, pictures[i], NULL, 0, NULL};
        status = embed_file(session, pictures[i], vector);
        if (status == VE_OK)
            status = ve_store_add(store, &entry, NULL);
    }
    if (status == VE_OK)
        status = embed_file(session, pictures[count - 1], vector);
    if (status == VE_OK)
        status = ve_store_search(store, vector, 1, NULL, &match, &found);
    if (status == VE_OK && found > 0)
        status = ve_store_get(store, match.id, &record, NULL);
    if (status == VE_OK && found > 0)
        printf("%s (cosine %.3f)\n", record.label, (double)match.score);
    return status;
}

int main(int argc, char **argv)
{
    ve_model *model = NULL;
    ve_session *session = NULL;
    ve_store *store = NULL;
    ve_model_info info = VE_MODEL_INFO_INIT;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    if (argc < 4) {
        fprintf(stderr, "usage: find MODEL.vew STORE.ves PICTURE...\n");
        return 2;
    }
    ve_status status = ve_model_open(argv[1], NULL, &model);
    if (status == VE_OK)
        status = ve_model_get_info(model, &info);
    options.dim = info.dim;
    options.fingerprint = info.fingerprint; /* vectors of another model will be refused */
    options.flags = VE_STORE_CREATE;
    if (status == VE_OK)
        status = ve_session_create(model, NULL, &session);
    if (status == VE_OK)
        status = ve_store_open(argv[2], &options, &store);
    if (status == VE_OK)
        status = add_and_find(session, store, info.dim, argv + 3, argc - 3);
    if (status != VE_OK)
        fprintf(stderr, "find: %s\n", ve_last_error());
    ve_store_close(store);
    ve_session_free(session);
    ve_model_close(model);
    return status == VE_OK ? 0 : 2;
}
