/* SPDX-License-Identifier: MIT */
/* The body of an HTTP answer with pictures. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "multipart.h"

#define MAX_PREAMBLE 65536u
#define MAX_HEADERS  8192u

enum { LOOSE_JPEGS, PREAMBLE, HEADERS, PART };

/* The value of "boundary=" in a Content-Type, quoted or not. */
static void read_boundary(const char *type, char *boundary, size_t capacity)
{
    const char *at = type;
    size_t length;
    while ((at = strchr(at, ';'))) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, "boundary=", 9) == 0)
            break;
    }
    if (!at)
        return;
    at += 9;
    if (*at == '"')
        length = strcspn(++at, "\"");
    else
        length = strcspn(at, "; \t");
    /* Many cameras write the dashes that belong before a boundary into its name. */
    if (length >= 2 && at[0] == '-' && at[1] == '-')
        at += 2, length -= 2;
    if (length > 0 && length + 3 <= capacity)
        snprintf(boundary, capacity, "--%.*s", (int)length, at);
}

void multipart_begin(multipart *body, const char *type)
{
    memset(body, 0, sizeof *body);
    if (type && strncasecmp(type, "multipart/", 10) == 0)
        read_boundary(type, body->boundary, sizeof body->boundary);
    body->state = body->boundary[0] ? PREAMBLE : LOOSE_JPEGS;
}

static int fail(multipart *body, const char *problem)
{
    snprintf(body->problem, sizeof body->problem, "%s", problem);
    return -1;
}

static int append(multipart *body, const unsigned char *bytes, size_t size)
{
    if (body->size + size > body->capacity) {
        size_t capacity = 2 * (body->size + size) + 4096;
        unsigned char *grown = realloc(body->bytes, capacity);
        if (!grown)
            return fail(body, "no memory for the camera's pictures");
        body->bytes = grown;
        body->capacity = capacity;
    }
    memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
    return 0;
}

static void drop(multipart *body, size_t count)
{
    body->size -= count;
    memmove(body->bytes, body->bytes + count, body->size);
    body->looked = 0;
}

/* Where text begins in the bytes; -1 when it is not there (yet). Bytes are searched once. */
static long find(multipart *body, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = body->looked; i + length <= body->size; i++)
        if (body->bytes[i] == (unsigned char)text[0] && memcmp(body->bytes + i, text, length) == 0)
            return (long)i;
    body->looked = body->size >= length ? body->size - length + 1 : 0;
    return -1;
}

/* Each of these returns 1 when it went on, 0 when it needs more bytes, -1 when the body is broken. */

/* To behind the next boundary's line. */
static int read_preamble(multipart *body, frame_function *frame, void *data)
{
    long at = find(body, body->boundary);
    if (at < 0) {
        if (body->size <= MAX_PREAMBLE)
            return 0;
        body->state = LOOSE_JPEGS;
        if (jpeg_stream_push(&body->jpegs, body->bytes, body->size, frame, data) != 0)
            return fail(body, "no memory for the camera's pictures");
        drop(body, body->size);
        return 0;
    }
    unsigned char *end = memchr(body->bytes + at, '\n', body->size - (size_t)at);
    if (!end)
        return body->size - (size_t)at > MAX_HEADERS ? fail(body, "the camera's boundary line does not end")
                                                     : 0;
    drop(body, (size_t)(end + 1 - body->bytes));
    body->state = HEADERS;
    body->has_length = 0;
    return 1;
}

/* One header line of `size` bytes. */
static int read_header(multipart *body, const char *line, size_t size)
{
    static const char name[] = "content-length:";
    char number[24] = "", *end;
    if (size < sizeof name - 1 || strncasecmp(line, name, sizeof name - 1) != 0)
        return 0;
    while (size > 0 && isspace((unsigned char)line[size - 1]))
        size--;
    line += sizeof name - 1, size -= sizeof name - 1;
    while (size > 0 && (*line == ' ' || *line == '\t'))
        line++, size--;
    if (size == 0 || size >= sizeof number || !isdigit((unsigned char)*line))
        return fail(body, "the camera sends a Content-Length that is no number");
    memcpy(number, line, size);
    unsigned long long value = strtoull(number, &end, 10);
    if (*end)
        return fail(body, "the camera sends a Content-Length that is no number");
    if (value > MAX_FRAME_BYTES) {
        snprintf(body->problem, sizeof body->problem,
                 "the camera announces a picture of %s bytes: more than %u", number, MAX_FRAME_BYTES);
        return -1;
    }
    body->length = (size_t)value;
    body->has_length = 1;
    return 0;
}

static int read_headers(multipart *body)
{
    unsigned char *end = body->size ? memchr(body->bytes, '\n', body->size) : NULL;
    if (!end)
        return body->size > MAX_HEADERS ? fail(body, "the camera's part headers do not end") : 0;
    size_t size = (size_t)(end - body->bytes);
    int is_empty = size == 0 || (size == 1 && body->bytes[0] == '\r');
    if (read_header(body, (const char *)body->bytes, size) != 0)
        return -1;
    drop(body, size + 1);
    if (is_empty)
        body->state = PART;
    return 1;
}

static int read_part(multipart *body, frame_function *frame, void *data)
{
    size_t size = body->length;
    if (!body->has_length) {
        long at = find(body, body->boundary);
        if (at < 0)
            return body->size > MAX_FRAME_BYTES ? fail(body, "the camera's picture does not end") : 0;
        size = (size_t)at;
    } else if (body->size < size) {
        return 0;
    }
    if (size > 0)
        frame(data, body->bytes, size);
    drop(body, size);
    body->state = PREAMBLE;
    return 1;
}

int multipart_push(multipart *body, const unsigned char *bytes, size_t size, frame_function *frame, void *data)
{
    int went_on = 1;
    if (body->state == LOOSE_JPEGS)
        return jpeg_stream_push(&body->jpegs, bytes, size, frame, data) == 0
                   ? 0
                   : fail(body, "no memory for the camera's pictures");
    if (append(body, bytes, size) != 0)
        return -1;
    while (went_on == 1)
        went_on = body->state == PREAMBLE  ? read_preamble(body, frame, data)
                  : body->state == HEADERS ? read_headers(body)
                  : body->state == PART    ? read_part(body, frame, data)
                                           : 0;
    return went_on;
}

void multipart_free(multipart *body)
{
    jpeg_stream_free(&body->jpegs);
    free(body->bytes);
    memset(body, 0, sizeof *body);
}
