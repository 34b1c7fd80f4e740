/* SPDX-License-Identifier: MIT */
/* Sources with a reading thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source_mail.h"

mail_source *mail_source_make(frame_source *source, int keeps_all)
{
    mail_source *mail = calloc(1, sizeof *mail);
    if (!mail) {
        snprintf(source->problem, sizeof source->problem, "no memory for reading frames");
        return NULL;
    }
    mailbox_open(&mail->box, keeps_all);
    mail->descriptor = -1;
    source->own = mail;
    return mail;
}

void mail_source_frame(void *data, const unsigned char *bytes, size_t size)
{
    mail_source *mail = data;
    mailbox_put(&mail->box, bytes, size);
}

static frame_state next(frame_source *source, long wait_ms, ve_image **image)
{
    mail_source *mail = source->own;
    unsigned char *bytes = NULL;
    size_t size = 0;
    mailbox_state state = mailbox_take(&mail->box, wait_ms, &bytes, &size);
    if (state == MAIL_LATE)
        return FRAME_LATE;
    if (state == MAIL_OVER) {
        snprintf(source->problem, sizeof source->problem, "%s", mail->box.problem);
        return FRAME_OVER;
    }
    ve_status status = ve_image_decode(bytes, size, image);
    free(bytes);
    return status == VE_OK ? FRAME_READY : FRAME_DAMAGED;
}

static void close_mail(frame_source *source)
{
    mail_source *mail = source->own;
    mailbox_stop(&mail->box);
    if (mail->is_running)
        pthread_join(mail->thread, NULL);
    if (mail->descriptor > STDERR_FILENO)
        close(mail->descriptor);
    mailbox_close(&mail->box);
    free(mail);
}

int mail_source_start(frame_source *source, void *(*read)(void *mail))
{
    mail_source *mail = source->own;
    source->next = next;
    source->close = close_mail;
    if (pthread_create(&mail->thread, NULL, read, mail) != 0) {
        snprintf(source->problem, sizeof source->problem, "no thread for reading frames");
        return -1;
    }
    mail->is_running = 1;
    return 0;
}
