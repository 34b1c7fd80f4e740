/* SPDX-License-Identifier: MIT */
/* Hands pictures from a thread that reads them to one that looks at them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mailbox.h"

void mailbox_open(mailbox *box, int keeps_all)
{
    pthread_condattr_t attributes;
    memset(box, 0, sizeof *box);
    box->keeps_all = keeps_all;
    pthread_condattr_init(&attributes);
    /* A wait must not end early or late because somebody sets the clock. */
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&box->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&box->lock, NULL);
}

void mailbox_close(mailbox *box)
{
    free(box->bytes);
    pthread_cond_destroy(&box->changed);
    pthread_mutex_destroy(&box->lock);
}

int mailbox_put(mailbox *box, const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size);
    if (!copy)
        return 0; /* this picture is lost; the next may find memory */
    memcpy(copy, bytes, size);
    pthread_mutex_lock(&box->lock);
    while (box->keeps_all && box->bytes && !box->is_stopped)
        pthread_cond_wait(&box->changed, &box->lock);
    free(box->bytes);
    box->bytes = copy;
    box->size = size;
    int stopped = box->is_stopped;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
    return stopped;
}

int mailbox_is_stopped(mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    int stopped = box->is_stopped;
    pthread_mutex_unlock(&box->lock);
    return stopped;
}

void mailbox_end(mailbox *box, const char *problem)
{
    pthread_mutex_lock(&box->lock);
    box->is_over = 1;
    snprintf(box->problem, sizeof box->problem, "%s", problem);
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

static struct timespec after(long wait_ms)
{
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += wait_ms / 1000;
    when.tv_nsec += wait_ms % 1000 * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

mailbox_state mailbox_take(mailbox *box, long wait_ms, unsigned char **bytes, size_t *size)
{
    struct timespec deadline = after(wait_ms);
    int late = 0;
    pthread_mutex_lock(&box->lock);
    while (!box->bytes && !box->is_over && !late)
        late = pthread_cond_timedwait(&box->changed, &box->lock, &deadline) != 0;
    /* A picture that waits is handed out before the end is told. */
    mailbox_state state = box->bytes ? MAIL_HERE : box->is_over ? MAIL_OVER : MAIL_LATE;
    *bytes = box->bytes;
    *size = box->size;
    box->bytes = NULL;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
    return state;
}

void mailbox_stop(mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->is_stopped = 1;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
}
