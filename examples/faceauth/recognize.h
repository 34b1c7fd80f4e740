/* SPDX-License-Identifier: MIT */
/* Pictures to templates. */
#ifndef FACEAUTH_RECOGNIZE_H
#define FACEAUTH_RECOGNIZE_H

#include "faceauth.h"
#include "visembed_face.h"

typedef struct face_recognizer {
    ve_model *model;
    ve_detector *detector; /* NULL with --aligned */
    ve_face_session *session;
    ve_model_info info;
} face_recognizer;

/* Opens the model, and the detector unless pictures are aligned crops. ACCEPTED, or TROUBLE after a report.
 * recognizer_close in every case. */
auth_outcome recognizer_open(face_recognizer *recognizer, const auth_settings *settings);
void recognizer_close(face_recognizer *recognizer);

/* One template (info.dim floats) for each of the settings' pictures, one after the other, in memory that
 * templates_free wipes. ACCEPTED; REJECTED after a report of why a picture's face cannot be used; TROUBLE after
 * a report that names the picture. */
auth_outcome recognizer_templates(face_recognizer *recognizer, const auth_settings *settings,
                                  float **templates);
void templates_free(const face_recognizer *recognizer, size_t count, float *templates);

#endif
