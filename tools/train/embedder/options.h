/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "loss.h"
#include "margin.h"
#include "schedule.h"

/* Two or three file names, divided by commas on the command line; NULL where not given. */
typedef struct file_names {
    const char *first, *second, *third;
} file_names;

typedef enum command { COMMAND_TRAIN, COMMAND_EVALUATE, COMMAND_EMBED, COMMAND_CHECK, COMMAND_BENCH } command;

typedef struct options {
    command command;
    const char *list, *init, *out, *state, *log, *dump, *gemm;
    file_names held, lfw, files; /* files: of --check and --embed */
    schedule schedule;
    loss_weights loss;
    margin_options margin;
    double decay, degrades, state_minutes;
    long evaluate_images;
    long seed;
    int threads, resumes, side, bench_batch;
} options;

/* Fills options. Returns 0 to go on; 1 when all is said (--help); 2 after a mistake, which has been named. */
int options_read(int argc, char **argv, options *o);

#endif
