/* SPDX-License-Identifier: MIT */
/* See measure.h: latency, batches and sustained runs. */
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "limits.h"

#define WARM_UP_RUNS   3
#define GROUPS         10 /* of runs, with a look at the machine's peak before each */
#define MOST_RUNS      100000u
#define WINDOW_SECONDS 10.0
#define PICTURE_WIDTH  640u
#define PICTURE_HEIGHT 480u
#define BATCH_REPEATS  5
#define MOST_IN_WINDOW 16384u

/* A session with an input to embed. */
typedef struct subject {
    ve_session *session;
    float *tensor;
    float embedding[VE_MAX_DIM];
} subject;

static void close_subject(subject *s)
{
    if (!s)
        return;
    ve_session_free(s->session);
    free(s->tensor);
    free(s);
}

static ve_status open_subject(const ve_model *model, unsigned size, unsigned threads, subject **out)
{
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    size_t count = (size_t)3 * size * size;
    subject *s = calloc(1, sizeof *s);
    options.width = options.height = size;
    options.threads = threads;
    ve_status status = VE_ERR_MEMORY;
    if (s && (s->tensor = malloc(count * sizeof *s->tensor)) != NULL)
        status = ve_session_create(model, &options, &s->session);
    if (status != VE_OK) {
        close_subject(s);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        s->tensor[i] = (float)(i * 2654435761u % 1024) / 256.0f - 2.0f;
    *out = s;
    return VE_OK;
}

static ve_status embed(subject *s)
{
    return ve_embed_tensor(s->session, s->tensor, s->embedding);
}

/* ---- one picture at a time */

static ve_status time_picture(subject *s, double *seconds)
{
    static uint8_t pixels[3 * PICTURE_WIDTH * PICTURE_HEIGHT];
    double times[21];
    ve_image *image;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    VE_TRY(ve_image_from_pixels(pixels, PICTURE_WIDTH, PICTURE_HEIGHT, 0, VE_PIXELS_RGB, &image));
    ve_status status = VE_OK;
    for (size_t i = 0; i < sizeof times / sizeof *times && status == VE_OK; i++) {
        double started = time_wall();
        status = ve_embed(s->session, image, s->embedding);
        times[i] = time_wall() - started;
    }
    ve_image_free(image);
    *seconds = spread_of(times, sizeof times / sizeof *times).median;
    return status;
}

/* How many runs a group needs for the whole to last so many seconds. */
static ve_status choose_group(subject *s, unsigned runs, double seconds, unsigned *group)
{
    double fastest = 1e9;
    for (int i = 0; i < WARM_UP_RUNS; i++) {
        double started = time_wall();
        VE_TRY(embed(s));
        fastest = fmin(fastest, time_wall() - started);
    }
    double wanted = fmin(seconds / fastest, MOST_RUNS);
    unsigned least = runs > (unsigned)wanted ? runs : (unsigned)wanted;
    *group = (least + GROUPS - 1) / GROUPS;
    return VE_OK;
}

static ve_status time_groups(subject *s, unsigned group, const char *isa, double *walls, double *cpus,
                             double *peaks)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        peaks[g] = limits_flops(isa);
        for (unsigned i = 0; i < group; i++) {
            double wall = time_wall(), cpu = time_process();
            VE_TRY(embed(s));
            cpus[g * group + i] = time_process() - cpu;
            walls[g * group + i] = time_wall() - wall;
        }
    }
    return VE_OK;
}

ve_status measure_latency(const ve_model *model, unsigned size, unsigned threads, unsigned runs, double seconds,
                          latency *l)
{
    ve_model_info info = VE_MODEL_INFO_INIT;
    subject *s;
    unsigned group;
    double peaks[GROUPS];
    VE_TRY(ve_model_get_info(model, &info));
    VE_TRY(open_subject(model, size, threads, &s));
    ve_status status = choose_group(s, runs, seconds, &group);
    double *times = status == VE_OK ? malloc((size_t)2 * GROUPS * group * sizeof *times) : NULL;
    if (status == VE_OK && !times)
        status = VE_ERR_MEMORY;
    if (status == VE_OK)
        status = time_groups(s, group, info.kernels, times, times + GROUPS * group, peaks);
    if (status == VE_OK) {
        l->wall = spread_of(times, (size_t)GROUPS * group);
        l->cpu = spread_of(times + GROUPS * group, (size_t)GROUPS * group);
        l->peak_one = spread_of(peaks, GROUPS);
        l->peak_threads = threads == 1 ? l->peak_one.median : limits_flops_together(info.kernels, threads);
        status = time_picture(s, &l->picture);
    }
    free(times);
    close_subject(s);
    return status;
}

/* ---- several pictures at once: a session and a thread for each that is being worked on */

typedef struct batch_worker {
    subject *subject;
    unsigned pictures;
    ve_status status;
} batch_worker;

static void *work_off(void *data)
{
    batch_worker *w = data;
    for (unsigned i = 0; i < w->pictures && w->status == VE_OK; i++)
        w->status = embed(w->subject);
    return NULL;
}

static ve_status run_batch(batch_worker *workers, unsigned threads, double *seconds)
{
    pthread_t ids[MAX_SESSIONS];
    unsigned started_count = 0;
    ve_status status = VE_OK;
    double started = time_wall();
    for (; started_count < threads; started_count++)
        if (pthread_create(&ids[started_count], NULL, work_off, &workers[started_count]) != 0) {
            status = ve__fail(VE_ERR_MEMORY, "no thread could be started");
            break;
        }
    for (unsigned i = 0; i < started_count; i++) {
        pthread_join(ids[i], NULL);
        if (workers[i].status != VE_OK)
            status = workers[i].status;
    }
    *seconds = time_wall() - started;
    return status;
}

ve_status measure_batch(const ve_model *model, unsigned size, unsigned threads, unsigned pictures,
                        batch_rate *b)
{
    batch_worker workers[MAX_SESSIONS];
    double rates[BATCH_REPEATS];
    ve_status status = VE_OK;
    memset(workers, 0, sizeof workers);
    if (threads > pictures)
        threads = pictures;
    for (unsigned i = 0; i < threads && status == VE_OK; i++) {
        workers[i].pictures = pictures * (i + 1) / threads - pictures * i / threads;
        status = open_subject(model, size, 1, &workers[i].subject);
    }
    for (unsigned i = 0; i < threads && status == VE_OK; i++)
        status = embed(workers[i].subject);
    for (unsigned r = 0; r < BATCH_REPEATS && status == VE_OK; r++) {
        double seconds;
        status = run_batch(workers, threads, &seconds);
        rates[r] = pictures / seconds;
    }
    for (unsigned i = 0; i < threads; i++)
        close_subject(workers[i].subject);
    if (status != VE_OK)
        return status;
    *b = (batch_rate){pictures, threads, spread_of(rates, BATCH_REPEATS).median};
    return VE_OK;
}

ve_status measure_sessions(const ve_model *model, unsigned size, unsigned cores, unsigned most,
                           batch_rate rates[SESSION_RATES])
{
    const unsigned counts[SESSION_RATES] = {1, cores, most};
    const unsigned pictures = 2 * most < 32 ? 32 : 2 * most; /* the same for all */
    for (unsigned i = 0; i < SESSION_RATES; i++)
        VE_TRY(measure_batch(model, size, counts[i], pictures, &rates[i]));
    return VE_OK;
}

/* ---- for minutes */

static ve_status run_window(subject *s, double *times, double *median, size_t *count)
{
    double started = time_wall();
    size_t i = 0;
    for (; time_wall() - started < WINDOW_SECONDS; i++) {
        double one = time_wall();
        VE_TRY(embed(s));
        times[i % MOST_IN_WINDOW] = time_wall() - one;
    }
    *count += i;
    *median = spread_of(times, i < MOST_IN_WINDOW ? i : MOST_IN_WINDOW).median;
    return VE_OK;
}

/* Energy of an embedding: from the counter where there is one, else from the power readings' mean. */
static double energy_of(const sustained *s, const health *before, size_t embeddings)
{
    const window *last = &s->windows[s->count - 1];
    double watts = 0;
    if (before->joules >= 0 && last->at_end.joules > before->joules)
        return (last->at_end.joules - before->joules) / (double)embeddings;
    for (size_t i = 0; i < s->count; i++) {
        if (s->windows[i].at_end.watts < 0)
            return -1;
        watts += s->windows[i].at_end.watts / (double)s->count;
    }
    return watts * last->seconds / (double)embeddings;
}

ve_status measure_sustained(const ve_model *model, unsigned size, unsigned threads, double minutes,
                            const char *root, sustained *s)
{
    size_t wanted = (size_t)ceil(minutes * 60 / WINDOW_SECONDS), embeddings = 0;
    subject *embedder;
    health before;
    double *times = malloc(MOST_IN_WINDOW * sizeof *times);
    s->windows = calloc(wanted, sizeof *s->windows);
    ve_status status = VE_ERR_MEMORY;
    if (times && s->windows)
        status = open_subject(model, size, threads, &embedder);
    if (status != VE_OK) {
        free(times);
        return status;
    }
    health_read(root, &before);
    double started = time_wall();
    for (s->count = 0; s->count < wanted && status == VE_OK; s->count++) {
        window *w = &s->windows[s->count];
        status = run_window(embedder, times, &w->median, &embeddings);
        health_read(root, &w->at_end);
        w->seconds = time_wall() - started;
        s->worst = fmax(s->worst, w->median);
    }
    close_subject(embedder);
    free(times);
    if (status != VE_OK)
        return status;
    s->first = s->windows[0].median;
    s->last = s->windows[s->count - 1].median;
    s->joules = energy_of(s, &before, embeddings);
    return VE_OK;
}
