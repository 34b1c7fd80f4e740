/* SPDX-License-Identifier: MIT */
/* See train.h. */
#include "train.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "curve.h"
#include "initial.h"
#include "safetensors.h"
#include "state.h"
#include "step.h"

#define REPORT_SECONDS 20

static volatile sig_atomic_t is_told_to_stop;

static void stop(int signal_number)
{
    (void)signal_number;
    is_told_to_stop = 1;
}

/* A run under way. */
typedef struct run {
    const options *o;
    network *net;
    dataset *data;
    margin *margin; /* NULL without */
    progress at;
    /* Since the last report: */
    step_result sums;
    long steps, images;
    double wall, cpu;
    double state_written; /* when, on the wall clock */
    double begun;         /* at.seconds counts from here */
    long evaluated;       /* at so many images */
} run;

static void restart_report(run *r)
{
    memset(&r->sums, 0, sizeof r->sums);
    r->steps = r->images = 0;
    r->wall = wall_seconds();
    r->cpu = cpu_seconds();
}

static void read_clock_of_run(run *r)
{
    double now = wall_seconds();
    r->at.seconds += now - r->begun;
    r->begun = now;
}

static void save_state(run *r)
{
    r->state_written = wall_seconds();
    if (!r->o->state)
        return;
    r->at.epoch = r->data->epoch;
    r->at.order_rows = r->data->order_rows;
    r->at.order_at = r->data->at;
    state_write(r->o->state, &r->at, r->net, r->margin);
}

static curve_point point_of(const run *r)
{
    double n = r->steps > 0 ? (double)r->steps : NAN, cpu = cpu_seconds() - r->cpu;
    curve_point p = {(long)r->at.images,  r->at.seconds, schedule_rate(&r->o->schedule, (long)r->at.images),
                     r->net->side[0] * 4, r->sums,       cpu > 0 ? (double)r->images / cpu : 0};
    p.losses.distil /= n;
    p.losses.relational /= n;
    p.losses.margin /= n;
    p.losses.gradient_length /= n;
    return p;
}

static void report(run *r)
{
    curve_point p = point_of(r);
    printf("%5.1f min, %ld pictures (epoch %.2f), %d px, rate %.2e: distil %.4f relational %.5f margin %.3f "
           "gradient %.3f | %.0f pictures/s, %.0f per CPU second\n",
           p.seconds / 60, p.images, (double)p.images / (double)r->data->rows, p.side, p.rate, p.losses.distil,
           p.losses.relational, p.losses.margin, p.losses.gradient_length,
           (double)r->images / (wall_seconds() - r->wall), p.per_cpu_second);
    fflush(stdout);
    curve_append(r->o->log, &p, NULL);
    restart_report(r);
}

int evaluate_and_print(network *net, const options *o, int side, held_out *result)
{
    npy crops, others;
    network_set_side(net, side);
    step_pack(net, net->average);
    if (o->held.first) {
        npy_need(o->held.first, "u1", &crops);
        npy_need(o->held.second, "i4", &others);
        *result = evaluate_held_out(net, &crops, &others);
        printf("      held-out people, %d px: TAR@1e-3 %.4f (cosine > %.3f), TAR@1e-2 %.4f, of %ld pairs\n",
               side, result->tar3, result->threshold3, result->tar2, result->same);
        npy_close(&crops);
        npy_close(&others);
    }
    if (o->lfw.first) {
        npy_need(o->lfw.first, "u1", &crops);
        npy_need(o->lfw.second, "i4", &others);
        lfw_result l = evaluate_lfw(net, &crops, &others);
        printf("      LFW, %d px: %.4f, TAR@1e-3 %.4f; with the mirrored picture %.4f, %.4f\n", side,
               l.accuracy, l.tar3, l.accuracy_flipped, l.tar3_flipped);
        npy_close(&crops);
        npy_close(&others);
    }
    fflush(stdout);
    step_pack(net, net->weights);
    return o->held.first != NULL;
}

/* Writes the averaged weights, and beside them the best ones so far. */
static void evaluate(run *r)
{
    char best[4096];
    held_out result;
    curve_point p = point_of(r);
    safetensors_write(r->o->out, &r->net->table, r->net->average);
    r->evaluated = (long)r->at.images;
    int is_measured = evaluate_and_print(r->net, r->o, p.side, &result);
    curve_append(r->o->log, &p, is_measured ? &result : NULL);
    if (is_measured && result.tar3 > r->at.best) {
        r->at.best = result.tar3;
        snprintf(best, sizeof best, "%s.best", r->o->out);
        safetensors_write(best, &r->net->table, r->net->average);
    }
    restart_report(r);
}

static void add(run *r, const step_result *result, int batch)
{
    r->sums.distil += result->distil;
    r->sums.relational += result->relational;
    r->sums.margin += result->margin;
    r->sums.gradient_length += result->gradient_length;
    r->steps++;
    r->images += batch;
    r->at.steps++;
    r->at.images += batch;
}

static void do_step(run *r)
{
    const options *o = r->o;
    const phase *now = schedule_phase(&o->schedule, (long)r->at.images);
    uint32_t rows[MOST_BATCH];
    network_set_side(r->net, now->side);
    dataset_next(r->data, o->list, now->batch, rows);
    step_input input = {r->data, rows, mix64(r->at.seed + (uint64_t)r->at.steps), (float)o->degrades, NULL,
                        0,       0};
    optimiser change = {(float)schedule_rate(&o->schedule, (long)r->at.images), (float)o->decay,
                        (float)schedule_keep(&o->schedule, (long)r->at.steps),
                        schedule_averages((long)r->at.steps), (long)r->at.steps + 1};
    step_result result = step_train(r->net, r->margin, &input, now->batch, &o->loss, &change);
    if (!isfinite(result.distil + result.gradient_length))
        fail("step %ld: the loss is not a number", (long)r->at.steps);
    add(r, &result, now->batch);
}

static int can_open(const char *path)
{
    FILE *file = fopen(path, "rb");
    return file != NULL && fclose(file) == 0;
}

static void begin(run *r)
{
    const options *o = r->o;
    int batch, side;
    schedule_most(&o->schedule, &batch, &side);
    network_reserve(r->net, batch, side);
    r->data = dataset_new((uint64_t)o->seed);
    dataset_read(r->data, o->list);
    r->at.seed = mix64((uint64_t)o->seed);
    if (o->margin.kind != MARGIN_NONE) {
        if (r->data->people == 0)
            fail("--margin: no shard of %s names people", o->list);
        r->margin = margin_new(&o->margin, r->data->people, batch);
        initial_centres(r->margin, r->data);
    }
    if (o->resumes && can_open(o->state)) {
        state_read(o->state, &r->at, r->net, r->margin);
        dataset_seek(r->data, (long)r->at.epoch, (long)r->at.order_rows, (long)r->at.order_at);
        printf("resumed at %ld pictures\n", (long)r->at.images);
    }
    step_pack(r->net, r->net->weights);
    printf("%ld crops in %d shards, %d named people; %ld pictures to see; %s, %d threads\n", r->data->rows,
           r->data->count, r->data->people, o->schedule.images, r->net->gemm->name, r->net->threads);
}

static void listen_for_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int train(network *net, const options *o)
{
    static run r;
    r.o = o;
    r.net = net;
    listen_for_signals();
    begin(&r);
    restart_report(&r);
    r.begun = r.state_written = r.wall;
    r.evaluated = (long)r.at.images;
    while (r.at.images < o->schedule.images && !is_told_to_stop) {
        do_step(&r);
        read_clock_of_run(&r);
        if (wall_seconds() - r.wall > REPORT_SECONDS)
            report(&r);
        if (r.at.images - r.evaluated >= o->evaluate_images && r.at.images < o->schedule.images)
            evaluate(&r);
        if (wall_seconds() - r.state_written > o->state_minutes * 60)
            save_state(&r);
    }
    if (is_told_to_stop) {
        save_state(&r);
        safetensors_write(o->out, &net->table, net->average);
        printf("stopped at %ld pictures\n", (long)r.at.images);
        return 3;
    }
    evaluate(&r);
    save_state(&r);
    printf("done: %ld pictures in %.1f minutes\n", (long)r.at.images, r.at.seconds / 60);
    return 0;
}
