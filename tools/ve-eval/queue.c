/* SPDX-License-Identifier: MIT */
/* Work that several threads take piece by piece, and a line on standard error that says how far it is. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"

#define QUIET_SECONDS    2.0
#define TERMINAL_SECONDS 0.2
#define LOG_SECONDS      10.0

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void queue_start(work_queue *queue, size_t count, const char *what)
{
    memset(queue, 0, sizeof *queue);
    pthread_mutex_init(&queue->lock, NULL);
    queue->count = count;
    queue->what = what;
    queue->started = queue->told = now();
    queue->is_terminal = isatty(STDERR_FILENO);
}

static void tell(work_queue *queue)
{
    double time = now(), left;
    if (!queue->what || queue->next == 0 || time - queue->started < QUIET_SECONDS ||
        time - queue->told < (queue->is_terminal ? TERMINAL_SECONDS : LOG_SECONDS))
        return;
    left = (time - queue->started) * (double)(queue->count - queue->next) / (double)queue->next;
    fprintf(stderr, "%sve-eval: %zu of %zu %s, %.0f s to go%s", queue->is_terminal ? "\r" : "", queue->next,
            queue->count, queue->what, left, queue->is_terminal ? "  " : "\n");
    queue->told = time;
    queue->has_told = 1;
}

size_t queue_take(work_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t piece = queue->has_failed ? queue->count : queue->next;
    if (piece < queue->count) {
        tell(queue);
        queue->next++;
    }
    pthread_mutex_unlock(&queue->lock);
    return piece;
}

void queue_fail(work_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->has_failed = 1;
    pthread_mutex_unlock(&queue->lock);
}

void queue_end(work_queue *queue)
{
    if (queue->has_told && queue->is_terminal)
        fprintf(stderr, "\r%*s\r", 60, "");
    pthread_mutex_destroy(&queue->lock);
}
