/* SPDX-License-Identifier: MIT */
/* The command line of ve-bench. */
#ifndef VE_BENCH_OPTIONS_H
#define VE_BENCH_OPTIONS_H

typedef struct bench_options {
    const char *model; /* one of these two is set */
    const char *arch;
    const char *isa;  /* NULL: the best */
    const char *json; /* NULL: not wanted */
    const char *svg;
    const char *root;  /* "", or a folder with another machine's /proc and /sys, for tests */
    unsigned size;     /* 0: the model's own */
    unsigned threads;  /* 0: all cores */
    unsigned batch;    /* pictures; 0: no batch run */
    unsigned sessions; /* most sessions at once; 0: no such run */
    unsigned runs;     /* at least so many embeddings */
    double seconds;    /* and at least for so long */
    double minutes;    /* of the sustained run; 0: none */
    int is_half;       /* of a random model */
    int is_i8;         /* compute in 8 bits; else as the model's file says */
    int is_cold_child; /* started by ve-bench itself to measure a cold start */
} bench_options;

typedef enum next_step { NEXT_RUN, NEXT_DONE, NEXT_USAGE_ERROR } next_step;

/* Prints help, version and what is wrong. */
next_step options_read(int argc, char **argv, bench_options *options);

#endif
