/* SPDX-License-Identifier: MIT */
/* The body of an HTTP answer with pictures: multipart/x-mixed-replace as cameras send it (RFC 2046,
 * section 5.1), or JPEGs without any frame around them. */
#ifndef FACEAUTH_MULTIPART_H
#define FACEAUTH_MULTIPART_H

#include "jpeg_stream.h"

typedef struct multipart {
    char boundary[80];    /* with the two dashes in front; "": none, the body is JPEGs */
    int state;            /* of multipart.c */
    unsigned char *bytes; /* what was not used yet */
    size_t size, capacity;
    size_t looked; /* of these, what was searched in vain */
    size_t length; /* of the present part, with has_length */
    int has_length;
    jpeg_stream jpegs;
    char problem[160]; /* why the body cannot be read on; "" while it can */
} multipart;

/* type: the answer's Content-Type, may be NULL. */
void multipart_begin(multipart *body, const char *type);
/* Takes more of the body. -1, with body->problem, when it cannot be read on. A boundary that does not come
 * within the first 64 KiB is not waited for: cameras name it wrongly, and their pictures are found without. */
int multipart_push(multipart *body, const unsigned char *bytes, size_t size, frame_function *frame, void *data);
void multipart_free(multipart *body);

#endif
