/* SPDX-License-Identifier: MIT */
/* See workers.h. Threads are made anew for every step: a step takes a second, a thread some 20 microseconds. */
#include "workers.h"

#include <immintrin.h>
#include <pthread.h>
#include <unistd.h>

#include "base.h"
#include "network.h"

typedef struct worker {
    void (*work)(void *context, int thread);
    void *context;
    int number;
} worker;

static void *run(void *argument)
{
    const worker *w = argument;
    _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
    w->work(w->context, w->number);
    return NULL;
}

void workers_run(int threads, void (*work)(void *context, int thread), void *context)
{
    pthread_t handle[MOST_THREADS];
    worker list[MOST_THREADS];
    for (int i = 0; i < threads; i++) {
        list[i] = (worker){work, context, i};
        if (i > 0 && pthread_create(&handle[i], NULL, run, &list[i]) != 0)
            fail("cannot start a thread");
    }
    run(&list[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(handle[i], NULL);
}

int workers_take(int *counter)
{
    return __atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
}

void workers_add(int *counter, int amount)
{
    __atomic_fetch_add(counter, amount, __ATOMIC_ACQ_REL);
}

/* Spins a little, then sleeps: other programs may have the core of the thread that is waited for. */
static void pause_round(int *round)
{
    if ((*round)++ < 500)
        _mm_pause();
    else
        usleep(50);
}

void workers_await(const int *counter, int number)
{
    for (int round = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < number;)
        pause_round(&round);
}

void workers_await_flags(const uint8_t *flags, int count)
{
    for (int i = 0; i < count; i++)
        for (int round = 0; !__atomic_load_n(flags + i, __ATOMIC_ACQUIRE);)
            pause_round(&round);
}

void workers_set_flags(uint8_t *flags, int count)
{
    for (int i = 0; i < count; i++)
        __atomic_store_n(flags + i, 1, __ATOMIC_RELEASE);
}
