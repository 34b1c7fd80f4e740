/* SPDX-License-Identifier: MIT */
/* Frames to one template: the mean of the best. */
#ifndef FACEAUTH_LIVE_H
#define FACEAUTH_LIVE_H

#include "recognize.h"
#include "source.h"

/* Of this many good frames the best LIVE_BEST make the template. */
#define LIVE_FRAMES  5u
#define LIVE_BEST    3u
#define LIVE_SECONDS 15.0

/* Watches the source until there are enough good frames, it ends, or --timeout is over. ACCEPTED with the
 * template (info.dim floats); REJECTED after a report of why no face could be used; TROUBLE after a report of
 * why there were no frames. threshold: what frames of one person must have in common. What the person can do
 * better is told meanwhile, on standard error. */
auth_outcome live_template(face_recognizer *recognizer, const auth_settings *settings, float threshold,
                           float *embedding);

#endif
