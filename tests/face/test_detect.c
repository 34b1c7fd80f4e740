/* SPDX-License-Identifier: MIT */
/* The detector: its maps are PyTorch's, whichever kernels compute them; candidates become faces by the rules;
 * any picture can be looked at, by tiles or at once, without an allocation. The network is a small one of
 * random weights (tests/fixtures/detector, made by tools/train/detector/make_fixture.py): it finds nothing in
 * particular, but the same wherever it looks. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "face/detect_internal.h"
#include "support/npy.h"
#include "support/random.h"
#include "support/vew_file.h"

#define FIXTURE "tests/fixtures/detector/"
#define WIDTH   96u
#define HEIGHT  64u

/* Byte i of the fixture's picture. */
static uint8_t picture_byte(size_t i)
{
    return (uint8_t)((uint32_t)((uint32_t)(i + 1) * 2654435761u) >> 24);
}

static ve__net *open_net(const ve__kernels *kernels)
{
    ve__weights *weights = NULL;
    ve__net *net = NULL;
    assert_int_equal(ve__weights_open(FIXTURE "detector.vew", &weights), VE_OK);
    assert_int_equal(ve__weights_arch(weights)->map_outputs, VE__DETECT_OUTPUTS);
    assert_int_equal(ve__net_create(weights, kernels, VE__PRECISION_F32, &net), VE_OK);
    ve__weights_close(weights);
    return net;
}

static void fill_input(ve__run *run)
{
    float *input = ve__run_input(run);
    for (size_t i = 0; i < (size_t)3 * WIDTH * HEIGHT; i++)
        input[i] = (float)picture_byte(i) / 127.5f - 1.0f;
}

/* All maps, cell after cell. */
static void copy_maps(const ve__run *run, float *out)
{
    for (unsigned s = 1; s < VE__STAGES; s++) {
        ve__output_map map = ve__run_map(run, s);
        assert_int_equal(map.width, WIDTH >> (s + 2));
        assert_int_equal(map.height, HEIGHT >> (s + 2));
        for (size_t i = 0; i < (size_t)map.width * map.height; i++, out += VE__DETECT_OUTPUTS)
            memcpy(out, map.values + i * map.pixel_stride, VE__DETECT_OUTPUTS * sizeof *out);
    }
}

#define CELLS  (12u * 8u + 6u * 4u + 3u * 2u)
#define VALUES (CELLS * VE__DETECT_OUTPUTS)

static void maps_are_pytorchs(void **state)
{
    (void)state;
    const ve__kernels *kernels;
    size_t count = 0;
    float *expected = npy_read(FIXTURE "maps.npy", &count), got[VALUES];
    assert_non_null(expected);
    assert_int_equal(count, VALUES);
    for (unsigned k = 0; (kernels = ve__kernels_available(k)) != NULL; k++) {
        ve__net *net = open_net(kernels);
        ve__pool *pool = NULL;
        ve__run *run = NULL;
        assert_int_equal(ve__pool_create(1 + k, &pool), VE_OK);
        assert_int_equal(ve__run_create(net, pool, WIDTH, HEIGHT, &run), VE_OK);
        fill_input(run);
        ve__run_maps(run);
        copy_maps(run, got);
        for (size_t i = 0; i < VALUES; i++)
            if (!(fabsf(got[i] - expected[i]) <= 1e-4f * (1.0f + fabsf(expected[i]))))
                fail_msg("%s: value %zu is %g, PyTorch says %g", kernels->name, i, (double)got[i],
                         (double)expected[i]);
        ve__run_free(run);
        ve__pool_free(pool);
        ve__net_free(net);
    }
    free(expected);
}

/* A run made for a larger input gives, once shaped, the bits of one made for this size; sizes that do not fit
 * are refused and leave it as it was. */
static void shaped_run_gives_same_bits(void **state)
{
    (void)state;
    const ve__kernels *kernels;
    float first[VALUES], second[VALUES];
    ve__pool *pool = NULL;
    ve__run *small = NULL, *large = NULL;
    assert_int_equal(ve__kernels_select(&kernels), VE_OK);
    ve__net *net = open_net(kernels);
    assert_int_equal(ve__pool_create(2, &pool), VE_OK);
    assert_int_equal(ve__run_create(net, pool, WIDTH, HEIGHT, &small), VE_OK);
    assert_int_equal(ve__run_create(net, pool, 160, 224, &large), VE_OK);
    fill_input(small);
    ve__run_maps(small);
    copy_maps(small, first);
    for (size_t i = 0; i < 3 * 160 * 224; i++)
        ve__run_input(large)[i] = 7.0f;
    ve__run_maps(large);
    size_t bytes = ve__run_bytes(large);
    assert_int_equal(ve__run_shape(large, 192, 32), VE_ERR_ARGUMENT);
    assert_int_equal(ve__run_shape(large, 31, 64), VE_ERR_ARGUMENT);
    assert_int_equal(ve__run_map(large, 1).width, 20);
    assert_int_equal(ve__run_shape(large, WIDTH, HEIGHT), VE_OK);
    fill_input(large);
    ve__run_maps(large);
    copy_maps(large, second);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(ve__run_bytes(large), bytes);
    ve__run_free(small);
    ve__run_free(large);
    ve__pool_free(pool);
    ve__net_free(net);
}

/* ---- candidates */

static ve__detection face_at(float score, float left, float top, float side)
{
    ve__detection d = {.score = score, .left = left, .top = top, .right = left + side, .bottom = top + side};
    for (unsigned i = 0; i < VE__FACE_POINTS; i++) {
        d.points[i][0] = left + side * 0.2f * (float)(i + 1);
        d.points[i][1] = top + side * 0.1f * (float)(i + 1);
    }
    return d;
}

static void overlapping_candidates_become_one_face(void **state)
{
    (void)state;
    ve__detection faces[8], list[8] = {
                                face_at(0.6f, 100, 100, 40), /* alone */
                                face_at(0.9f, 10, 10, 40),   /* one face with the next two */
                                face_at(0.3f, 14, 10, 40),   /* 36/44 of the union: takes part in the mean */
                                face_at(0.8f, 26, 10, 40),   /* 24/56: goes without taking part */
                                face_at(0.5f, 20, 20, 15),   /* a piece, within */
                                face_at(0.7f, 200, 10, 10),  /* too small */
                            };
    ve__candidates found = {list, 6, 0};
    unsigned count = ve__detect_merge(&found, 15.0f, faces, 8);
    assert_int_equal(count, 2);
    assert_float_equal(faces[0].score, 0.9f, 0);
    assert_float_equal(faces[0].left, (0.9f * 10 + 0.3f * 14) / 1.2f, 1e-4f);
    assert_float_equal(faces[0].right, (0.9f * 50 + 0.3f * 54) / 1.2f, 1e-4f);
    assert_float_equal(faces[0].top, 10, 1e-4f);
    assert_float_equal(faces[0].points[4][0], (0.9f * 50 + 0.3f * 54) / 1.2f, 1e-4f);
    assert_float_equal(faces[0].points[4][1], 30, 1e-4f);
    assert_float_equal(faces[1].score, 0.6f, 0);
    assert_float_equal(faces[1].left, 100, 1e-4f);
}

static void best_faces_come_first_and_no_more_than_asked(void **state)
{
    (void)state;
    ve__detection faces[3], list[5];
    const float scores[] = {0.5f, 0.9f, 0.6f, 0.8f, 0.7f};
    for (unsigned i = 0; i < 5; i++)
        list[i] = face_at(scores[i], 100.0f * (float)i, 0, 50);
    ve__candidates found = {list, 5, 0};
    assert_int_equal(ve__detect_merge(&found, 0, faces, 3), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_float_equal(faces[i].score, 0.9f - 0.1f * (float)i, 1e-6f);
}

/* What ve__detect_collect says of a whole picture, cell by cell from the maps that PyTorch gave. */
static void cells_are_decoded(void **state)
{
    (void)state;
    const ve__kernels *kernels;
    static ve__detection list[VE__CANDIDATES];
    ve__candidates found = {list, 0, 0};
    ve__pool *pool = NULL;
    ve__run *run = NULL;
    size_t count = 0, at = 0, wanted = 0;
    float *o = npy_read(FIXTURE "maps.npy", &count);
    ve__tile tile = {8, 4, WIDTH, HEIGHT, -INFINITY, 16, 70, INFINITY, 2.0, 3.0};
    assert_non_null(o);
    assert_int_equal(ve__kernels_select(&kernels), VE_OK);
    ve__net *net = open_net(kernels);
    assert_int_equal(ve__pool_create(1, &pool), VE_OK);
    assert_int_equal(ve__run_create(net, pool, WIDTH, HEIGHT, &run), VE_OK);
    fill_input(run);
    ve__run_maps(run);
    ve__detect_collect(run, &tile, 0.01f, &found);
    for (unsigned stride = 8; stride <= 32; stride *= 2)
        for (unsigned y = 0; y < HEIGHT / stride; y++)
            for (unsigned x = 0; x < WIDTH / stride; x++, at += VE__DETECT_OUTPUTS) {
                double s = stride, score = 1 / (1 + exp(-(double)o[at]));
                double cx = (x + 0.5) * s + s * o[at + 1], cy = (y + 0.5) * s + s * o[at + 2];
                if (score < 0.01 || cx >= 70 || cy < 16)
                    continue;
                assert_true(wanted < found.count);
                const ve__detection *d = &list[wanted++];
                assert_float_equal(d->score, (float)score, 1e-4f);
                assert_float_equal(d->left, (float)(2 * (8 + cx - 2 * s * exp((double)o[at + 3]))), 0.1f);
                assert_float_equal(d->right, (float)(2 * (8 + cx + 2 * s * exp((double)o[at + 3]))), 0.1f);
                assert_float_equal(d->top, (float)(3 * (4 + cy - 2 * s * exp((double)o[at + 4]))), 0.1f);
                assert_float_equal(d->bottom, (float)(3 * (4 + cy + 2 * s * exp((double)o[at + 4]))), 0.1f);
                for (unsigned i = 0; i < VE__FACE_POINTS; i++) {
                    assert_float_equal(d->points[i][0],
                                       (float)(2 * (8 + (x + 0.5) * s + 2 * s * o[at + 5 + 2 * i])), 0.1f);
                    assert_float_equal(d->points[i][1],
                                       (float)(3 * (4 + (y + 0.5) * s + 2 * s * o[at + 6 + 2 * i])), 0.1f);
                }
            }
    assert_true(wanted > 10);
    assert_int_equal(found.count, wanted);
    ve__run_free(run);
    ve__pool_free(pool);
    ve__net_free(net);
    free(o);
}

/* ---- pictures */

typedef struct finder {
    ve__detector *detector;
    ve__pool *pool;
    ve__detect_session *session;
} finder;

static finder open_finder(unsigned threads, uint32_t width, uint32_t height)
{
    finder f = {NULL, NULL, NULL};
    ve__detect_options options = {width, height, 0};
    assert_int_equal(ve__detector_open(FIXTURE "detector.vew", &f.detector), VE_OK);
    assert_int_equal(ve__pool_create(threads, &f.pool), VE_OK);
    assert_int_equal(ve__detect_session_create(f.detector, f.pool, &options, &f.session), VE_OK);
    return f;
}

static void close_finder(finder *f)
{
    ve__detect_session_free(f->session);
    ve__pool_free(f->pool);
    ve__detector_close(f->detector);
}

static uint8_t *noise(size_t bytes)
{
    random_source source = {9};
    uint8_t *pixels = malloc(bytes);
    assert_non_null(pixels);
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)random_next(&source);
    return pixels;
}

static void all_sizes_without_allocations(void **state)
{
    (void)state;
    static const uint32_t sizes[][3] = {{1, 1, 0},     {1, 300, 20},   {3, 2, 500},     {31, 33, 20},
                                        {160, 160, 1}, {161, 500, 20}, {1000, 700, 30}, {32768, 1, 100},
                                        {2, 32768, 0}, {640, 481, 640}};
    finder f = open_finder(1, 160, 192);
    uint8_t *pixels = noise(3 * 1000 * 1000);
    static ve__detection faces[VE__DETECT_MAX];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned count = 9999;
        ve__detect_request r = {pixels, sizes[i][0], sizes[i][1], 0, sizes[i][2], 0.001f};
        ve__allocate_fail_after(0);
        assert_int_equal(ve__detect(f.session, &r, faces, VE__DETECT_MAX, &count), VE_OK);
        ve__allocate_fail_after(-1);
        assert_in_range(count, 0, VE__DETECT_MAX);
        for (unsigned k = 1; k < count; k++)
            assert_true(faces[k].score <= faces[k - 1].score);
    }
    free(pixels);
    close_finder(&f);
}

/* The same picture in wider rows, and by more threads, has the same faces to the bit. */
static void stride_and_threads_change_nothing(void **state)
{
    (void)state;
    finder one = open_finder(1, 0, 0), three = open_finder(3, 0, 0);
    static ve__detection first[VE__DETECT_MAX], second[VE__DETECT_MAX];
    unsigned first_count = 0, second_count = 0;
    uint8_t *pixels = noise(3 * 200 * 150), *wide = noise(700 * 150);
    for (size_t y = 0; y < 150; y++)
        memcpy(wide + 700 * y, pixels + 600 * y, 600);
    ve__detect_request r = {pixels, 200, 150, 0, 0, 0.001f}, w = {wide, 200, 150, 700, 0, 0.001f};
    assert_int_equal(ve__detect(one.session, &r, first, VE__DETECT_MAX, &first_count), VE_OK);
    assert_int_equal(ve__detect(three.session, &w, second, VE__DETECT_MAX, &second_count), VE_OK);
    assert_true(first_count > 0);
    assert_int_equal(first_count, second_count);
    assert_memory_equal(first, second, first_count * sizeof *first);
    free(pixels);
    free(wide);
    close_finder(&one);
    close_finder(&three);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    finder f = open_finder(1, 160, 160);
    uint8_t pixels[3 * 4 * 4] = {0};
    ve__detection face;
    unsigned count = 77;
    ve__detect_request r = {NULL, 4, 4, 0, 0, 0};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_ARGUMENT);
    r = (ve__detect_request){pixels, 0, 4, 0, 0, 0};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_ARGUMENT);
    r = (ve__detect_request){pixels, 4, 4, 11, 0, 0};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_ARGUMENT);
    r = (ve__detect_request){pixels, 4, 4, 0, 0, 1.0f};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_ARGUMENT);
    r = (ve__detect_request){pixels, 4, 4, 0, 0, NAN};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_ARGUMENT);
    r = (ve__detect_request){pixels, VE_MAX_IMAGE_SIDE + 1, 4, 0, 0, 0};
    assert_int_equal(ve__detect(f.session, &r, &face, 1, &count), VE_ERR_TOO_LARGE);
    assert_int_equal(count, 77);
    ve__detect_session *session = NULL;
    const ve__detect_options bad[] = {{100, 160, 0}, {160, 1056, 0}, {161, 160, 0}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ve__detect_session_create(f.detector, f.pool, &bad[i], &session), VE_ERR_ARGUMENT);
    assert_null(session);
    close_finder(&f);
}

/* ---- files */

static ve_status open_made(const ve__description *about, ve__detector **detector)
{
    vew_file file = vew_file_make(about, VE__TYPE_F16, NULL, 0);
    ve_status status = ve__detector_open_memory(file.bytes, file.size, detector);
    free(file.bytes);
    return status;
}

static void only_detectors_are_opened(void **state)
{
    (void)state;
    ve__description about = vew_file_about();
    ve__detector *detector = NULL;
    assert_int_equal(open_made(&about, &detector), VE_ERR_UNSUPPORTED);
    about.arch.stem_patch = 4;
    about.arch.map_outputs = VE__DETECT_OUTPUTS;
    assert_int_equal(open_made(&about, &detector), VE_ERR_FORMAT); /* maps and a final norm */
    about.arch.final = VE__FINAL_POOL;
    about.arch.embedding_kind = VE_EMBEDDING_POOLED;
    assert_int_equal(open_made(&about, &detector), VE_OK);
    assert_int_equal(strlen(ve__detector_fingerprint(detector)), 64);
    ve__detector_close(detector);
    detector = NULL;
    about.arch.map_outputs = 14;
    assert_int_equal(open_made(&about, &detector), VE_ERR_UNSUPPORTED);
    about.arch.map_outputs = VE__MAX_MAP_OUTPUTS + 1;
    assert_int_equal(open_made(&about, &detector), VE_ERR_FORMAT);
    about.arch.map_outputs = VE__DETECT_OUTPUTS;
    about.arch.stem_patch = 2;
    assert_int_equal(open_made(&about, &detector), VE_ERR_UNSUPPORTED);
    assert_int_equal(ve__detector_open("/nowhere/face.vew", &detector), VE_ERR_NOT_FOUND);
    assert_null(detector);
}

static void a_detector_is_no_embedder(void **state)
{
    (void)state;
    ve_model *model = NULL;
    assert_int_equal(ve_model_open(FIXTURE "detector.vew", NULL, &model), VE_ERR_UNSUPPORTED);
    assert_null(model);
}

/* Every allocation of opening and of making a session may fail. */
static void failing_allocations_leave_nothing(void **state)
{
    (void)state;
    ve__pool *pool = NULL;
    assert_int_equal(ve__pool_create(1, &pool), VE_OK);
    unsigned failures = 0;
    for (long n = 0;; n++) {
        ve__detector *detector = NULL;
        ve__detect_session *session = NULL;
        ve__allocate_fail_after(n);
        ve_status status = ve__detector_open(FIXTURE "detector.vew", &detector);
        if (status == VE_OK)
            status = ve__detect_session_create(detector, pool, NULL, &session);
        ve__allocate_fail_after(-1);
        ve__detect_session_free(session);
        ve__detector_close(detector);
        if (status == VE_OK)
            break;
        assert_int_equal(status, VE_ERR_MEMORY);
        failures++;
    }
    assert_true(failures >= 8);
    ve__pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_pytorchs),
        cmocka_unit_test(shaped_run_gives_same_bits),
        cmocka_unit_test(overlapping_candidates_become_one_face),
        cmocka_unit_test(best_faces_come_first_and_no_more_than_asked),
        cmocka_unit_test(cells_are_decoded),
        cmocka_unit_test(all_sizes_without_allocations),
        cmocka_unit_test(stride_and_threads_change_nothing),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(only_detectors_are_opened),
        cmocka_unit_test(a_detector_is_no_embedder),
        cmocka_unit_test(failing_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
