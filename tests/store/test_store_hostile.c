/* SPDX-License-Identifier: MIT */
/* Surroundings that are not as hoped: paths that are no files, file systems without room or right to write,
 * other handles of the same process, forked processes, files of absurd sizes. Always a status and a store that
 * opens. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"
#include "support/store_test.h"

#define DIM 24u

/* ---- paths */

static ve_status status_of_opening(const char *path, uint32_t flags)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = flags;
    options.dim = DIM;
    ve_status status = ve_store_open(path, &options, &store);
    if (status != VE_OK) {
        assert_true(store == NULL && strstr(ve_last_error(), path) != NULL);
    }
    ve_store_close(store);
    return status;
}

static void refuses_what_is_no_file(void **state)
{
    const store_test *t = *state;
    const char *folder = path_in(t->folder, "a.folder"), *pipe_path = path_in(t->folder, "a.pipe"),
               *link_path = path_in(t->folder, "a.link");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(symlink(t->path, link_path), 0);
    ve_store_close(store_test_open(t, VE_STORE_NEW, DIM));
    for (uint32_t flags = 0; flags <= VE_STORE_CREATE; flags++) { /* 0, read only, create */
        assert_int_not_equal(status_of_opening(folder, flags), VE_OK);
        assert_int_equal(status_of_opening(pipe_path, flags),
                         VE_ERR_FORMAT); /* and does not wait for a writer */
        assert_int_equal(status_of_opening(link_path, flags), VE_ERR_ACCESS);
        assert_int_equal(
            status_of_opening("/dev/null", flags & VE_STORE_READ_ONLY ? flags : VE_STORE_READ_ONLY),
            VE_ERR_FORMAT);
    }
    ve_store_options options = VE_STORE_OPTIONS_INIT; /* one folder is made, not two */
    ve_store *store;
    options.flags = VE_STORE_CREATE;
    options.dim = DIM;
    assert_int_equal(ve_store_open(path_in(t->folder, "none/none/x.ves"), &options, &store), VE_ERR_NOT_FOUND);
    assert_non_null(strstr(ve_last_error(), "none/none"));
    assert_int_equal(status_of_opening(t->path, 0), VE_OK);
}

/* A lock that is a link could make another file of ours be locked, or made. */
static void refuses_a_lock_that_is_a_link(void **state)
{
    const store_test *t = *state;
    ve_store_close(store_test_open(t, VE_STORE_NEW, DIM));
    const char *lock = path_in(t->folder, "test.ves.lock");
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(symlink("elsewhere", lock), 0);
    assert_int_equal(status_of_opening(lock, 0), VE_ERR_ACCESS);
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store;
    assert_int_equal(ve_store_open(t->path, &options, &store), VE_ERR_ACCESS);
    assert_int_equal(access(path_in(t->folder, "elsewhere"), F_OK), -1);
}

/* Whatever lies where the temporary file goes: no harm to it, no harm to the store. */
static void survives_a_folder_in_its_way(void **state)
{
    const store_test *t = *state;
    ve_store *store = store_test_open(t, VE_STORE_NEW, DIM);
    assert_int_equal(store_test_add(store, 1, 0, DIM), 1);
    assert_int_equal(mkdir(path_in(t->folder, "test.ves.tmp"), 0700), 0);
    assert_int_not_equal(ve_store_compact(store), VE_OK);
    assert_int_equal(store_test_add(store, 2, 0, DIM), 2);
    assert_int_equal(rmdir(path_in(t->folder, "test.ves.tmp")), 0);
    assert_int_equal(ve_store_compact(store), VE_OK);
    assert_true(item_is(store, 1, 1, 0, DIM) && item_is(store, 2, 2, 0, DIM));
    ve_store_close(store);
}

/* ---- no right to write */

static int refuses_to_write(void *context, ve__io_call *call)
{
    (void)context;
    int wants = call->kind == VE__IO_OPEN && (call->flags & (O_RDWR | O_WRONLY | O_CREAT)) != 0;
    return wants || call->kind == VE__IO_MAKE_FOLDER ? EROFS : 0;
}

static void reads_on_a_read_only_file_system(void **state)
{
    const store_test *t = *state;
    ve__io io = {.before = refuses_to_write};
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = store_test_open(t, VE_STORE_NEW, DIM);
    assert_int_equal(store_test_add(store, 1, 0, DIM), 1);
    ve_store_close(store);
    store = NULL;
    assert_int_not_equal(ve__store_open(t->path, &options, &io, &store), VE_OK);
    assert_null(store);
    options.flags = VE_STORE_READ_ONLY;
    assert_int_equal(ve__store_open(t->path, &options, &io, &store), VE_OK);
    assert_true(item_is(store, 1, 1, 0, DIM));
    assert_int_equal(ve_store_refresh(store, NULL), VE_OK);
    assert_int_equal(ve_store_remove(store, 1), VE_ERR_STATE);
    ve_store_close(store);
}

/* ---- no room to write */

/* Adds until something happens; the number of additions that were acknowledged goes through the pipe. */
static void add_until_the_end(const store_test *t, int handles_signal, int acknowledgements)
{
    struct rlimit limit = {60000, 60000};
    if (handles_signal)
        signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(9);
    ve_store *store = store_test_open(t, VE_STORE_NEW, DIM);
    for (uint64_t key = 1; key < 1000; key++) {
        item one;
        item_make(&one, key, 0, DIM);
        ve_status status = ve_store_add(store, &one.entry, NULL);
        if (status != VE_OK) /* the handle says why, still reads, and takes no more */
            _exit(status == VE_ERR_IO && strstr(ve_last_error(), t->path) && item_is(store, 1, 1, 0, DIM) &&
                          ve_store_add(store, &one.entry, NULL) == VE_ERR_STATE
                      ? 3
                      : 4);
        if (write(acknowledgements, "+", 1) != 1)
            _exit(9);
    }
    _exit(5);
}

static void keeps_what_fitted(const store_test *t, int handles_signal)
{
    int ends[2], status;
    uint64_t count = 0;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        add_until_the_end(t, handles_signal, ends[1]);
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        count++;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(handles_signal ? WIFEXITED(status) && WEXITSTATUS(status) == 3
                               : WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_true(count > 20);
    ve_store *store = store_test_open(t, 0, DIM);
    assert_int_equal(ve_store_count(store), count);
    for (uint64_t key = 1; key <= count; key++)
        assert_true(item_is(store, key, key, 0, DIM));
    assert_int_equal(store_test_add(store, count + 1, 0, DIM), count + 1);
    ve_store_close(store);
}

static void survives_a_limit_on_file_sizes(void **state)
{
    keeps_what_fitted(*state, 1);
}

static void survives_the_signal_of_a_limit_on_file_sizes(void **state)
{
    keeps_what_fitted(*state, 0);
}

/* ---- processes and handles */

/* What a forked process may do with a handle that it has inherited: read. 0: all as it should be. */
static int use_in_child(ve_store *store)
{
    float query[DIM] = {1};
    ve_match match;
    size_t found;
    item one;
    item_make(&one, 7, 0, DIM);
    if (ve_store_add(store, &one.entry, NULL) != VE_ERR_STATE || ve_store_remove(store, 1) != VE_ERR_STATE ||
        ve_store_compact(store) != VE_ERR_STATE)
        return 1;
    if (!item_is(store, 1, 1, 0, DIM) || ve_store_search(store, query, 1, NULL, &match, &found) != VE_OK ||
        found != 1)
        return 2;
    ve_store_close(store);
    return 0;
}

static void a_forked_process_only_reads(void **state)
{
    const store_test *t = *state;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store, *second;
    int status;
    options.flags = VE_STORE_NEW | VE_STORE_EXCLUSIVE;
    options.dim = DIM;
    options.threads = 3;
    assert_int_equal(ve_store_open(t->path, &options, &store), VE_OK);
    for (uint64_t key = 1; key <= 40; key++)
        assert_int_equal(store_test_add(store, key, 0, DIM), key);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        _exit(use_in_child(store));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    /* The child has closed the handle; the lock is still ours, and so is the store. */
    options.flags = 0;
    options.lock_wait_ms = VE_STORE_NO_WAIT;
    assert_int_equal(ve_store_open(t->path, &options, &second), VE_OK);
    item one;
    item_make(&one, 8, 0, DIM);
    assert_int_equal(ve_store_add(second, &one.entry, NULL), VE_ERR_BUSY);
    ve_store_close(second);
    assert_int_equal(store_test_add(store, 41, 0, DIM), 41);
    ve_store_close(store);
}

/* ---- sizes */

/* A file that claims to be huge, by holes: its end is no part of the store. */
static void try_sparse_file(const store_test *t, uint64_t size, ve_status wanted)
{
    int file = open(t->path, O_WRONLY);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)size), 0);
    close(file);
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store *store;
    options.flags = VE_STORE_READ_ONLY;
    assert_int_equal(ve_store_open(t->path, &options, &store), wanted);
    if (wanted != VE_OK)
        return;
    assert_true(item_is(store, 1, 1, 0, DIM));
    assert_int_equal(ve_store_get_info(store, &info), VE_OK);
    assert_true(info.dropped_bytes == size - info.file_bytes);
    ve_store_close(store);
}

static void survives_sparse_files(void **state)
{
    const store_test *t = *state;
    ve_store *store = store_test_open(t, VE_STORE_NEW, DIM);
    assert_int_equal(store_test_add(store, 1, 0, DIM), 1);
    ve_store_close(store);
    try_sparse_file(t, ((uint64_t)1 << 26) + 7, VE_OK);
    try_sparse_file(t, (uint64_t)1 << 40, VE_ERR_TOO_LARGE); /* more slots than 32 bits number */
    assert_int_equal(truncate(t->path, ((off_t)1 << 26) + 7), 0);
    store = store_test_open(t, 0, DIM); /* a writer cuts it */
    assert_int_equal(store_test_add(store, 2, 0, DIM), 2);
    ve_store_close(store);
    struct stat facts;
    assert_int_equal(stat(t->path, &facts), 0);
    assert_true(facts.st_size < 100000);
}

static void takes_labels_and_metadata_up_to_the_limits(void **state)
{
    const store_test *t = *state;
    ve_store *store = store_test_open(t, VE_STORE_NEW, DIM);
    static unsigned char metadata[VE_STORE_MAX_METADATA + 1], back[VE_STORE_MAX_METADATA];
    char label[VE_STORE_MAX_LABEL + 2];
    float vector[DIM] = {1};
    size_t size;
    memset(label, 'x', sizeof label);
    label[VE_STORE_MAX_LABEL + 1] = 0;
    memset(metadata, 0xff, sizeof metadata); /* "not a number" in every float and double format */
    ve_store_entry entry = {.vector = vector,
                            .dim = DIM,
                            .label = label,
                            .metadata = metadata,
                            .metadata_size = VE_STORE_MAX_METADATA};
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_TOO_LARGE);
    label[VE_STORE_MAX_LABEL] = 0;
    entry.metadata_size++;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_ERR_TOO_LARGE);
    entry.metadata_size--;
    assert_int_equal(ve_store_add(store, &entry, NULL), VE_OK);
    ve_store_close(store);
    store = store_test_open(t, 0, DIM);
    ve_store_record record;
    assert_int_equal(ve_store_get(store, 1, &record, NULL), VE_OK);
    assert_string_equal(record.label, label);
    assert_int_equal(ve_store_get_metadata(store, 1, back, sizeof back, &size), VE_OK);
    assert_int_equal(size, sizeof back);
    assert_memory_equal(back, metadata, sizeof back);
    ve_store_close(store);
}

/* ---- compaction goes on with the table that is there */

static void compacts_in_place(uint32_t flags)
{
    store_test t;
    store_test_make(&t);
    ve_store *store = store_test_open(&t, VE_STORE_NEW | flags, DIM), *fresh;
    uint64_t count = 0;
    for (uint64_t key = 1; key <= 400; key++)
        store_test_add(store, key, 0, DIM);
    for (uint64_t key = 1; key <= 400; key++) /* replacements put rows out of the ids' order */
        if (key % 3 == 0)
            store_test_replace(store, key, key, 1, DIM);
        else if (key % 7 != 1)
            assert_int_equal(ve_store_remove(store, key), VE_OK);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ve_store_compact(store), VE_OK);
        fresh = store_test_open(&t, VE_STORE_READ_ONLY | (flags & VE_STORE_CODES), DIM);
        count = ve_store_count(fresh);
        assert_int_equal(ve_store_count(store), count);
        float query[DIM];
        ve_match ours[50], theirs[50];
        size_t found[2];
        ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
        options.k = 50;
        for (unsigned kind = 0; kind < 2; kind++) {
            item_vector(1000 + kind, 0, query, DIM);
            options.label = kind ? "person-3" : NULL;
            assert_int_equal(ve_store_search(store, query, 1, &options, ours, &found[0]), VE_OK);
            assert_int_equal(ve_store_search(fresh, query, 1, &options, theirs, &found[1]), VE_OK);
            assert_int_equal(found[0], found[1]);
            assert_memory_equal(ours, theirs, found[0] * sizeof *ours);
        }
        for (uint64_t id = 1; id <= 400; id++) {
            ve_store_record record;
            int is_there = ve_store_get(fresh, id, &record, NULL) == VE_OK;
            assert_int_equal(ve_store_get(store, id, &record, NULL) == VE_OK, is_there);
            if (is_there && id % 5 != 0)
                assert_true(item_is(store, id, id, id % 3 == 0, DIM));
        }
        ve_store_close(fresh);
        /* And life goes on: slots and commits follow the new file's. */
        for (uint64_t id = 5 + 5 * (uint64_t)round; id <= 400; id += 15)
            if (ve_store_remove(store, id) != VE_OK)
                assert_int_equal(ve_store_replace(store, id, NULL), VE_ERR_ARGUMENT);
        assert_int_equal(store_test_add(store, 500 + (uint64_t)round, 0, DIM), 401 + round);
    }
    count = ve_store_count(store);
    ve_store_report report = VE_STORE_REPORT_INIT;
    assert_int_equal(ve_store_check(t.path, NULL, &report), VE_OK);
    assert_int_equal(report.vectors, count);
    assert_true(flags & VE_STORE_DEFER_ERASE ? report.unerased_slots > 0 : report.unerased_slots == 0);
    ve_store_close(store);
    store_test_free(&t);
}

static void compacts_the_table_in_place(void **state)
{
    (void)state;
    compacts_in_place(0);
    compacts_in_place(VE_STORE_CODES);
    compacts_in_place(VE_STORE_DEFER_ERASE | VE_STORE_CODES);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, store_test_set_up, store_test_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refuses_what_is_no_file),
        TEST(refuses_a_lock_that_is_a_link),
        TEST(survives_a_folder_in_its_way),
        TEST(reads_on_a_read_only_file_system),
        TEST(survives_a_limit_on_file_sizes),
        TEST(survives_the_signal_of_a_limit_on_file_sizes),
        TEST(a_forked_process_only_reads),
        TEST(survives_sparse_files),
        TEST(takes_labels_and_metadata_up_to_the_limits),
        cmocka_unit_test(compacts_the_table_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
