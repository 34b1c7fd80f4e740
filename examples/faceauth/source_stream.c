/* SPDX-License-Identifier: MIT */
/* Frames from a pipe or a file of JPEGs one after the other, as `rpicam-vid --codec mjpeg -o -` writes them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jpeg_stream.h"
#include "source_mail.h"

/* How long a stop may go unnoticed while nothing comes. */
#define POLL_MS 50

/* One read: 1 when there may be more, 0 at the end, -1 after an error. */
static int read_some(mail_source *mail, jpeg_stream *jpegs)
{
    unsigned char bytes[65536];
    struct pollfd waiting = {mail->descriptor, POLLIN, 0};
    if (poll(&waiting, 1, POLL_MS) == 0)
        return 1;
    ssize_t count = read(mail->descriptor, bytes, sizeof bytes);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -1;
    if (count == 0)
        return 0;
    if (jpeg_stream_push(jpegs, bytes, (size_t)count, mail_source_frame, mail) != 0)
        return errno = ENOMEM, -1;
    return 1;
}

static void *read_all(void *data)
{
    mail_source *mail = data;
    jpeg_stream jpegs;
    int state = 1;
    memset(&jpegs, 0, sizeof jpegs);
    while (state == 1 && !mailbox_is_stopped(&mail->box))
        state = read_some(mail, &jpegs);
    mailbox_end(&mail->box, state < 0 ? strerror(errno) : "");
    jpeg_stream_free(&jpegs);
    return NULL;
}

int source_open_stream(frame_source *source, const char *path)
{
    struct stat about;
    int is_input = strcmp(path, "-") == 0;
    int descriptor = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        snprintf(source->problem, sizeof source->problem, "%s: %s", path, strerror(errno));
        return -1;
    }
    /* A file does not run on meanwhile: none of its frames is passed over. */
    mail_source *mail = mail_source_make(source, S_ISREG(about.st_mode));
    if (!mail) {
        if (!is_input)
            close(descriptor);
        return -1;
    }
    mail->descriptor = descriptor;
    return mail_source_start(source, read_all);
}
