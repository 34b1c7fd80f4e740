/* SPDX-License-Identifier: MIT */
/* The face detector alone.
 *
 *     bench_detect time DETECTOR [WIDTH HEIGHT [MIN_FACE]]     a frame of noise
 *     bench_detect picture DETECTOR PICTURE [MIN_FACE]         a picture in a frame of 320 x 240
 *     bench_detect find DETECTOR MIN_FACE MIN_SCORE            pictures on stdin, faces on stdout
 *
 * The first two print the CPU time of a frame, least and median of 30.
 *
 * find reads "WIDTH HEIGHT" and a newline, then that many RGB pixels, again and again, and answers with the
 * number of faces in one line and a line for each: score, left, top, right, bottom, five points.
 * tools/train/detector uses it. With BENCH_DETECT_ONCE in the environment there is no second look.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "face/detect.h"
#include "visembed.h"

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
    ve__detect_options options = {0, 0, getenv("BENCH_DETECT_ONCE") != NULL};
    return ve__detect_session_create(f->detector, f->pool, &options, &f->session);
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

static int time_frame(const finder *f, const ve__detect_request *request, const char *what)
{
    static ve__detection faces[VE__DETECT_MAX];
    double seconds[ROUNDS];
    unsigned count = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double begin = cpu_seconds();
        if (ve__detect(f->session, request, faces, VE__DETECT_MAX, &count) != VE_OK)
            return fail("detecting");
        seconds[i] = cpu_seconds() - begin;
    }
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    printf("%s, %u x %u, faces from %u pixels: %u found, least %.3f ms, median %.3f ms, session %.1f MB\n",
           what, request->width, request->height, request->min_face, count, 1e3 * seconds[0],
           1e3 * seconds[ROUNDS / 2], (double)ve__detect_session_bytes(f->session) / 1e6);
    return 0;
}

static int time_noise(const finder *f, uint32_t width, uint32_t height, uint32_t min_face)
{
    unsigned state = 1;
    size_t bytes = (size_t)3 * width * height;
    uint8_t *pixels = malloc(bytes);
    if (!pixels)
        return fail("no memory");
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    ve__detect_request request = {pixels, width, height, 0, min_face, 0.0f};
    int result = time_frame(f, &request, "noise");
    free(pixels);
    return result;
}

/* The picture in the middle of a gray frame of 320 x 240. */
static int time_picture(const finder *f, const char *path, uint32_t min_face)
{
    static uint8_t frame[3 * 320 * 240];
    ve_image *image = NULL;
    if (ve_image_load(path, &image) != VE_OK)
        return fail(path);
    uint32_t width = ve_image_width(image), height = ve_image_height(image);
    memset(frame, 128, sizeof frame);
    for (uint32_t y = 0; y < height && y < 240 && width <= 320; y++)
        memcpy(frame + 3 * (320 * (size_t)y + (320 - width) / 2),
               ve_image_pixels(image) + (size_t)3 * width * y, (size_t)3 * width);
    ve_image_free(image);
    ve__detect_request request = {frame, 320, 240, 0, min_face, 0.0f};
    return time_frame(f, &request, path);
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
                        "       bench_detect picture DETECTOR PICTURE [MIN_FACE]\n"
                        "       bench_detect find DETECTOR MIN_FACE MIN_SCORE\n");
        return 2;
    }
    if (open_finder(argv[2], &f) != VE_OK)
        return fail("opening");
    if (strcmp(argv[1], "find") == 0 && argc == 5)
        result = find_all(&f, (uint32_t)atoi(argv[3]), (float)atof(argv[4]));
    else if (strcmp(argv[1], "picture") == 0 && argc >= 4)
        result = time_picture(&f, argv[3], argc > 4 ? (uint32_t)atoi(argv[4]) : VE__DETECT_SMALLEST);
    else if (strcmp(argv[1], "time") == 0)
        result =
            time_noise(&f, argc > 4 ? (uint32_t)atoi(argv[3]) : 320, argc > 4 ? (uint32_t)atoi(argv[4]) : 240,
                       argc > 5 ? (uint32_t)atoi(argv[5]) : VE__DETECT_SMALLEST);
    close_finder(&f);
    return result;
}
