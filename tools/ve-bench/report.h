/* SPDX-License-Identifier: MIT */
/* Everything that one run of ve-bench has found out, and the forms in which it is told. */
#ifndef VE_BENCH_REPORT_H
#define VE_BENCH_REPORT_H

#include <stdio.h>

#include "limits.h"
#include "machine.h"
#include "measure.h"
#include "profile.h"

#define MAX_INSTRUCTION_SETS 4

typedef struct instruction_peak {
    const char *isa;
    double gflops;
} instruction_peak;

typedef struct bench_report {
    machine machine;
    health before, after;
    const char *void_reason; /* NULL: the run counts */
    char date[32];

    ve_model_info model;
    unsigned size, threads;
    double multiply_adds;

    instruction_peak peaks[MAX_INSTRUCTION_SETS];
    size_t peak_count;
    memory_level levels[MAX_LEVELS];
    size_t level_count;

    latency latency;
    cold_start cold;
    profile profile;
    batch_rate batch;                   /* pictures == 0: not run */
    batch_rate sessions[SESSION_RATES]; /* the first's pictures == 0: not run */
    sustained sustained;                /* count == 0: not run */
} bench_report;

/* Billions of floating point operations a second of an embedding that takes so long, and what part of the peak
 * that is. */
double report_gflops(const bench_report *r, double seconds);
/* The time that stands for the run: the CPU's with one thread, where other programs cannot lengthen it; else
 * the wall clock's. Median. */
double report_seconds(const bench_report *r);
double report_peak_share(const bench_report *r);

void report_print(const bench_report *r, FILE *out);
void report_write_json(const bench_report *r, FILE *out);
/* The roofline: what each layer reaches over how much it computes for each byte that it touches. */
void report_write_svg(const bench_report *r, FILE *out);

#endif
