/* SPDX-License-Identifier: MIT */
/* JPEG pictures one after the other in a stream of bytes. */
#include <stdlib.h>
#include <string.h>

#include "jpeg_stream.h"

enum { MARKER_RST0 = 0xd0, MARKER_RST7 = 0xd7, MARKER_SOI = 0xd8, MARKER_EOI = 0xd9, MARKER_SOS = 0xda };

static int append(jpeg_stream *stream, const unsigned char *bytes, size_t size)
{
    if (stream->size + size > stream->capacity) {
        size_t capacity = 2 * (stream->size + size) + 4096;
        unsigned char *grown = realloc(stream->bytes, capacity);
        if (!grown)
            return -1;
        stream->bytes = grown;
        stream->capacity = capacity;
    }
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
    return 0;
}

/* Forgets the first bytes, and starts again at the next FF D8 FF. A part of it at the end may grow. */
static void restart(jpeg_stream *stream, size_t from)
{
    static const unsigned char start[] = {0xff, MARKER_SOI, 0xff};
    size_t i = from;
    while (i < stream->size) {
        size_t rest = stream->size - i;
        if (memcmp(stream->bytes + i, start, rest < sizeof start ? rest : sizeof start) == 0)
            break;
        i++;
    }
    stream->size -= i;
    memmove(stream->bytes, stream->bytes + i, stream->size);
    stream->at = 2;
    stream->in_scan = 0;
}

/* To the next marker that is none of the scan's own: 0, or -1 when more bytes are needed. */
static int skip_scan(jpeg_stream *stream)
{
    while (stream->at + 1 < stream->size) {
        const unsigned char *next = memchr(stream->bytes + stream->at, 0xff, stream->size - 1 - stream->at);
        if (!next) {
            stream->at = stream->size - 1;
            return -1;
        }
        stream->at = (size_t)(next - stream->bytes);
        unsigned marker = next[1];
        if (marker != 0 && marker != 0xff && !(marker >= MARKER_RST0 && marker <= MARKER_RST7)) {
            stream->in_scan = 0;
            return 0;
        }
        stream->at += marker == 0xff ? 1 : 2;
    }
    return -1;
}

typedef enum step { STEP_ON, STEP_MORE, STEP_BAD, STEP_DONE } step;

/* One marker, with its segment. */
static step read_marker(jpeg_stream *stream)
{
    const unsigned char *at = stream->bytes + stream->at;
    size_t rest = stream->size - stream->at;
    if (rest < 2)
        return STEP_MORE;
    unsigned marker = at[1];
    if (at[0] != 0xff || marker == 0 || marker == MARKER_SOI)
        return STEP_BAD;
    if (marker == 0xff) { /* a fill byte */
        stream->at += 1;
        return STEP_ON;
    }
    if (marker == MARKER_EOI || marker == 1 || (marker >= MARKER_RST0 && marker <= MARKER_RST7)) {
        stream->at += 2;
        return marker == MARKER_EOI ? STEP_DONE : STEP_ON;
    }
    if (rest < 4)
        return STEP_MORE;
    size_t length = (size_t)at[2] << 8 | at[3];
    if (length < 2)
        return STEP_BAD;
    if (rest < 2 + length)
        return STEP_MORE;
    stream->at += 2 + length;
    stream->in_scan = marker == MARKER_SOS;
    return STEP_ON;
}

static step read_on(jpeg_stream *stream)
{
    if (stream->size < 3)
        return STEP_MORE;
    if (stream->in_scan && skip_scan(stream) != 0)
        return STEP_MORE;
    return read_marker(stream);
}

int jpeg_stream_push(jpeg_stream *stream, const unsigned char *bytes, size_t size, frame_function *frame,
                     void *data)
{
    int is_first = stream->size < 3;
    if (append(stream, bytes, size) != 0)
        return -1;
    if (is_first)
        restart(stream, 0);
    for (;;) {
        step next = read_on(stream);
        if (next == STEP_MORE && stream->size <= MAX_FRAME_BYTES)
            return 0;
        if (next == STEP_DONE)
            frame(data, stream->bytes, stream->at);
        if (next == STEP_DONE)
            restart(stream, stream->at);
        else if (next != STEP_ON)
            /* Another picture may begin where this one broke off. */
            restart(stream, next == STEP_BAD ? stream->at : stream->size);
    }
}

void jpeg_stream_free(jpeg_stream *stream)
{
    free(stream->bytes);
    memset(stream, 0, sizeof *stream);
}
