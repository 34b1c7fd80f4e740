/* SPDX-License-Identifier: MIT */
/* The thread pool. A run is announced by a generation number; workers spin on it for a short while and then
 * sleep on a condition variable; the last one to finish wakes a caller that has gone to sleep.
 *
 * A network of some twenty steps takes a few milliseconds, so a wake-up from sleep (tens of microseconds) at
 * each step would cost more than the step's second thread gains; spinning longer than that would take the
 * core from whoever else needs it. Where the process has fewer cores than the pool has threads nobody spins. */
#define _GNU_SOURCE /* sched_yield is POSIX; pthread_sigmask too */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"

/* Rounds of about 40 cycles each: some 20 to 50 microseconds. */
#define SPIN_ROUNDS 2000u

struct ve__pool {
    unsigned thread_count; /* the caller's included */
    unsigned started;      /* worker threads that exist */
    unsigned spin_rounds;
    pid_t owner; /* after fork() the child has none of the workers */
    ve__pool_function *function;
    void *data;
    unsigned generation; /* atomic: number of the run being announced */
    unsigned running;    /* atomic: workers that have not finished it */
    int stopping;        /* atomic */
    pthread_mutex_t lock;
    pthread_cond_t announced, finished;
    pthread_t workers[VE__MAX_THREADS];
    struct worker {
        ve__pool *pool;
        unsigned thread;
    } arguments[VE__MAX_THREADS];
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* `yield` is a no-op on most cores; isb stalls a few dozen cycles */
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* Waits until the generation differs from `seen`; returns the new one. */
static unsigned wait_for_run(ve__pool *pool, unsigned seen)
{
    unsigned now;
    for (unsigned round = 0; round < pool->spin_rounds; round++) {
        now = __atomic_load_n(&pool->generation, __ATOMIC_ACQUIRE);
        if (now != seen)
            return now;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->lock);
    while ((now = __atomic_load_n(&pool->generation, __ATOMIC_ACQUIRE)) == seen)
        pthread_cond_wait(&pool->announced, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return now;
}

static void report_finished(ve__pool *pool)
{
    if (__atomic_sub_fetch(&pool->running, 1, __ATOMIC_ACQ_REL) == 0) {
        /* Under the lock, so that a caller between its last look and its sleep is not missed. */
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    ve__pool *pool = worker->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_run(pool, seen);
        if (__atomic_load_n(&pool->stopping, __ATOMIC_ACQUIRE))
            return NULL;
        pool->function(pool->data, worker->thread, pool->thread_count);
        report_finished(pool);
    }
}

static void announce(ve__pool *pool)
{
    __atomic_store_n(&pool->running, pool->started, __ATOMIC_RELAXED);
    pthread_mutex_lock(&pool->lock);
    __atomic_add_fetch(&pool->generation, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&pool->announced);
    pthread_mutex_unlock(&pool->lock);
}

static void wait_for_workers(ve__pool *pool)
{
    for (unsigned round = 0; round < pool->spin_rounds; round++) {
        if (__atomic_load_n(&pool->running, __ATOMIC_ACQUIRE) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->lock);
    while (__atomic_load_n(&pool->running, __ATOMIC_ACQUIRE) != 0)
        pthread_cond_wait(&pool->finished, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void ve__pool_run(ve__pool *pool, ve__pool_function *function, void *data)
{
    if (pool->started == 0 || pool->owner != getpid()) {
        for (unsigned thread = 0; thread < pool->thread_count; thread++)
            function(data, thread, pool->thread_count);
        return;
    }
    pool->function = function;
    pool->data = data;
    announce(pool);
    function(data, 0, pool->thread_count);
    wait_for_workers(pool);
}

/* Signals are the host program's: none is delivered to our threads. */
static ve_status start_workers(ve__pool *pool)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->started + 1 < pool->thread_count && error == 0) {
        struct worker *worker = &pool->arguments[pool->started];
        worker->pool = pool;
        worker->thread = pool->started + 1;
        error = pthread_create(&pool->workers[pool->started], NULL, work, worker);
        if (error == 0)
            pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        return ve__fail(VE_ERR_MEMORY, "the system gave only %u of %u threads", pool->started + 1,
                        pool->thread_count);
    return VE_OK;
}

ve_status ve__pool_create(unsigned threads, ve__pool **out)
{
    if (threads < 1 || threads > VE__MAX_THREADS)
        return ve__fail(VE_ERR_ARGUMENT, "%u threads: 1 to %u are possible", threads, VE__MAX_THREADS);
    ve__pool *pool = ve__allocate_zeroed(sizeof *pool);
    if (!pool)
        return ve__fail(VE_ERR_MEMORY, "no memory for a pool of %u threads", threads);
    pool->thread_count = threads;
    pool->owner = getpid();
    pool->spin_rounds = ve__cpu_count() >= threads ? SPIN_ROUNDS : 0;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->announced, NULL);
    pthread_cond_init(&pool->finished, NULL);
    ve_status status = start_workers(pool);
    if (status != VE_OK) {
        ve__pool_free(pool);
        return status;
    }
    *out = pool;
    return VE_OK;
}

void ve__pool_free(ve__pool *pool)
{
    if (!pool)
        return;
    if (pool->owner == getpid()) {
        __atomic_store_n(&pool->stopping, 1, __ATOMIC_RELEASE);
        announce(pool);
        for (unsigned i = 0; i < pool->started; i++)
            pthread_join(pool->workers[i], NULL);
        pthread_cond_destroy(&pool->finished);
        pthread_cond_destroy(&pool->announced);
        pthread_mutex_destroy(&pool->lock);
    }
    ve__release(pool);
}

unsigned ve__pool_threads(const ve__pool *pool)
{
    return pool->thread_count;
}
