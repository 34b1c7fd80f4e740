/* SPDX-License-Identifier: MIT */
/* program WEIGHTS: the installed header and library, used from C. Prints the embedding's first number. */
#include <stdio.h>
#include <string.h>
#include <visembed.h>

int main(int count, char **arguments)
{
    ve_model *model = NULL;
    ve_session *session = NULL;
    ve_image *image = NULL;
    static float vector[VE_MAX_DIM];
    static unsigned char pixels[3 * 32 * 32];
    char version[32];
    sprintf(version, "%d.%d.%d", VE_VERSION_MAJOR, VE_VERSION_MINOR, VE_VERSION_PATCH);
    memset(pixels, 100, sizeof pixels);
    if (count != 2 || strcmp(version, ve_version()) != 0 ||
        ve_model_open(arguments[1], NULL, &model) != VE_OK ||
        ve_session_create(model, NULL, &session) != VE_OK ||
        ve_image_from_pixels(pixels, 32, 32, 0, VE_PIXELS_RGB, &image) != VE_OK ||
        ve_embed(session, image, vector) != VE_OK) {
        fprintf(stderr, "program: %s\n", ve_last_error());
        return 1;
    }
    printf("%.9g\n", (double)vector[0]);
    ve_image_free(image);
    ve_session_free(session);
    ve_model_close(model);
    return 0;
}
