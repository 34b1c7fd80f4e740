/* SPDX-License-Identifier: MIT */
/* A progress line on stderr: at once on a terminal, elsewhere only when the work takes more than two seconds.
 */
#ifndef VE_EXPORT_PROGRESS_H
#define VE_EXPORT_PROGRESS_H

#include <stddef.h>

typedef struct progress {
    const char *what; /* "reading" */
    size_t total_bytes, done_bytes;
    double started, shown; /* seconds */
    unsigned shown_percent;
    int is_quiet, is_terminal, was_shown;
} progress;

void progress_start(progress *p, const char *what, size_t total_bytes, int is_quiet);
/* p may be NULL. */
void progress_add(progress *p, size_t bytes);
/* Removes the line from a terminal. */
void progress_end(progress *p);

#endif
