/* SPDX-License-Identifier: MIT */
/* From a picture to a face's template, and how alike two are.   face MODEL.vew DETECTOR.vew PICTURE PICTURE */
#include <stdio.h>
#include <visembed_face.h>

/* 0, or -1 after saying why there is no template. */
static int make_template(ve_face_session *session, const char *path, float *embedding)
{
    ve_image *image = NULL;
    ve_face_result result = VE_FACE_RESULT_INIT;
    ve_status status = ve_image_load(path, &image);
    if (status == VE_OK) {
        ve_face_frame frame = ve_face_frame_of(image);
        status = ve_face_embed(session, &frame, &result, embedding);
    }
    ve_image_free(image);
    if (status == VE_OK && result.has_template)
        return 0;
    fprintf(stderr, "face: %s: %s\n", path,
            status == VE_OK ? ve_face_reason_message((ve_face_reason)result.reason) : ve_last_error());
    return -1;
}

int main(int argc, char **argv)
{
    ve_model *model = NULL;
    ve_detector *detector = NULL;
    ve_face_session *session = NULL;
    ve_model_info info = VE_MODEL_INFO_INIT;
    float first[VE_MAX_DIM], second[VE_MAX_DIM];
    int status = 2;

    if (argc != 5) {
        fprintf(stderr, "usage: face MODEL.vew DETECTOR.vew PICTURE PICTURE\n");
        return status;
    }
    if (ve_model_open(argv[1], NULL, &model) != VE_OK || ve_model_get_info(model, &info) != VE_OK ||
        ve_detector_open(argv[2], NULL, &detector) != VE_OK ||
        ve_face_session_create(model, detector, NULL, &session) != VE_OK) {
        fprintf(stderr, "face: %s\n", ve_last_error());
    } else if (make_template(session, argv[3], first) == 0 && make_template(session, argv[4], second) == 0) {
        printf("%.4f\n", (double)ve_similarity(first, second, info.dim));
        status = fflush(stdout) == 0 ? 0 : 2;
    }
    ve_wipe(first, sizeof first);
    ve_wipe(second, sizeof second);
    ve_face_session_free(session);
    ve_detector_close(detector);
    ve_model_close(model);
    return status;
}
