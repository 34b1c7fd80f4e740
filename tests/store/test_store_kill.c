/* SPDX-License-Identifier: MIT */
/* A child changes a store at random and is killed at a random moment; the parent, who knows what was
 * acknowledged, opens what is left. VE_LONG=1: a thousand times. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/changes.h"

static ve_store *open_store(const char *path, uint32_t flags)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = flags;
    options.dim = CHANGES_DIM;
    if (ve_store_open(path, &options, &store) != VE_OK)
        fprintf(stderr, "%s\n", ve_last_error());
    return store;
}

/* One byte for every acknowledged change, 'x' and the end after a failure. */
static void child(const char *path, uint64_t seed, expected *state, int acknowledgements)
{
    chance random = {seed};
    ve_store *store = open_store(path, VE_STORE_CREATE);
    for (int i = 0; store && i < 2000; i++) {
        ve_status status = change_make(store, &random, state);
        if (status != VE_OK)
            fprintf(stderr, "%s: %s\n", ve_status_name(status), ve_last_error());
        if (write(acknowledgements, status == VE_OK ? "+" : "x", 1) != 1 || status != VE_OK)
            break;
    }
    _exit(0);
}

/* Kills the child after a while; the number of changes that it acknowledged, -1: one failed. */
static int run_child(const char *path, uint64_t seed, expected *state, unsigned microseconds)
{
    int ends[2], count = 0;
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(path, seed, state, ends[1]);
    close(ends[1]);
    struct timespec pause = {0, (long)microseconds * 1000};
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    while (read(ends[0], &byte, 1) == 1 && byte == '+')
        count++;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return byte == 'x' ? -1 : count;
}

static void simulate(uint64_t seed, int count, expected *state)
{
    chance random = {seed};
    for (int i = 0; i < count; i++)
        change_make(NULL, &random, state);
}

static void loses_nothing_when_killed(void **unused)
{
    (void)unused;
    char folder[64], path[128];
    int rounds = getenv("VE_LONG") ? 1000 : 25, changes = 0;
    chance random = {(uint64_t)time(NULL) | 1};
    printf("seed %llu\n", (unsigned long long)random.state);
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/kill.ves", folder);
    expected now;
    expected_start(&now);
    for (int round = 0; round < rounds; round++) {
        if (now.next_key > CHANGES_ITEMS / 2) { /* a fresh start */
            unlink(path);
            expected_start(&now);
        }
        uint64_t seed = chance_bits(&random) | 1;
        int done = run_child(path, seed, &now, 500 + chance_below(&random, 30000));
        assert_true(done >= 0);
        expected before = now, after = now;
        simulate(seed, done, &before);
        simulate(seed, done + 1, &after);
        changes += done;
        if (access(path, F_OK) != 0) {
            assert_int_equal(done, 0);
            continue;
        }
        ve_store *store = open_store(path, 0);
        assert_non_null(store);
        int is_before = expected_holds(store, &before), is_after = expected_holds(store, &after);
        ve_store_close(store);
        assert_true(is_before || is_after);
        now = is_before ? before : after;
        expected all = now;
        all.next_key = after.next_key;
        assert_true(expected_is_all(path, &all));
        assert_int_equal(access(path_in(folder, "kill.ves.tmp"), F_OK), -1);
    }
    printf("%d kills, %d changes acknowledged\n", rounds, changes);
    assert_true(changes > rounds / 4);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loses_nothing_when_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
