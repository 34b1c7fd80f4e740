/* SPDX-License-Identifier: MIT */
/* Cold starts: the program is started anew, and says when it had the model, the session, and two embeddings.
 * The weight file is in the system's page cache all the while, as it is on a machine that embeds now and then.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"
#include "measure.h"

#define COLD_RUNS 9
enum { AT_OPEN, AT_SESSION, AT_FIRST, AT_SECOND, MOMENTS };

/* wait4 is what tells one child's memory from another's; it is not in POSIX. */
extern pid_t wait4(pid_t child, int *status, int options, struct rusage *usage);

static int fail_child(void)
{
    fprintf(stderr, "ve-bench: cold start: %s\n", ve_last_error());
    return 2;
}

int cold_start_child(const char *model_path, int is_i8, unsigned size, unsigned threads)
{
    static float embedding[VE_MAX_DIM];
    double at[MOMENTS];
    ve_model_options model_options = VE_MODEL_OPTIONS_INIT;
    ve_model *model;
    ve_session *session;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    model_options.precision = is_i8 ? VE_PRECISION_I8 : VE_PRECISION_BEST;
    options.width = options.height = size;
    options.threads = threads;
    if (ve_model_open(model_path, &model_options, &model) != VE_OK)
        return fail_child();
    at[AT_OPEN] = time_wall();
    if (ve_session_create(model, &options, &session) != VE_OK)
        return fail_child();
    at[AT_SESSION] = time_wall();
    float *tensor = malloc((size_t)3 * size * size * sizeof *tensor);
    if (!tensor)
        return fail_child();
    for (size_t i = 0; i < (size_t)3 * size * size; i++)
        tensor[i] = (float)(i % 256) / 128.0f - 1.0f;
    double made = time_wall() - at[AT_SESSION]; /* the input's making is not the library's */
    for (int i = AT_FIRST; i <= AT_SECOND; i++) {
        if (ve_embed_tensor(session, tensor, embedding) != VE_OK)
            return fail_child();
        at[i] = time_wall() - made;
    }
    free(tensor);
    ve_session_free(session);
    ve_model_close(model);
    printf("%.9f %.9f %.9f %.9f\n", at[AT_OPEN], at[AT_SESSION], at[AT_FIRST], at[AT_SECOND]);
    return 0;
}

/* Becomes the child program. */
static void exec_child(const char *path, int is_i8, unsigned size, unsigned threads, int out)
{
    char size_text[16], threads_text[16];
    snprintf(size_text, sizeof size_text, "%u", size);
    snprintf(threads_text, sizeof threads_text, "%u", threads);
    if (dup2(out, STDOUT_FILENO) >= 0)
        execl("/proc/self/exe", "ve-bench", "--cold-child", "--model", path, "--size", size_text, "--threads",
              threads_text, is_i8 ? "--precision" : NULL, "i8", (char *)NULL);
    _exit(127);
}

static ve_status start_once(const char *path, int is_i8, unsigned size, unsigned threads, double at[MOMENTS],
                            double *rss)
{
    int ends[2], exit_status;
    struct rusage usage;
    if (pipe(ends) != 0)
        return ve__fail_errno("no pipe", "for a cold start");
    double started = time_wall();
    pid_t child = fork();
    if (child == 0)
        exec_child(path, is_i8, size, threads, ends[1]);
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    int count = in && child > 0 ? fscanf(in, "%lf %lf %lf %lf", &at[0], &at[1], &at[2], &at[3]) : 0;
    if (in)
        fclose(in);
    if (child < 0 || wait4(child, &exit_status, 0, &usage) != child || exit_status != 0 || count != MOMENTS)
        return ve__fail(VE_ERR_STATE, "a cold start did not finish");
    for (int i = 0; i < MOMENTS; i++)
        at[i] -= started;
    *rss = (double)usage.ru_maxrss / 1024; /* Linux counts KiB */
    return VE_OK;
}

ve_status measure_cold_start(const char *model_path, int is_i8, unsigned size, unsigned threads, cold_start *c)
{
    double parts[MOMENTS][COLD_RUNS], totals[COLD_RUNS], rss[COLD_RUNS];
    for (int i = 0; i < COLD_RUNS; i++) {
        double at[MOMENTS];
        VE_TRY(start_once(model_path, is_i8, size, threads, at, &rss[i]));
        for (int m = 0; m < MOMENTS; m++)
            parts[m][i] = m == 0 ? at[0] : at[m] - at[m - 1];
        totals[i] = at[AT_FIRST];
    }
    c->runs = COLD_RUNS;
    c->open = spread_of(parts[AT_OPEN], COLD_RUNS).median;
    c->session = spread_of(parts[AT_SESSION], COLD_RUNS).median;
    c->first = spread_of(parts[AT_FIRST], COLD_RUNS).median;
    c->second = spread_of(parts[AT_SECOND], COLD_RUNS).median;
    c->total = spread_of(totals, COLD_RUNS).median;
    c->peak_rss_mib = spread_of(rss, COLD_RUNS).max;
    return VE_OK;
}
