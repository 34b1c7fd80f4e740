/* SPDX-License-Identifier: MIT */
/* The progress line. */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SECONDS 2.0 /* without a terminal, nothing is said before */
#define EVERY_SECONDS 0.2

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_start(progress *p, const char *what, size_t total_bytes, int is_quiet)
{
    p->what = what;
    p->total_bytes = total_bytes;
    p->done_bytes = 0;
    p->started = now();
    p->shown = p->started;
    p->shown_percent = 0;
    p->is_quiet = is_quiet;
    p->is_terminal = isatty(2);
    p->was_shown = 0;
}

static void show(progress *p, unsigned percent, double time)
{
    fprintf(stderr, "%s%s: %u %% of %.0f MB%s", p->is_terminal ? "\r" : "", p->what, percent,
            (double)p->total_bytes / 1e6, p->is_terminal ? "  " : "\n");
    fflush(stderr);
    p->shown = time;
    p->shown_percent = percent;
    p->was_shown = 1;
}

void progress_add(progress *p, size_t bytes)
{
    if (!p || p->is_quiet || p->total_bytes == 0)
        return;
    p->done_bytes += bytes;
    double time = now();
    unsigned percent = (unsigned)(100.0 * (double)p->done_bytes / (double)p->total_bytes);
    if (p->is_terminal ? time - p->shown >= EVERY_SECONDS
                       : time - p->started >= FIRST_SECONDS && percent >= p->shown_percent + 10)
        show(p, percent, time);
}

void progress_end(progress *p)
{
    if (p->was_shown && p->is_terminal)
        fprintf(stderr, "\r%40s\r", "");
    p->was_shown = 0;
}
