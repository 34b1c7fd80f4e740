/* SPDX-License-Identifier: MIT */
/* See worker.h. */
#include "worker.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int worker_serve(const char *name, const char *version, worker_run *run, void *data)
{
    char line[32];
    printf("ready %s %s\n", name, version);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        long runs = strtol(line, NULL, 10);
        int64_t wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        for (long i = 0; i < runs; i++)
            if (run(data) != 0)
                return 1;
        cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        wall = now(CLOCK_MONOTONIC) - wall;
        printf("%lld %lld\n", (long long)wall, (long long)cpu);
        fflush(stdout);
    }
    return 0;
}

float *worker_read_floats(const char *path, size_t count)
{
    FILE *file = fopen(path, "rb");
    float *values = malloc(count * sizeof *values);
    if (!file || !values || fread(values, sizeof *values, count, file) != count) {
        perror(path);
        free(values);
        values = NULL;
    }
    if (file)
        fclose(file);
    return values;
}

int worker_write_floats(const char *path, const float *values, size_t count)
{
    FILE *file = fopen(path, "wb");
    size_t written = file ? fwrite(values, sizeof *values, count, file) : 0;
    if (!file || fclose(file) != 0 || written != count) {
        perror(path);
        return -1;
    }
    return 0;
}
