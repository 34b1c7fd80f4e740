/* SPDX-License-Identifier: MIT */
/* How often logging in as somebody failed. The file has a line for each name that has failures: failures, the
 * clock's time and the uptime of the last one, the boot's id, the name. It is rewritten under a lock, beside it
 * and renamed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attempts.h"
#include "report.h"

#define FREE_FAILURES 5u
#define LAST_FAILURE  50u
#define FIRST_WAIT    30
#define LONGEST_WAIT  300
#define MAX_LINE      512
#define MAX_NAMES     4096u

typedef struct attempt {
    unsigned failures;
    long long wall, up; /* seconds, of the last failure */
    char boot[40];
    char name[256];
} attempt;

typedef struct ledger {
    char path[PATH_MAX + 16], fresh[PATH_MAX + 24];
    int lock;
    attempt *rows;
    size_t count;
} ledger;

static void read_boot_id(char boot[40])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    strcpy(boot, "-");
    if (!file)
        return;
    if (fscanf(file, "%39s", boot) != 1)
        strcpy(boot, "-");
    fclose(file);
}

static void set_time(attempt *row)
{
    struct timespec up = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &up);
    row->wall = (long long)time(NULL);
    row->up = (long long)up.tv_sec;
    read_boot_id(row->boot);
}

/* Seconds until the next attempt; 0: now. */
static long long rest_of_wait(const attempt *row)
{
    attempt now;
    long long wait = FIRST_WAIT;
    if (row->failures < FREE_FAILURES)
        return 0;
    for (unsigned i = FREE_FAILURES; i < row->failures && wait < LONGEST_WAIT; i++)
        wait *= 2;
    wait = wait > LONGEST_WAIT ? LONGEST_WAIT : wait;
    set_time(&now);
    long long by_clock = row->wall + wait - now.wall;
    long long by_uptime = strcmp(row->boot, now.boot) == 0 ? row->up + wait - now.up : 0;
    long long rest = by_clock > by_uptime ? by_clock : by_uptime;
    /* A clock that was far ahead at the failure must not lock for years. */
    return rest < 0 ? 0 : rest > wait ? wait : rest;
}

/* ------------------------------------------------------------------ the file */

static int parse(char *line, attempt *row)
{
    int used = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%u %lld %lld %39s %n", &row->failures, &row->wall, &row->up, row->boot, &used) != 4 ||
        used == 0 || line[used] == '\0' || strlen(line + used) >= sizeof row->name)
        return -1;
    strcpy(row->name, line + used);
    return 0;
}

static int read_rows(ledger *book)
{
    char line[MAX_LINE];
    int descriptor = open(book->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ENOENT ? 0 : -1;
    FILE *file = fdopen(descriptor, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (book->count == MAX_NAMES || parse(line, &book->rows[book->count]) != 0) {
            fclose(file);
            return errno = EINVAL, -1; /* never "start afresh": that would be a way to be forgiven */
        }
        book->count++;
    }
    if (file)
        fclose(file);
    return file ? 0 : -1;
}

/* is_durable: waits for the disk, so that cutting the power forgives nothing. */
static int write_rows(const ledger *book, int is_durable)
{
    int descriptor = open(book->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file)
        return -1;
    for (size_t i = 0; i < book->count; i++) {
        const attempt *row = &book->rows[i];
        if (row->failures > 0)
            fprintf(file, "%u %lld %lld %s %s\n", row->failures, row->wall, row->up, row->boot, row->name);
    }
    int failed = fflush(file) != 0 || (is_durable && fsync(descriptor) != 0);
    failed |= fclose(file) != 0;
    return failed ? -1 : rename(book->fresh, book->path);
}

/* The store's own lock file would do, but a store that is only read has none. */
static int lock_book(ledger *book)
{
    char path[PATH_MAX + 32];
    struct flock whole;
    memset(&whole, 0, sizeof whole);
    whole.l_type = F_WRLCK;
    snprintf(path, sizeof path, "%s.lock", book->path);
    book->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return book->lock < 0 ? -1 : fcntl(book->lock, F_SETLKW, &whole);
}

static void close_book(ledger *book)
{
    if (book->lock >= 0)
        close(book->lock);
    free(book->rows);
}

static int open_book(ledger *book, const char *store)
{
    memset(book, 0, sizeof *book);
    book->lock = -1;
    snprintf(book->path, sizeof book->path, "%s.attempts", store);
    snprintf(book->fresh, sizeof book->fresh, "%s.tmp", book->path);
    book->rows = calloc(MAX_NAMES + 1, sizeof *book->rows);
    return book->rows && lock_book(book) == 0 ? read_rows(book) : -1;
}

/* The name's row, made if there is none; NULL when there are too many. */
static attempt *row_of(ledger *book, const char *name)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->rows[i].name, name) == 0)
            return &book->rows[i];
    if (book->count == MAX_NAMES)
        return NULL;
    attempt *row = &book->rows[book->count++];
    snprintf(row->name, sizeof row->name, "%s", name);
    strcpy(row->boot, "-");
    return row;
}

static auth_outcome report_book(const auth_settings *settings, const ledger *book)
{
    return report(settings, TROUBLE, "bad_attempts", settings->name,
                  "failed attempts cannot be counted in %s: %s", book->path, strerror(errno));
}

/* ------------------------------------------------------------------ what commands do */

static auth_outcome check_row(const auth_settings *settings, const attempt *row)
{
    long long rest = rest_of_wait(row);
    if (row->failures >= LAST_FAILURE)
        return report(settings, REJECTED, "locked", settings->name,
                      "after %u failed attempts %s is locked; `faceauth unlock` opens it", row->failures,
                      settings->name);
    if (rest > 0)
        return report(settings, REJECTED, "wait", settings->name,
                      "after %u failed attempts the next one for %s may come in %lld seconds", row->failures,
                      settings->name, rest);
    return ACCEPTED;
}

auth_outcome attempts_begin(const auth_settings *settings, const char *store)
{
    ledger book;
    auth_outcome outcome = TROUBLE;
    attempt *row = NULL;
    errno = 0;
    if (open_book(&book, store) == 0)
        row = row_of(&book, settings->name);
    if (!row)
        outcome = report_book(settings, &book);
    else if ((outcome = check_row(settings, row)) == ACCEPTED) {
        row->failures++;
        set_time(row);
        if (write_rows(&book, 1) != 0)
            outcome = report_book(settings, &book);
    }
    close_book(&book);
    return outcome;
}

/* failures -> 0, or one less. */
static auth_outcome change(const auth_settings *settings, const char *store, int forget)
{
    ledger book;
    auth_outcome outcome = ACCEPTED;
    attempt *row = NULL;
    errno = 0;
    if (open_book(&book, store) == 0)
        row = row_of(&book, settings->name);
    if (row && row->failures > 0) {
        row->failures = forget ? 0 : row->failures - 1;
        if (write_rows(&book, 0) != 0)
            row = NULL;
    }
    if (!row)
        outcome = report_book(settings, &book);
    close_book(&book);
    return outcome;
}

auth_outcome attempts_end(const auth_settings *settings, const char *store, auth_outcome outcome, int compared)
{
    if (outcome == REJECTED && compared)
        return ACCEPTED;
    return change(settings, store, outcome == ACCEPTED);
}

auth_outcome attempts_forget(const auth_settings *settings, const char *store)
{
    return change(settings, store, 1);
}
