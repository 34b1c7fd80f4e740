/* SPDX-License-Identifier: MIT */
/* See schedule.h. */
#include "schedule.h"

#include <math.h>

enum { AVERAGE_STEPS = 4 };

static double part_of(const schedule *s, long seen)
{
    return (double)seen / (double)s->images;
}

const phase *schedule_phase(const schedule *s, long seen)
{
    int i = 0;
    while (i + 1 < s->phase_count && part_of(s, seen) >= s->phases[i].until)
        i++;
    return &s->phases[i];
}

double schedule_rate(const schedule *s, long seen)
{
    double part = part_of(s, seen);
    if (part < s->warm_up)
        return s->rate * part / s->warm_up;
    double after = (part - s->warm_up) / (1 - s->warm_up);
    return s->rate_end + (s->rate - s->rate_end) * 0.5 * (1 + cos(M_PI * (after < 1 ? after : 1)));
}

int schedule_averages(long step)
{
    return step % AVERAGE_STEPS == AVERAGE_STEPS - 1;
}

double schedule_keep(const schedule *s, long step)
{
    double wanted = pow(s->keep, AVERAGE_STEPS), young = (1.0 + (double)step) / (40.0 + (double)step);
    return wanted < young ? wanted : young;
}

void schedule_most(const schedule *s, int *batch, int *side)
{
    *batch = *side = 0;
    for (int i = 0; i < s->phase_count; i++) {
        *batch = s->phases[i].batch > *batch ? s->phases[i].batch : *batch;
        *side = s->phases[i].side > *side ? s->phases[i].side : *side;
    }
}
