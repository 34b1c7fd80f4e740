/* SPDX-License-Identifier: MIT */
/* The smallest complete program: prints a picture's embedding.   embed MODEL.vew PICTURE */
#include <stdio.h>
#include <visembed.h>

int main(int argc, char **argv)
{
    ve_model *model = NULL;
    ve_session *session = NULL;
    ve_image *image = NULL;
    ve_model_info info = VE_MODEL_INFO_INIT;
    float vector[VE_MAX_DIM];
    int status = 2;

    if (argc != 3) {
        fprintf(stderr, "usage: embed MODEL.vew PICTURE\n");
        return status;
    }
    if (ve_model_open(argv[1], NULL, &model) != VE_OK || ve_model_get_info(model, &info) != VE_OK ||
        ve_session_create(model, NULL, &session) != VE_OK || ve_image_load(argv[2], &image) != VE_OK ||
        ve_embed(session, image, vector) != VE_OK) {
        fprintf(stderr, "embed: %s\n", ve_last_error());
    } else {
        for (uint32_t i = 0; i < info.dim; i++)
            printf("%.9g%c", (double)vector[i], i + 1 < info.dim ? ' ' : '\n');
        status = fflush(stdout) == 0 ? 0 : 2;
    }
    ve_image_free(image);
    ve_session_free(session);
    ve_model_close(model);
    return status;
}
