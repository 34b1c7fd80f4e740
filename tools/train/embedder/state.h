/* SPDX-License-Identifier: MIT */
/* A run's whole state in one file: what a run needs to go on as if it had not been stopped. */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "dataset.h"
#include "margin.h"
#include "network.h"

typedef struct progress {
    int64_t images, steps;
    uint64_t seed;
    int64_t epoch, order_rows, order_at; /* dataset_seek's */
    double best;                         /* of the held-out people's figures so far */
    double seconds;                      /* of work, without pauses */
} progress;

/* Writes under a temporary name, then replaces. m may be NULL. */
void state_write(const char *path, const progress *p, const network *net, const margin *m);
/* Ends the program where the file does not fit this network and margin. */
void state_read(const char *path, progress *p, network *net, margin *m);

#endif
