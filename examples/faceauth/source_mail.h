/* SPDX-License-Identifier: MIT */
/* What sources with a reading thread share: the thread, its mailbox, and decoding what comes out of that. */
#ifndef FACEAUTH_SOURCE_MAIL_H
#define FACEAUTH_SOURCE_MAIL_H

#include "mailbox.h"
#include "source.h"

typedef struct mail_source {
    mailbox box;
    pthread_t thread;
    int is_running;
    int descriptor;  /* of a stream; -1: none */
    const char *url; /* of a camera */
} mail_source;

/* Makes source->own, with an open mailbox. NULL, with source->problem, without memory. */
mail_source *mail_source_make(frame_source *source, int keeps_all);
/* Starts the thread, which ends by mailbox_end, and soon after mailbox_stop. Sets next and close. */
int mail_source_start(frame_source *source, void *(*read)(void *mail));
/* A frame_function; data: the mail_source. */
void mail_source_frame(void *mail, const unsigned char *bytes, size_t size);

#endif
