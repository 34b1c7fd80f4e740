/* SPDX-License-Identifier: MIT */
/*
 * The network against PyTorch: every weight file of tests/fixtures/exports.txt, on every kernel table that this
 * CPU has, for every input size of its reference: each stage's map and the embedding. One test for each weight
 * file. Results may not depend on the number of threads, nor on what ran before in the same memory (tried with
 * a case's main file; the others differ in the last step or in precision and get the small inputs only).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "net/net.h"
#include "support/fixture.h"
#include "support/reference.h"

#define FOLDER       "tests/fixtures"
#define MAX_EXPORTS  256
#define MOST_THREADS 3u
/* Inputs of at most so many pixels are run several times; more would take too long in an emulator. */
#define SMALL_PIXELS (112u * 112u)

/* A line of exports.txt. */
typedef struct export_line {
    char name[64], source[64];
    uint32_t kind;
    int is_main; /* what ve-export makes by itself; the other files of a case go through the same network */
    double least_cosine, largest_error; /* error: share of a map's maximum; negative: only the cosine counts */
} export_line;

/* One weight file on one kernel table. */
typedef struct subject {
    const export_line *line;
    const char *isa;
    ve__net *net;
} subject;

/* What the observer compares with, and what it saw. */
typedef struct comparison {
    const subject *subject;
    const reference_input *expected;
    int maps_seen;
    uint32_t crc; /* of all maps */
} comparison;

static void fail_at(const subject *s, const reference_input *input, const char *what, double got, double limit)
{
    fail_msg("%s, %s kernels, input %ux%u: %s is %.9g, the limit is %g", s->line->name, s->isa, input->width,
             input->height, what, got, limit);
}

/* The larger error; what is no number counts as infinite. */
static double worse(double worst, double error)
{
    if (isnan(error))
        return INFINITY;
    return error > worst ? error : worst;
}

/* The largest difference of the map's kept values as a share of the map's maximum. */
static double map_error(const reference_map *expected, int is_whole, const float *map, size_t row_stride,
                        size_t pixel_stride)
{
    double worst = 0;
    size_t index = 0, kept = 0;
    for (uint32_t y = 0; y < expected->height; y++)
        for (uint32_t x = 0; x < expected->width; x++)
            for (uint32_t c = 0; c < expected->channels; c++, index++) {
                if (!reference_keeps(expected, is_whole, index))
                    continue;
                assert_true(kept < expected->count);
                float value = map[(y * row_stride + x) * pixel_stride + c];
                worst = worse(worst, fabs((double)value - (double)expected->samples[kept++]));
            }
    assert_int_equal(kept, expected->count);
    return worst / (double)expected->max;
}

static uint32_t map_crc(uint32_t crc, const reference_map *shape, const float *map, size_t row_stride,
                        size_t pixel_stride)
{
    for (uint32_t y = 0; y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x++)
            crc = ve__crc32c(crc, map + (y * row_stride + x) * pixel_stride, shape->channels * sizeof *map);
    return crc;
}

static void observe(void *data, int stage, const float *map, uint32_t height, uint32_t width, uint32_t channels,
                    size_t row_stride, size_t pixel_stride)
{
    comparison *c = data;
    const reference_map *expected = &c->expected->maps[stage + 1];
    char what[32];
    assert_int_equal(stage, c->maps_seen - 1);
    assert_int_equal(height, expected->height);
    assert_int_equal(width, expected->width);
    assert_int_equal(channels, expected->channels);
    c->maps_seen++;
    c->crc = map_crc(c->crc, expected, map, row_stride, pixel_stride);

    double limit = c->subject->line->largest_error;
    double error = map_error(expected, c->expected->is_whole, map, row_stride, pixel_stride);
    snprintf(what, sizeof what, "the error after stage %d", stage);
    if (limit >= 0 && !(error <= limit))
        fail_at(c->subject, c->expected, what, error, limit);
}

static void check_embedding(const subject *s, const reference_input *input, const float *got)
{
    const reference_embedding *expected = &input->embeddings[s->line->kind - 1];
    double dot = 0, squares_got = 0, squares_expected = 0, worst = 0, largest = 0;
    for (uint32_t i = 0; i < expected->dim; i++) {
        double a = (double)got[i], b = (double)expected->values[i];
        dot += a * b;
        squares_got += a * a;
        squares_expected += b * b;
        worst = worse(worst, fabs(a - b));
        largest = fmax(largest, fabs(b));
    }
    double cosine = dot / sqrt(squares_got * squares_expected);
    if (!(cosine >= s->line->least_cosine))
        fail_at(s, input, "the embedding's cosine", cosine, s->line->least_cosine);
    if (s->line->largest_error >= 0 && !(worst / largest <= s->line->largest_error))
        fail_at(s, input, "the embedding's error", worst / largest, s->line->largest_error);
}

static void fill(const reference_input *input, float *pixels)
{
    for (uint32_t y = 0; y < input->height; y++)
        for (uint32_t x = 0; x < input->width; x++)
            for (uint32_t c = 0; c < 3; c++)
                pixels[((size_t)y * input->width + x) * 3 + c] =
                    reference_pixel(input->width, input->height, c, y, x);
}

/* Embeds something quite different, so that leftovers of it would show. */
static void soil(ve__run *run, const reference_input *input, float *embedding)
{
    float *pixels = ve__run_input(run);
    for (size_t i = 0; i < (size_t)3 * input->width * input->height; i++)
        pixels[i] = i % 5 ? -30.0f : 1e4f;
    ve__run_observe(run, NULL, NULL);
    ve__run_embed(run, embedding);
}

/* Compares one run with PyTorch and returns the maps' checksum; embedding: VE_MAX_DIM floats. */
static uint32_t check_run(const subject *s, const reference_input *input, unsigned threads, int after_soiling,
                          float *embedding)
{
    ve__pool *pool = NULL;
    ve__run *run = NULL;
    comparison c = {s, input, 0, 0};
    assert_int_equal(ve__pool_create(threads, &pool), VE_OK);
    assert_int_equal(ve__run_create(s->net, pool, input->width, input->height, &run), VE_OK);
    if (after_soiling)
        soil(run, input, embedding);
    fill(input, ve__run_input(run));
    ve__run_observe(run, observe, &c);
    ve__run_embed(run, embedding);
    assert_int_equal(c.maps_seen, REFERENCE_MAPS);
    check_embedding(s, input, embedding);
    ve__run_free(run);
    ve__pool_free(pool);
    return c.crc;
}

/* The same bits from any number of threads, in memory that was used before. */
static void check_repeats(const subject *s, const reference_input *input)
{
    static float first[VE_MAX_DIM], again[VE_MAX_DIM];
    uint32_t crc = check_run(s, input, 1, 0, first);
    for (unsigned threads = 2; threads <= MOST_THREADS; threads++) {
        memset(again, 0xff, sizeof again);
        uint32_t crc_again = check_run(s, input, threads, 1, again);
        if (!same_bits_for_any_thread_count())
            continue; /* check_run has compared with PyTorch */
        if (crc_again != crc || memcmp(first, again, ve__net_dim(s->net) * sizeof *first) != 0)
            fail_msg("%s, %s kernels, input %ux%u: another result with %u threads in used memory",
                     s->line->name, s->isa, input->width, input->height, threads);
    }
}

static void check_input(const subject *s, const reference_input *input)
{
    static float embedding[VE_MAX_DIM];
    int is_small = input->width * input->height <= SMALL_PIXELS;
    assert_int_equal(ve__net_dim(s->net), input->embeddings[s->line->kind - 1].dim);
    if (s->line->is_main && is_small)
        check_repeats(s, input);
    else if (s->line->is_main || is_small)
        check_run(s, input, 2, 0, embedding);
}

static void check_table(const export_line *line, const reference *expected, const ve__weights *weights,
                        const ve__kernels *kernels)
{
    subject s = {line, kernels->name, NULL};
    size_t length = strlen(line->name);
    int is_i8 = length > 3 && strcmp(line->name + length - 3, ".i8") == 0;
    if (ve__net_create(weights, kernels, is_i8 ? VE__PRECISION_I8 : VE__PRECISION_F32, &s.net) != VE_OK)
        fail_msg("%s, %s kernels: %s", line->name, kernels->name, ve_last_error());
    for (size_t i = 0; i < expected->count; i++)
        check_input(&s, &expected->inputs[i]);
    ve__net_free(s.net);
}

static void test_parity(void **state)
{
    const export_line *line = *state;
    const char *made = getenv("VE_TEST_FIXTURES");
    char path[1024];
    reference expected;
    ve__weights *weights = NULL;
    const ve__kernels *kernels;
    snprintf(path, sizeof path, "%s/%s.vew", made ? made : VE_TEST_FIXTURES_DIR, line->name);
    assert_true(reference_read(FOLDER, line->source, &expected));
    if (ve__weights_open(path, &weights) != VE_OK)
        fail_msg("%s: %s", path, ve_last_error());
    assert_int_equal(ve__weights_arch(weights)->embedding_kind, line->kind);
    for (unsigned i = 0; (kernels = ve__kernels_available(i)) != NULL; i++)
        check_table(line, &expected, weights, kernels);
    ve__weights_close(weights);
    reference_free(&expected);
}

static int read_export(const char *text, export_line *line)
{
    char kind[16], error[16];
    if (sscanf(text, "%63s %63s %15s %lf %15s", line->name, line->source, kind, &line->least_cosine, error) !=
        5)
        return 0;
    line->kind = reference_kind(kind);
    line->is_main = strcmp(line->name, line->source) == 0;
    line->largest_error = strcmp(error, "-") == 0 ? -1 : strtod(error, NULL);
    return line->kind != 0 && line->largest_error != 0;
}

/* Lines read, or 0 when one is wrong. */
static size_t read_exports(export_line *lines)
{
    char text[256];
    size_t count = 0;
    FILE *file = fopen(FOLDER "/exports.txt", "r");
    if (!file)
        return 0;
    while (fgets(text, sizeof text, file)) {
        if (count == MAX_EXPORTS || !read_export(text, &lines[count])) {
            count = 0;
            break;
        }
        count++;
    }
    fclose(file);
    return count;
}

int main(void)
{
    static export_line lines[MAX_EXPORTS];
    static struct CMUnitTest tests[MAX_EXPORTS];
    size_t count = read_exports(lines);
    if (count == 0) {
        fprintf(stderr, "%s/exports.txt: missing or wrong (run from the repository's root)\n", FOLDER);
        return 1;
    }
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){lines[i].name, test_parity, NULL, NULL, &lines[i]};
    return _cmocka_run_group_tests("parity", tests, count, NULL, NULL);
}
