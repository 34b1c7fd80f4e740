/* SPDX-License-Identifier: MIT */
/* Threads that do the same work together, and flags between them. */
#ifndef TRAIN_WORKERS_H
#define TRAIN_WORKERS_H

#include <stdint.h>

/* Calls work(context, 0) here and work(context, 1 ...) in further threads, and returns when all are done. In
 * each of them denormal numbers count as zero. */
void workers_run(int threads, void (*work)(void *context, int thread), void *context);

/* The next number of a counter that all threads share. */
int workers_take(int *counter);
void workers_add(int *counter, int amount);
/* Waits until the counter has reached a number; until all flags are set. */
void workers_await(const int *counter, int number);
void workers_await_flags(const uint8_t *flags, int count);
void workers_set_flags(uint8_t *flags, int count);

#endif
