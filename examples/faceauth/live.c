/* SPDX-License-Identifier: MIT */
/* Frames to one template. */
#include <string.h>
#include <time.h>

#include "live.h"
#include "report.h"

/* A hint is repeated when it still holds after this long. */
#define HINT_MS 3000.0

typedef struct watch {
    const auth_settings *settings;
    face_recognizer *recognizer;
    frame_source source;
    double started_ms, hint_ms;
    unsigned frames, damaged;
    ve_face_reason hint, last; /* told last; of the last frame */
    frame_state state;
} watch;

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void tell(watch *watching, ve_face_reason reason)
{
    watching->last = reason;
    if (reason == VE_FACE_FINE || (reason == watching->hint && now_ms() - watching->hint_ms < HINT_MS))
        return;
    report_note(watching->settings, "%s", ve_face_reason_message(reason));
    watching->hint = reason;
    watching->hint_ms = now_ms();
}

/* VE_OK also for a frame that is of no use. */
static ve_status look(watch *watching, const ve_image *image)
{
    ve_face_result result = VE_FACE_RESULT_INIT;
    ve_face_frame frame = ve_face_frame_of(image);
    ve_status status = ve_face_add(watching->recognizer->session, &frame, &result);
    if (status != VE_OK)
        return status;
    watching->frames++;
    tell(watching, (ve_face_reason)result.reason);
    return VE_OK;
}

static double rest_ms(const watch *watching)
{
    double limit = watching->settings->timeout > 0 ? watching->settings->timeout : LIVE_SECONDS;
    return watching->started_ms + limit * 1e3 - now_ms();
}

static ve_status watch_frames(watch *watching)
{
    unsigned wanted = watching->settings->frames ? watching->settings->frames : LIVE_FRAMES;
    ve_status status = ve_face_begin(watching->recognizer->session);
    watching->state = FRAME_READY;
    while (status == VE_OK && ve_face_kept(watching->recognizer->session) < wanted) {
        ve_image *image = NULL;
        double rest = rest_ms(watching);
        watching->state =
            rest > 0 ? watching->source.next(&watching->source, (long)rest + 1, &image) : FRAME_LATE;
        if (watching->state == FRAME_LATE || watching->state == FRAME_OVER)
            break;
        if (watching->state == FRAME_DAMAGED)
            watching->damaged++;
        else
            status = look(watching, image);
        ve_image_free(image);
    }
    return status;
}

/* There was no good frame: why? */
static auth_outcome report_nothing(const watch *watching)
{
    const auth_settings *settings = watching->settings;
    if (watching->frames > 0)
        return report(settings, REJECTED, ve_face_reason_name(watching->last), settings->name, "%s",
                      ve_face_reason_message(watching->last));
    if (watching->source.problem[0])
        return report(settings, TROUBLE, "no_frames", settings->name, "%s", watching->source.problem);
    if (watching->damaged > 0)
        return report(settings, TROUBLE, "no_frames", settings->name, "of %u frames none could be decoded: %s",
                      watching->damaged, ve_last_error());
    return report(settings, TROUBLE, "no_frames", settings->name,
                  watching->state == FRAME_LATE ? "no frame came in time" : "there was no frame");
}

static auth_outcome finish(watch *watching, float threshold, float *embedding)
{
    const auth_settings *settings = watching->settings;
    uint32_t used = 0;
    float agreement = 1.0f;
    if (ve_face_kept(watching->recognizer->session) == 0)
        return report_nothing(watching);
    if (ve_face_finish(watching->recognizer->session, LIVE_BEST, embedding, &used, &agreement) != VE_OK)
        return report_failure(settings, "bad_frames");
    if (settings->is_debug)
        report_note(settings, "debug: %u frames, %u damaged, %u good, the best %u agree by %.3f",
                    watching->frames, watching->damaged, ve_face_kept(watching->recognizer->session), used,
                    (double)agreement);
    if (agreement < threshold)
        return report(settings, REJECTED, "different_people", settings->name,
                      "the frames do not show one and the same face");
    return ACCEPTED;
}

auth_outcome live_template(face_recognizer *recognizer, const auth_settings *settings, float threshold,
                           float *embedding)
{
    watch watching;
    memset(&watching, 0, sizeof watching);
    watching.settings = settings;
    watching.recognizer = recognizer;
    watching.started_ms = now_ms();
    auth_outcome outcome = source_open(&watching.source, settings);
    if (outcome == ACCEPTED)
        outcome = watch_frames(&watching) == VE_OK ? finish(&watching, threshold, embedding)
                                                   : report_failure(settings, "bad_frames");
    source_close(&watching.source);
    ve_face_begin(recognizer->session); /* wipes what was collected */
    return outcome;
}
