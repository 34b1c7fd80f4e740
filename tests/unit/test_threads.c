/* SPDX-License-Identifier: MIT */
/* The thread pool: every part runs once, what it writes is seen, idle pools sleep, a fork keeps working. */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/threads.h"

#define MOST_THREADS 16u

typedef struct tally {
    unsigned calls[MOST_THREADS];
    unsigned thread_count;
    unsigned step;
} tally;

/* Plain writes: that the caller sees them is what the pool promises (ThreadSanitizer checks it, too). */
static void count_call(void *data, unsigned thread, unsigned thread_count)
{
    tally *t = data;
    if (t->calls[thread] == t->step)
        t->calls[thread]++;
    if (thread == 0)
        t->thread_count = thread_count;
}

static void test_every_thread_runs_once_a_run(void **state)
{
    (void)state;
    static const unsigned counts[] = {1, 2, 3, 4, 8, MOST_THREADS};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ve__pool *pool = NULL;
        tally t = {{0}, 0, 0};
        assert_int_equal(ve__pool_create(counts[i], &pool), VE_OK);
        assert_int_equal(ve__pool_threads(pool), counts[i]);
        for (t.step = 0; t.step < 300; t.step++)
            ve__pool_run(pool, count_call, &t);
        assert_int_equal(t.thread_count, counts[i]);
        for (unsigned thread = 0; thread < MOST_THREADS; thread++)
            assert_int_equal(t.calls[thread], thread < counts[i] ? 300 : 0);
        ve__pool_free(pool);
    }
}

static void test_impossible_counts_are_refused(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    assert_int_equal(ve__pool_create(0, &pool), VE_ERR_ARGUMENT);
    assert_int_equal(ve__pool_create(VE__MAX_THREADS + 1, &pool), VE_ERR_ARGUMENT);
    assert_non_null(strstr(ve_last_error(), "257"));
    assert_null(pool);
    ve__pool_free(NULL);
}

static void test_no_memory_gives_a_status(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    ve__allocate_fail_after(0);
    assert_int_equal(ve__pool_create(3, &pool), VE_ERR_MEMORY);
    ve__allocate_fail_after(-1);
    assert_null(pool);
}

static void test_shares_cover_everything_once(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 40; count++)
        for (unsigned threads = 1; threads < 9; threads++) {
            unsigned next = 0;
            for (unsigned thread = 0; thread < threads; thread++) {
                unsigned first, end;
                ve__share(count, thread, threads, &first, &end);
                assert_int_equal(first, next);
                assert_in_range(end - first, count / threads, count / threads + 1);
                next = end;
            }
            assert_int_equal(next, count);
        }
}

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void test_an_idle_pool_uses_no_processor(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    tally t = {{0}, 0, 0};
    struct timespec pause = {0, 20000000}, second = {0, 500000000};
    assert_int_equal(ve__pool_create(4, &pool), VE_OK);
    ve__pool_run(pool, count_call, &t);
    nanosleep(&pause, NULL); /* the workers stop spinning */
    double before = processor_seconds();
    nanosleep(&second, NULL);
    assert_true(processor_seconds() - before < 0.02);
    /* And it wakes up again. */
    t.step = 1;
    ve__pool_run(pool, count_call, &t);
    for (unsigned thread = 0; thread < 4; thread++)
        assert_int_equal(t.calls[thread], 2);
    ve__pool_free(pool);
}

static void test_a_forked_child_works_alone(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    tally t = {{0}, 0, 0};
    assert_int_equal(ve__pool_create(4, &pool), VE_OK);
    ve__pool_run(pool, count_call, &t);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        t.step = 1;
        ve__pool_run(pool, count_call, &t);
        int right = t.calls[0] == 2 && t.calls[1] == 2 && t.calls[2] == 2 && t.calls[3] == 2;
        ve__pool_free(pool);
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    /* The parent's pool is none the worse. */
    t.step = 1;
    ve__pool_run(pool, count_call, &t);
    assert_int_equal(t.calls[3], 2);
    ve__pool_free(pool);
}

static void look_at_signals(void *data, unsigned thread, unsigned thread_count)
{
    sigset_t blocked;
    (void)thread_count;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ((int *)data)[thread] = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGALRM);
}

static void test_workers_block_signals_and_the_caller_does_not(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    int blocked[3] = {-1, -1, -1};
    assert_int_equal(ve__pool_create(3, &pool), VE_OK);
    ve__pool_run(pool, look_at_signals, blocked);
    assert_int_equal(blocked[0], 0);
    assert_int_equal(blocked[1], 1);
    assert_int_equal(blocked[2], 1);
    ve__pool_free(pool);
}

static void *use_a_pool(void *unused)
{
    (void)unused;
    for (int round = 0; round < 20; round++) {
        ve__pool *pool = NULL;
        tally t = {{0}, 0, 0};
        if (ve__pool_create(3, &pool) != VE_OK)
            return "no pool";
        for (t.step = 0; t.step < 20; t.step++)
            ve__pool_run(pool, count_call, &t);
        ve__pool_free(pool);
        if (t.calls[0] != 20 || t.calls[1] != 20 || t.calls[2] != 20)
            return "calls are missing";
    }
    return NULL;
}

static void test_pools_of_several_threads_do_not_meet(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_pool, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *complaint = "?";
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_runs_once_a_run),
        cmocka_unit_test(test_impossible_counts_are_refused),
        cmocka_unit_test(test_no_memory_gives_a_status),
        cmocka_unit_test(test_shares_cover_everything_once),
        cmocka_unit_test(test_an_idle_pool_uses_no_processor),
        cmocka_unit_test(test_a_forked_child_works_alone),
        cmocka_unit_test(test_workers_block_signals_and_the_caller_does_not),
        cmocka_unit_test(test_pools_of_several_threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
