/* SPDX-License-Identifier: MIT */
/* The face detector alone.
 *
 *     bench_detect time DETECTOR [WIDTH HEIGHT [MIN_FACE]]     CPU time of a frame of noise, least and median
 * of 30 bench_detect find DETECTOR MIN_FACE MIN_SCORE            pictures on stdin, faces on stdout
 *
 * find reads "WIDTH HEIGHT" and a newline, then that many RGB pixels, again and again, and answers with the
 * number of faces in one line and a line for each: score, left, top, right, bottom, five points.
 * tools/train/detector uses it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face/detect.h"

#define ROUNDS 30

typedef struct finder {
    ve__detector *detector;
    ve__pool *pool;
    ve__detect_session *session;
} finder;

static int fail(const char *what)
{
    fprintf(stderr, "bench_detect: %s: %s\n", what, ve_last_error());
    return 1;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ve_status open_finder(const char *path, finder *f)
{
    VE_TRY(ve__detector_open(path, &f->detector));
    VE_TRY(ve__pool_create(1, &f->pool));
    return ve__detect_session_create(f->detector, f->pool, NULL, &f->session);
}

static void close_finder(finder *f)
{
    ve__detect_session_free(f->session);
    ve__pool_free(f->pool);
    ve__detector_close(f->detector);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int time_frames(const finder *f, uint32_t width, uint32_t height, uint32_t min_face)
{
    static ve__detection faces[VE__DETECT_MAX];
    double seconds[ROUNDS];
    unsigned count, state = 1;
    size_t bytes = (size_t)3 * width * height;
    uint8_t *pixels = malloc(bytes);
    if (!pixels)
        return fail("no memory");
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    ve__detect_request request = {pixels, width, height, 0, min_face, 0.0f};
    for (unsigned i = 0; i < ROUNDS; i++) {
        double begin = cpu_seconds();
        if (ve__detect(f->session, &request, faces, VE__DETECT_MAX, &count) != VE_OK)
            return fail("detecting");
        seconds[i] = cpu_seconds() - begin;
    }
    free(pixels);
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    printf("%u x %u, faces from %u pixels: least %.3f ms, median %.3f ms, session %.1f MB\n", width, height,
           min_face, 1e3 * seconds[0], 1e3 * seconds[ROUNDS / 2],
           (double)ve__detect_session_bytes(f->session) / 1e6);
    return 0;
}

static void print_faces(const ve__detection *faces, unsigned count)
{
    printf("%u\n", count);
    for (unsigned i = 0; i < count; i++) {
        const ve__detection *d = &faces[i];
        printf("%.4f %.2f %.2f %.2f %.2f", (double)d->score, (double)d->left, (double)d->top, (double)d->right,
               (double)d->bottom);
        for (unsigned k = 0; k < VE__FACE_POINTS; k++)
            printf(" %.2f %.2f", (double)d->points[k][0], (double)d->points[k][1]);
        printf("\n");
    }
    fflush(stdout);
}

static int find_all(const finder *f, uint32_t min_face, float min_score)
{
    static ve__detection faces[VE__DETECT_MAX];
    unsigned width, height, count;
    while (scanf("%u %u", &width, &height) == 2 && getchar() == '\n') {
        size_t bytes = (size_t)3 * width * height;
        uint8_t *pixels = malloc(bytes);
        if (!pixels || fread(pixels, 1, bytes, stdin) != bytes)
            return fail("a picture that ends too early");
        ve__detect_request request = {pixels, width, height, 0, min_face, min_score};
        if (ve__detect(f->session, &request, faces, VE__DETECT_MAX, &count) != VE_OK)
            return fail("detecting");
        print_faces(faces, count);
        free(pixels);
    }
    return 0;
}

int main(int argc, char **argv)
{
    finder f = {NULL, NULL, NULL};
    int result = 2;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_detect time DETECTOR [WIDTH HEIGHT [MIN_FACE]]\n"
                        "       bench_detect find DETECTOR MIN_FACE MIN_SCORE\n");
        return 2;
    }
    if (open_finder(argv[2], &f) != VE_OK)
        return fail("opening");
    if (strcmp(argv[1], "find") == 0 && argc == 5)
        result = find_all(&f, (uint32_t)atoi(argv[3]), (float)atof(argv[4]));
    else if (strcmp(argv[1], "time") == 0)
        result =
            time_frames(&f, argc > 4 ? (uint32_t)atoi(argv[3]) : 320, argc > 4 ? (uint32_t)atoi(argv[4]) : 240,
                        argc > 5 ? (uint32_t)atoi(argv[5]) : VE__DETECT_SMALLEST);
    close_finder(&f);
    return result;
}
