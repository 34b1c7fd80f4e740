/* SPDX-License-Identifier: MIT */
/* JPEG pictures one after the other in a stream of bytes: a camera's MJPEG. Where one ends is found by its
 * markers (ITU-T T.81, annex B), not by a search for FF D9, which previews inside a picture contain as well. */
#ifndef FACEAUTH_JPEG_STREAM_H
#define FACEAUTH_JPEG_STREAM_H

#include <stddef.h>

/* A longer picture is skipped. */
#define MAX_FRAME_BYTES (16u * 1024u * 1024u)

/* Called with each whole picture. */
typedef void frame_function(void *data, const unsigned char *bytes, size_t size);

/* All zero at first. */
typedef struct jpeg_stream {
    unsigned char *bytes; /* starts with the picture that is being read */
    size_t size, capacity;
    size_t at;   /* what is before was looked at */
    int in_scan; /* at lies in compressed data */
} jpeg_stream;

/* Takes more bytes of the stream. -1 when there is no memory. A picture that another one interrupts is dropped,
 * and so is whatever is no JPEG. */
int jpeg_stream_push(jpeg_stream *stream, const unsigned char *bytes, size_t size, frame_function *frame,
                     void *data);
void jpeg_stream_free(jpeg_stream *stream);

#endif
