/* SPDX-License-Identifier: MIT */
/* Four processes write while eight read; then the same in threads on one handle (build with SANITIZE=thread to
 * have the second watched). Nobody's record is lost, nobody reads half of one. VE_LONG=1: thirty seconds
 * instead of two. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/stores.h"

#define DIM       32u
#define WRITERS   4u
#define READERS   8u
#define MOST_KEYS 20000u

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double run_seconds(void)
{
    return getenv("VE_LONG") ? 30 : 2;
}

static ve_store *open_store(const char *path, uint32_t flags)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = flags;
    options.dim = DIM;
    options.threads = 2;
    options.lock_wait_ms = 60000;
    if (ve_store_open(path, &options, &store) != VE_OK)
        fprintf(stderr, "open: %s\n", ve_last_error());
    return store;
}

/* What a writer's keys came to: key -> id, 0: removed or never added. Keys are number, number + WRITERS, ... */
typedef struct result {
    uint64_t ids[MOST_KEYS];
    unsigned char versions[MOST_KEYS];
    unsigned count;
    int has_failed;
} result;

static int fails(ve_status status, const char *what)
{
    if (status != VE_OK)
        fprintf(stderr, "%s: %s: %s\n", what, ve_status_name(status), ve_last_error());
    return status != VE_OK;
}

static int write_one(ve_store *store, chance *random, unsigned number, result *out)
{
    item one;
    unsigned what = chance_below(random, 40), old = out->count ? chance_below(random, out->count) : 0;
    uint64_t key = (uint64_t)out->count * WRITERS + number + 1, old_key = (uint64_t)old * WRITERS + number + 1;
    if (what == 0)
        return fails(ve_store_compact(store), "compact");
    if (what < 6 && out->count && out->ids[old]) {
        item_make(&one, old_key, ++out->versions[old], DIM);
        return fails(ve_store_replace(store, out->ids[old], &one.entry), "replace");
    }
    if (what < 12 && out->count && out->ids[old]) {
        uint64_t id = out->ids[old];
        out->ids[old] = 0;
        return fails(ve_store_remove(store, id), "remove");
    }
    if (out->count == MOST_KEYS)
        return 0;
    item_make(&one, key, 0, DIM);
    return fails(ve_store_add(store, &one.entry, &out->ids[out->count++]), "add");
}

static void write_for_a_while(ve_store *store, unsigned number, result *out)
{
    chance random = {number * 7919u + 13};
    for (double end = seconds() + run_seconds(); store && seconds() < end && !out->has_failed;)
        out->has_failed = write_one(store, &random, number, out);
}

/* Every record is whole, and a search for a record's own vector finds it. */
static int read_once(ve_store *store, int is_alone)
{
    ve_store_record record = {.id = 0};
    float vector[DIM];
    ve_match match;
    size_t found;
    unsigned seen = 0;
    while (ve_store_next(store, record.id, &record, vector) == VE_OK && seen++ < 300) {
        uint64_t key;
        unsigned version;
        if (is_alone && !item_read(store, record.id, DIM, &key, &version)) {
            fprintf(stderr, "record %llu is torn\n", (unsigned long long)record.id);
            return 1;
        }
        if (seen % 16 != 0)
            continue;
        if (fails(ve_store_search(store, vector, 1, NULL, &match, &found), "search"))
            return 1;
        if (is_alone && (found != 1 || match.id != record.id)) {
            fprintf(stderr, "record %llu is not found\n", (unsigned long long)record.id);
            return 1;
        }
    }
    return 0;
}

static void reader(const char *path)
{
    ve_store *store = open_store(path, VE_STORE_READ_ONLY);
    int has_failed = store == NULL, rounds = 0;
    for (double end = seconds() + run_seconds(); seconds() < end && !has_failed; rounds++) {
        has_failed = fails(ve_store_refresh(store, NULL), "refresh") || read_once(store, 1);
        if (rounds % 10 == 9) { /* opening in the middle of everything must work, too */
            ve_store_close(store);
            store = open_store(path, VE_STORE_READ_ONLY);
            has_failed = has_failed || !store;
        }
    }
    ve_store_close(store);
    _exit(has_failed);
}

static void writer(const char *path, unsigned number, int results)
{
    static result out;
    ve_store *store = open_store(path, 0);
    write_for_a_while(store, number, &out);
    ve_store_close(store);
    const char *bytes = (const char *)&out;
    for (size_t done = 0; done < sizeof out;) {
        ssize_t size = write(results, bytes + done, sizeof out - done);
        if (size <= 0)
            _exit(1);
        done += (size_t)size;
    }
    _exit(out.has_failed || !store);
}

static void check_results(const char *path, const result *results)
{
    ve_store *store = open_store(path, VE_STORE_READ_ONLY);
    uint64_t count = 0, changes = 0;
    assert_non_null(store);
    for (unsigned number = 0; number < WRITERS; number++)
        for (unsigned i = 0; i < results[number].count; i++) {
            uint64_t id = results[number].ids[i];
            changes += 1u + results[number].versions[i];
            if (!id)
                continue;
            count++;
            assert_true(
                item_is(store, id, (uint64_t)i * WRITERS + number + 1, results[number].versions[i], DIM));
        }
    assert_int_equal(ve_store_count(store), count);
    ve_store_close(store);
    printf("%llu vectors after %llu additions and replacements\n", (unsigned long long)count,
           (unsigned long long)changes);
    assert_true(changes > 50);
}

static void processes_share_a_file(void **state)
{
    (void)state;
    static result results[WRITERS];
    char folder[64], path[128];
    int pipes[WRITERS][2];
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/shared.ves", folder);
    ve_store_close(open_store(path, VE_STORE_CREATE));
    fflush(NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        if (fork() == 0)
            writer(path, i, pipes[i][1]);
        close(pipes[i][1]);
    }
    for (unsigned i = 0; i < READERS; i++)
        if (fork() == 0)
            reader(path);
    for (unsigned i = 0; i < WRITERS; i++) {
        char *bytes = (char *)&results[i];
        size_t done = 0;
        for (ssize_t size; done < sizeof results[i] &&
                           (size = read(pipes[i][0], bytes + done, sizeof results[i] - done)) > 0;)
            done += (size_t)size;
        assert_int_equal(done, sizeof results[i]);
        close(pipes[i][0]);
    }
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_results(path, results);
    remove_folder(folder);
}

/* ---- threads on one handle */

typedef struct thread {
    pthread_t handle;
    ve_store *store;
    unsigned number;
    result *out;
    int has_failed;
} thread;

static void *write_in_thread(void *data)
{
    thread *self = data;
    write_for_a_while(self->store, self->number, self->out);
    return NULL;
}

static void *read_in_thread(void *data)
{
    thread *self = data;
    for (double end = seconds() + run_seconds(); seconds() < end && !self->has_failed;)
        self->has_failed = read_once(self->store, 0) || fails(ve_store_refresh(self->store, NULL), "refresh");
    return NULL;
}

static void threads_share_a_handle(void **state)
{
    (void)state;
    static result results[WRITERS];
    thread threads[WRITERS + 4];
    char folder[64], path[128];
    strcpy(folder, make_folder());
    snprintf(path, sizeof path, "%s/shared.ves", folder);
    ve_store *store = open_store(path, VE_STORE_CREATE | VE_STORE_CODES);
    for (unsigned i = 0; i < WRITERS + 4; i++) {
        threads[i] = (thread){.store = store, .number = i, .out = &results[i % WRITERS]};
        assert_int_equal(pthread_create(&threads[i].handle, NULL,
                                        i < WRITERS ? write_in_thread : read_in_thread, &threads[i]),
                         0);
    }
    for (unsigned i = 0; i < WRITERS + 4; i++) {
        pthread_join(threads[i].handle, NULL);
        assert_false(threads[i].has_failed || (i < WRITERS && results[i].has_failed));
    }
    ve_store_close(store);
    check_results(path, results);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_share_a_file),
        cmocka_unit_test(threads_share_a_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
