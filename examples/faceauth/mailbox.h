/* SPDX-License-Identifier: MIT */
/* Hands pictures from a thread that reads them to one that looks at them: only the newest is kept, or, for a
 * file, each waits for its turn. */
#ifndef FACEAUTH_MAILBOX_H
#define FACEAUTH_MAILBOX_H

#include <pthread.h>
#include <stddef.h>

typedef struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int keeps_all;
    unsigned char *bytes; /* the picture that waits; NULL: none */
    size_t size;
    int is_over;       /* no more pictures will come */
    int is_stopped;    /* nobody will take any more */
    char problem[256]; /* why it is over, "" when the source simply ended */
} mailbox;

void mailbox_open(mailbox *box, int keeps_all);
void mailbox_close(mailbox *box);

/* For the reading thread. put copies; both return nonzero when reading should stop. */
int mailbox_put(mailbox *box, const unsigned char *bytes, size_t size);
int mailbox_is_stopped(mailbox *box);
void mailbox_end(mailbox *box, const char *problem);

typedef enum mailbox_state { MAIL_HERE, MAIL_LATE, MAIL_OVER } mailbox_state;
/* For the other: waits up to wait_ms. The caller frees *bytes. */
mailbox_state mailbox_take(mailbox *box, long wait_ms, unsigned char **bytes, size_t *size);
void mailbox_stop(mailbox *box);

#endif
