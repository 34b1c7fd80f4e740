/* SPDX-License-Identifier: MIT */
/* What a run does when: counted in pictures seen, so that a run that was stopped and resumed, or shared its
 * machine, is the same run. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

enum { MOST_PHASES = 8 };

typedef struct phase {
    int side, batch;
    double until; /* the share of all pictures at which it ends */
} phase;

typedef struct schedule {
    long images; /* in all */
    phase phases[MOST_PHASES];
    int phase_count;
    double rate, rate_end, warm_up; /* warm_up: a share of images */
    double keep;                    /* of the running average, for every step */
} schedule;

const phase *schedule_phase(const schedule *s, long seen);
/* From 0 in a straight line during warm_up, then half a cosine down to rate_end. */
double schedule_rate(const schedule *s, long seen);
/* The average moves at every fourth step, and forgets its beginning faster while the run is young. */
int schedule_averages(long step);
double schedule_keep(const schedule *s, long step);
/* The largest batch and side of all phases. */
void schedule_most(const schedule *s, int *batch, int *side);

#endif
