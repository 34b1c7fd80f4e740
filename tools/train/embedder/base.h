/* SPDX-License-Identifier: MIT */
/* What all modules of the trainer need: memory, clocks, random numbers, and an end with a message. */
#ifndef TRAIN_BASE_H
#define TRAIN_BASE_H

#include <stddef.h>
#include <stdint.h>

/* Prints "train-embedder: " and the message and ends the program. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* count things of size bytes, zeroed, on page bounds and on huge pages where the system has them. Never NULL.
 * There are 4 KiB behind the last thing that may be read and written. */
void *take(long count, size_t size);

double wall_seconds(void);
double cpu_seconds(void); /* of the whole process */

/* A hash of 64 bits (splitmix64's step and finaliser). */
uint64_t mix64(uint64_t x);
/* The next number of [0, 1) of the sequence that *state stands for. */
float uniform(uint64_t *state);

#endif
