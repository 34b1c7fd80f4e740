/* SPDX-License-Identifier: MIT */
/* A pool of threads that work on one thing at a time.
 *
 *     ve__pool_create(4, &pool);           the caller is one of the four
 *     ve__pool_run(pool, function, data);  function(data, 0..3, 4), all at once; returns when all are done
 *     ve__pool_free(pool);
 *
 * Waiting threads spin for some microseconds, since the next call usually follows at once, and then sleep:
 * an idle pool costs no CPU. Threads block all signals. A pool made before fork() works in the child with
 * the caller's thread alone (the others do not exist there). */
#ifndef VE_BASE_THREADS_H
#define VE_BASE_THREADS_H

#include "base/status.h"

typedef struct ve__pool ve__pool;
typedef void ve__pool_function(void *data, unsigned thread, unsigned thread_count);

/* More threads than this are refused. */
#define VE__MAX_THREADS 256u

ve_status ve__pool_create(unsigned threads, ve__pool **pool);
void ve__pool_free(ve__pool *pool);
unsigned ve__pool_threads(const ve__pool *pool);
/* Runs function once per thread number. Not reentrant. Everything written before is seen by the threads,
 * everything they wrote is seen after it returns. */
void ve__pool_run(ve__pool *pool, ve__pool_function *function, void *data);

/* The part [*first, *end) of `count` items that falls to thread `thread` of `thread_count`: contiguous,
 * the sizes differ by one at most. */
static inline void ve__share(unsigned count, unsigned thread, unsigned thread_count, unsigned *first,
                             unsigned *end)
{
    *first = (unsigned)((unsigned long long)count * thread / thread_count);
    *end = (unsigned)((unsigned long long)count * (thread + 1) / thread_count);
}

#endif
