/* SPDX-License-Identifier: MIT */
/* The program's long work: a training run. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "evaluate.h"
#include "network.h"
#include "options.h"

/* Trains as the options say, from net's weights or a state. Returns the exit status: 0, or 3 after a signal. */
int train(network *net, const options *o);

/* The held-out people and, where asked for, LFW, on standard output; *result gets the former's. Packs
 * net->weights again afterwards. Returns whether there were held-out people. */
int evaluate_and_print(network *net, const options *o, int side, held_out *result);

#endif
