/* SPDX-License-Identifier: MIT */
/* Work that several threads take piece by piece, and a line on standard error that says how far it is. */
#ifndef VE_EVAL_QUEUE_H
#define VE_EVAL_QUEUE_H

#include <pthread.h>
#include <stddef.h>

typedef struct work_queue {
    pthread_mutex_t lock;
    size_t next, count;
    const char *what; /* "pictures"; NULL: says nothing */
    double started, told;
    int is_terminal, has_told;
    int has_failed;
} work_queue;

void queue_start(work_queue *queue, size_t count, const char *what);
/* The next piece's number, or count when none is left. Any thread. A terminal is told often, a log every ten
 * seconds, work that takes less than two seconds not at all. */
size_t queue_take(work_queue *queue);
/* Any thread: no further piece is handed out, has_failed is 1 from then on. */
void queue_fail(work_queue *queue);
void queue_end(work_queue *queue);

#endif
