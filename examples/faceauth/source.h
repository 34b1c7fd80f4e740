/* SPDX-License-Identifier: MIT */
/* Where frames come from. A new kind of source (a camera device, say) is a file with a function that fills a
 * frame_source, and a line in source_open. */
#ifndef FACEAUTH_SOURCE_H
#define FACEAUTH_SOURCE_H

#include "faceauth.h"
#include "visembed.h"

typedef enum frame_state {
    FRAME_READY,   /* *image is there; the caller frees it */
    FRAME_DAMAGED, /* one came that cannot be decoded: ve_last_error() */
    FRAME_LATE,    /* none came in time */
    FRAME_OVER     /* no more will come; frame_source.problem says why, "" where there simply are no more */
} frame_state;

typedef struct frame_source {
    /* The newest frame of a camera, the next one of a file or folder; waits up to wait_ms. */
    frame_state (*next)(struct frame_source *source, long wait_ms, ve_image **image);
    void (*close)(struct frame_source *source);
    char problem[320];
    void *own; /* the source's */
} frame_source;

/* Whether the settings name frames, not single pictures: --camera, a folder, "-" or a file that ends in .mjpeg
 * or .mjpg; or nothing at all, with something else than a terminal as standard input. */
int source_is_wanted(const auth_settings *settings);
/* Opens it. ACCEPTED, or TROUBLE after a report. source_close in every case. */
auth_outcome source_open(frame_source *source, const auth_settings *settings);
void source_close(frame_source *source);

/* The kinds. 0, or -1 with source->problem. */
int source_open_stream(frame_source *source, const char *path);
int source_open_http(frame_source *source, const char *url);
int source_open_folder(frame_source *source, const char *path);

#endif
