/* SPDX-License-Identifier: MIT */
/*
 * The half of bench-peers that runs in a runtime's own process. It says
 *     ready NAME VERSION
 * and then answers each line, a number of runs, with the wall clock time and the process's CPU time that the
 * runs took, in nanoseconds. It ends when its input does.
 */
#ifndef BENCH_PEERS_WORKER_H
#define BENCH_PEERS_WORKER_H

#include <stddef.h>

typedef int worker_run(void *data); /* 0, or -1 */

int worker_serve(const char *name, const char *version, worker_run *run, void *data);
/* Reads `count` floats; NULL after a message. The caller frees them. */
float *worker_read_floats(const char *path, size_t count);
int worker_write_floats(const char *path, const float *values, size_t count);

#endif
