/* SPDX-License-Identifier: MIT */
/* The subcommands but bench. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long long number;

int complain(const char *what, ve_status status)
{
    fprintf(stderr, "ve-store: %s%s%s (%s)\n", what ? what : "", what ? ": " : "",
            ve_last_error()[0] ? ve_last_error() : ve_status_message(status), ve_status_name(status));
    return EXIT_TROUBLE;
}

static int refuse_passphrase(const char *path, const char *why)
{
    fprintf(stderr, "ve-store: %s: no pass phrase: %s\n", path, why);
    return -1;
}

/* Fills `text` with the file's start. -1, with a message: it cannot be read, or others can read it, too. A pipe
 * (<(command) in a shell) is its owner's alone, whatever its mode says. */
static ssize_t read_passphrase(const char *path, char *text, size_t room)
{
    struct stat facts;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &facts) != 0) {
        if (file >= 0)
            close(file);
        return refuse_passphrase(path, strerror(errno));
    }
    if (S_ISREG(facts.st_mode) && (facts.st_mode & (S_IRWXG | S_IRWXO))) {
        close(file);
        return refuse_passphrase(path, "other users may read or write it (chmod 600 keeps them out)");
    }
    size_t used = 0;
    ssize_t got = 1;
    while (used < room && got > 0 && (got = read(file, text + used, room - used)) > 0)
        used += (size_t)got;
    close(file);
    return got < 0 ? refuse_passphrase(path, strerror(errno)) : (ssize_t)used;
}

/* The first line of a file is the pass phrase. */
static int seal_with_passphrase(const char *path, ve_store_seal **seal)
{
    char text[1024];
    ssize_t size = read_passphrase(path, text, sizeof text);
    if (size < 0)
        return -1;
    const char *newline = memchr(text, '\n', (size_t)size);
    size_t length = newline ? (size_t)(newline - text) : (size_t)size;
    ve_status status = VE_OK;
    int result = 0;
    if (length == sizeof text) /* a part of a pass phrase must not pass for all of it */
        result = refuse_passphrase(path, "its first line is longer than 1023 bytes");
    else if (length == 0)
        result = refuse_passphrase(path, "its first line is empty");
    else
        status = ve_seal_with_passphrase(text, length, seal);
    ve_wipe(text, sizeof text);
    return status == VE_OK ? result : refuse_passphrase(path, ve_status_message(status));
}

int make_seal(const char *key_file, const char *passphrase_file, ve_store_seal **seal)
{
    *seal = NULL;
    if (passphrase_file)
        return seal_with_passphrase(passphrase_file, seal);
    ve_status status = key_file ? ve_seal_with_key_file(key_file, seal) : VE_OK;
    if (status != VE_OK)
        fprintf(stderr, "ve-store: %s: no key: %s\n", key_file, ve_status_message(status));
    return status == VE_OK ? 0 : -1;
}

ve_store *open_store(const store_options *options, uint32_t flags)
{
    ve_store_options open_options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    open_options.flags = flags;
    open_options.threads = options->threads;
    if (options->creates) {
        open_options.flags |= VE_STORE_CREATE;
        open_options.dim = options->dim;
        open_options.metric = options->metric;
        open_options.fingerprint = options->model;
    }
    open_options.seal = options->seal;
    ve_status status = ve_store_open(options->path, &open_options, &store);
    if (status != VE_OK)
        complain(NULL, status); /* the message names the file and what could not be done */
    if (status == VE_ERR_NOT_FOUND && !(flags & VE_STORE_READ_ONLY) && options->target)
        fprintf(stderr, "ve-store: import --create --dim N makes one\n");
    return store;
}

static const char *metric_name(uint32_t metric)
{
    return metric == VE_METRIC_COSINE ? "cosine" : "inner product";
}

/* Labels and names hold no control characters. */
static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void print_info_json(const ve_store_info *info)
{
    printf("{\"vectors\":%llu,\"labels\":%llu,\"dim\":%u,\"metric\":\"%s\",\"sealed\":%s,\"next_id\":%llu,"
           "\"generation\":%llu,\"file_bytes\":%llu,\"unused_bytes\":%llu,\"torn_bytes\":%llu,\"memory_bytes\":"
           "%llu,"
           "\"locked_in_memory\":%s,\"format\":%u,\"kernels\":\"%s\",\"fingerprint\":\"%s\",\"model\":",
           (number)info->count, (number)info->label_count, info->dim, metric_name(info->metric),
           info->is_sealed ? "true" : "false", (number)info->next_id, (number)info->generation,
           (number)info->file_bytes, (number)info->unused_bytes, (number)info->dropped_bytes,
           (number)info->memory_bytes, info->is_locked_in_memory ? "true" : "false", info->format_version,
           info->kernels, info->fingerprint);
    print_json_text(info->model_name);
    puts("}");
}

static void print_info(const ve_store_info *info)
{
    printf("vectors      %llu of %u dimensions, %s\n", (number)info->count, info->dim,
           metric_name(info->metric));
    printf("labels       %llu\n", (number)info->label_count);
    printf("model        %s\n", info->fingerprint[0] ? info->fingerprint : "none");
    if (info->model_name[0])
        printf("model name   %s\n", info->model_name);
    printf("sealed       %s\n", info->is_sealed ? "yes" : "no");
    printf("file         %llu bytes, %llu of them unused, generation %llu, format %u\n",
           (number)info->file_bytes, (number)info->unused_bytes, (number)info->generation,
           info->format_version);
    if (info->dropped_bytes)
        printf("torn tail    %llu bytes of a write that was never finished\n", (number)info->dropped_bytes);
    printf("memory       %llu bytes%s\n", (number)info->memory_bytes,
           info->is_locked_in_memory ? ", locked" : ", not locked: may go to the swap space");
    printf("next id      %llu\n", (number)info->next_id);
    printf("kernels      %s\n", info->kernels);
}

int command_info(const store_options *options)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store *store = open_store(options, VE_STORE_READ_ONLY);
    if (!store)
        return EXIT_TROUBLE;
    ve_status status = ve_store_get_info(store, &info);
    ve_store_close(store);
    if (status != VE_OK)
        return complain("info", status);
    if (options->is_json)
        print_info_json(&info);
    else
        print_info(&info);
    return EXIT_YES;
}

static void print_report(const store_options *options, const ve_store_report *report)
{
    if (options->is_json) {
        printf(
            "{\"vectors\":%llu,\"damaged\":%llu,\"first_damage\":%llu,\"torn_bytes\":%llu,\"unerased\":%llu}\n",
            (number)report->vectors, (number)report->damaged_slots, (number)report->first_damage,
            (number)report->torn_bytes, (number)report->unerased_slots);
        return;
    }
    printf("%llu good vectors\n", (number)report->vectors);
    if (report->torn_bytes)
        printf("%llu bytes of an unfinished write at the end\n", (number)report->torn_bytes);
    if (report->unerased_slots)
        printf("%llu removed vectors wait to be erased\n", (number)report->unerased_slots);
    if (report->damaged_slots)
        printf("%llu damaged places, the first one at offset %llu\n", (number)report->damaged_slots,
               (number)report->first_damage);
}

int command_check(const store_options *options)
{
    ve_store_report report = VE_STORE_REPORT_INIT;
    ve_status status = ve_store_check(options->path, options->seal, &report);
    if (status != VE_OK && status != VE_ERR_CORRUPT)
        return complain("check", status);
    if (!options->is_quiet)
        print_report(options, &report);
    return status == VE_OK ? EXIT_YES : EXIT_NO;
}

int command_recover(const store_options *options)
{
    ve_store_report report = VE_STORE_REPORT_INIT;
    ve_status status = ve_store_recover(options->path, options->target, options->seal, &report);
    if (status != VE_OK)
        return complain("recover", status);
    if (!options->is_quiet)
        print_report(options, &report);
    return EXIT_YES;
}

int command_list(const store_options *options)
{
    ve_store_record record = {.id = 0};
    ve_store *store = open_store(options, VE_STORE_READ_ONLY);
    if (!store)
        return EXIT_TROUBLE;
    while (ve_store_next(store, record.id, &record, NULL) == VE_OK) {
        if (options->label && strcmp(options->label, record.label) != 0)
            continue;
        if (options->is_json) {
            printf("{\"id\":%llu,\"metadata_bytes\":%u,\"label\":", (number)record.id, record.metadata_size);
            print_json_text(record.label);
            puts("}");
        } else {
            printf("%llu\t%u\t%s\n", (number)record.id, record.metadata_size, record.label);
        }
    }
    ve_store_close(store);
    return EXIT_YES;
}

static const char *const format_names[] = {"npy", "fvecs", "jsonl", "pgcopy"};

static const char *format_name(ve_store_format format)
{
    return format_names[format - VE_STORE_NPY];
}

/* By name, or by the file's ending. */
static int find_format(const store_options *options, ve_store_format *format)
{
    const char *dot = strrchr(options->target, '.');
    const char *name = options->format ? options->format : dot ? dot + 1 : "";
    for (int i = 0; i < 4; i++)
        if (strcmp(name, format_names[i]) == 0) {
            *format = (ve_store_format)(VE_STORE_NPY + i);
            return 0;
        }
    fprintf(stderr, "ve-store: unknown format \"%s\": npy, fvecs, jsonl or pgcopy\n", name);
    return -1;
}

static int has_text(ve_store_format format)
{
    return format == VE_STORE_JSONL || format == VE_STORE_PGCOPY;
}

/* What the format has no place for is said, not dropped in silence. */
static void warn_of_metadata(ve_store *store, ve_store_format format)
{
    ve_store_record record = {.id = 0};
    number count = 0;
    while (ve_store_next(store, record.id, &record, NULL) == VE_OK)
        count += record.metadata_size > 0;
    if (count > 0)
        fprintf(stderr,
                "ve-store: %s has no place for metadata: that of %llu vectors is left out (jsonl keeps it)\n",
                format_name(format), count);
}

int command_export(const store_options *options)
{
    ve_store_format format;
    if (find_format(options, &format) != 0)
        return EXIT_TROUBLE;
    ve_store *store = open_store(options, VE_STORE_READ_ONLY);
    if (!store)
        return EXIT_TROUBLE;
    ve_status status = ve_store_export(store, options->target, format);
    if (status == VE_OK && !has_text(format))
        warn_of_metadata(store, format);
    ve_store_close(store);
    return status == VE_OK ? EXIT_YES : complain("export", status);
}

static int can_read(const char *path)
{
    if (access(path, R_OK) == 0)
        return 1;
    fprintf(stderr, "ve-store: cannot open %s: %s\n", path, strerror(errno));
    return 0;
}

static void warn_of_labels(const store_options *options, ve_store_format format)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.labels", options->target);
    if (length > 0 && length < (int)sizeof path && access(path, F_OK) != 0)
        fprintf(stderr, "ve-store: there is no %s: the labels are empty\n", path);
    if (!options->is_quiet)
        fprintf(stderr, "ve-store: %s has no place for metadata: there is none\n", format_name(format));
}

int command_import(const store_options *options)
{
    ve_store_format format;
    uint64_t added = 0;
    if (find_format(options, &format) != 0)
        return EXIT_TROUBLE;
    if (format == VE_STORE_PGCOPY) {
        fprintf(stderr, "ve-store: pgcopy is for PostgreSQL and is not read back; export and import jsonl\n");
        return EXIT_TROUBLE;
    }
    if (!can_read(options->target)) /* before a store is made for nothing */
        return EXIT_TROUBLE;
    ve_store *store = open_store(options, 0);
    if (!store)
        return EXIT_TROUBLE;
    ve_status status = ve_store_import(store, options->target, format, &added);
    ve_store_close(store);
    if (status != VE_OK)
        return complain("import", status);
    if (!has_text(format))
        warn_of_labels(options, format);
    if (!options->is_quiet)
        printf("%llu vectors added\n", (number)added);
    return EXIT_YES;
}

int command_compact(const store_options *options)
{
    ve_store_seal *seal = NULL;
    int changes_seal = options->unseals || options->new_key_file || options->new_passphrase_file;
    if (make_seal(options->new_key_file, options->new_passphrase_file, &seal) != 0)
        return EXIT_TROUBLE;
    ve_store *store = open_store(options, 0);
    ve_status status = VE_OK;
    if (store)
        status = changes_seal ? ve_store_reseal(store, seal) : ve_store_compact(store);
    int result = !store ? EXIT_TROUBLE : status == VE_OK ? EXIT_YES : complain("compact", status);
    ve_store_close(store);
    ve_seal_free(seal);
    return result;
}

int command_remove(const store_options *options)
{
    uint64_t removed = 1;
    if ((options->id != 0) == (options->label != NULL)) {
        fprintf(stderr, "ve-store: remove needs --id or --label\n");
        return EXIT_TROUBLE;
    }
    ve_store *store = open_store(options, 0);
    if (!store)
        return EXIT_TROUBLE;
    ve_status status = options->id ? ve_store_remove(store, options->id)
                                   : ve_store_remove_label(store, options->label, &removed);
    ve_store_close(store);
    if (status != VE_OK) {
        complain("remove", status);
        return status == VE_ERR_NOT_FOUND ? EXIT_NO : EXIT_TROUBLE;
    }
    if (!options->is_quiet)
        printf("%llu removed\n", (number)removed);
    return EXIT_YES;
}

int command_key(const store_options *options)
{
    ve_status status = ve_seal_make_key_file(options->path);
    if (status != VE_OK)
        fprintf(stderr, "ve-store: %s: no key file: %s\n", options->path, ve_status_message(status));
    return status == VE_OK ? EXIT_YES : EXIT_TROUBLE;
}
