/* SPDX-License-Identifier: MIT */
/* A readers-writer lock in which a waiting writer goes before later readers: without that, threads that search
 * all the time would keep a writer out for ever. */
#ifndef VE_STORE_GATE_H
#define VE_STORE_GATE_H

#include <pthread.h>

typedef struct ve__gate {
    pthread_mutex_t turn; /* a waiting writer holds it; readers pass through it */
    pthread_rwlock_t lock;
} ve__gate;

static inline void ve__gate_make(ve__gate *gate)
{
    pthread_mutex_init(&gate->turn, NULL);
    pthread_rwlock_init(&gate->lock, NULL);
}

static inline void ve__gate_free(ve__gate *gate)
{
    pthread_mutex_destroy(&gate->turn);
    pthread_rwlock_destroy(&gate->lock);
}

static inline void ve__gate_read(ve__gate *gate)
{
    pthread_mutex_lock(&gate->turn);
    pthread_rwlock_rdlock(&gate->lock);
    pthread_mutex_unlock(&gate->turn);
}

static inline void ve__gate_write(ve__gate *gate)
{
    pthread_mutex_lock(&gate->turn);
    pthread_rwlock_wrlock(&gate->lock);
    pthread_mutex_unlock(&gate->turn);
}

static inline void ve__gate_leave(ve__gate *gate)
{
    pthread_rwlock_unlock(&gate->lock);
}

#endif
