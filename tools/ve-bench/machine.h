/* SPDX-License-Identifier: MIT */
/* What a benchmark was run on, and how that machine felt before and after. */
#ifndef VE_BENCH_MACHINE_H
#define VE_BENCH_MACHINE_H

#include <stddef.h>

typedef struct machine {
    char board[128]; /* as the device tree or the firmware names it */
    char cpu[128];
    char kernel[192];
    char system[128];
    char compiler[64];
    char governor[64]; /* "" where the system does not say */
    unsigned cores;    /* that the process may use */
    double max_mhz;    /* 0: unknown; here and below */
    size_t cache_bytes[3];
    double memory_gib;
} machine;

/* root: "" for this machine; tests give a folder that holds another machine's files. */
void machine_read(const char *root, machine *m);

/* A reading; fields that nothing tells are negative. */
typedef struct health {
    double celsius; /* the hottest zone */
    double mhz;
    double joules;  /* counter of used energy since some moment */
    double watts;   /* taken right now, where only that can be read (Raspberry Pi 5) */
    long throttled; /* vcgencmd get_throttled */
} health;

void health_read(const char *root, health *h);

/* Reasons why a run between two readings says nothing about the board: throttled, under-voltage. NULL where
 * there is none. */
const char *health_void_reason(const health *before, const health *after);

#endif
