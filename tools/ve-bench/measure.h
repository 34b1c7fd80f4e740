/* SPDX-License-Identifier: MIT */
/* The measurements that go through the public interface: one picture at a time, several at once, for minutes,
 * and from a cold start. */
#ifndef VE_BENCH_MEASURE_H
#define VE_BENCH_MEASURE_H

#include "machine.h"
#include "timing.h"
#include "visembed.h"

/* One picture at a time, from a ready tensor. Before each group of runs the machine's peak is measured anew, so
 * that a share of the peak compares times of the same minute. */
typedef struct latency {
    spread wall, cpu;    /* seconds; cpu: of all threads together */
    spread peak_one;     /* GFLOP/s of one thread with the instructions in use */
    double peak_threads; /* of all threads of the run; equals peak_one.median for one */
    double picture;      /* median seconds from an 8-bit picture of 640 x 480, resizing included */
} latency;

typedef struct batch_rate {
    unsigned pictures, threads;
    double per_second; /* median of several batches */
} batch_rate;

#define MAX_SESSIONS 256
/* One session, one for each core, and as many as were asked for. */
#define SESSION_RATES 3

#define MAX_WINDOWS 8640 /* of ten seconds, a day */
typedef struct window {
    double seconds; /* since the start */
    double median;  /* of an embedding */
    health at_end;
} window;

typedef struct sustained {
    size_t count;
    window *windows;
    double first, last, worst; /* medians of a window */
    double joules;             /* an embedding, idle power included; negative: unknown */
} sustained;

typedef struct cold_start {
    unsigned runs;
    double open, session, first, second; /* seconds; medians. open counts from the start of the process */
    double total;                        /* from the start of the process to the end of the first embedding */
    double peak_rss_mib;
} cold_start;

/* At least `runs` embeddings and `seconds` of them. */
ve_status measure_latency(const ve_model *model, unsigned size, unsigned threads, unsigned runs, double seconds,
                          latency *l);
ve_status measure_batch(const ve_model *model, unsigned size, unsigned threads, unsigned pictures,
                        batch_rate *b);
/* Pictures a second of sessions at work at once, each with a thread of its own: of 1, of `cores` and of `most`.
 */
ve_status measure_sessions(const ve_model *model, unsigned size, unsigned cores, unsigned most,
                           batch_rate rates[SESSION_RATES]);
/* The caller frees s->windows. */
ve_status measure_sustained(const ve_model *model, unsigned size, unsigned threads, double minutes,
                            const char *root, sustained *s);
/* Starts this program anew several times. */
ve_status measure_cold_start(const char *model_path, int is_i8, unsigned size, unsigned threads, cold_start *c);
/* What the program does that measure_cold_start starts: its exit status. */
int cold_start_child(const char *model_path, int is_i8, unsigned size, unsigned threads);

#endif
