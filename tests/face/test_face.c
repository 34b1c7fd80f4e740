/* SPDX-License-Identifier: MIT */
/* visembed_face.h without a detector: aligning against OpenCV's crops (tools/reference/make-face-fixtures.py),
 * pose, quality, templates of several frames, arguments. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "face/face.h"
#include "support/fixture.h"
#include "visembed_face.h"

static unsigned char triangle(int t)
{
    int level = abs((t % 512 + 512) % 512 - 256);
    return (unsigned char)(level > 255 ? 255 : level);
}

/* The picture of make-face-fixtures.py, with `spare` bytes behind each row. */
static ve_face_frame triangle_frame(uint32_t width, uint32_t height, size_t spare)
{
    ve_face_frame frame = {NULL, width, height, spare ? 3 * (size_t)width + spare : 0};
    size_t stride = 3 * (size_t)width + spare;
    uint8_t *pixels = malloc(stride * height);
    assert_non_null(pixels);
    memset(pixels, 0xaa, stride * height);
    for (int y = 0; y < (int)height; y++)
        for (int x = 0; x < (int)width; x++) {
            uint8_t *pixel = pixels + (size_t)y * stride + 3 * (size_t)x;
            pixel[0] = triangle(3 * x + y);
            pixel[1] = triangle(7 * y - 2 * x + 4096);
            pixel[2] = triangle(5 * x + 11 * y);
        }
    frame.pixels = pixels;
    return frame;
}

static ve_face_session *bare_session(void)
{
    ve_face_session *session = NULL;
    assert_int_equal(ve_face_session_create(NULL, NULL, NULL, &session), VE_OK);
    return session;
}

/* ------------------------------------------------------------------ aligning */

static void compare_crops(const uint8_t *ours, const uint8_t *theirs)
{
    unsigned different = 0;
    for (size_t i = 0; i < VE_FACE_CROP_BYTES; i++) {
        int distance = abs(ours[i] - theirs[i]);
        assert_true(distance <= 6);
        different += distance > 0;
    }
    /* Positions are rounded to 1/32 pixel: where a coordinate lies between, the last bit of a double decides.
     */
    assert_true(different < VE_FACE_CROP_BYTES / 200);
}

static int read_case(FILE *file, uint32_t *width, uint32_t *height, ve_point points[VE_FACE_POINTS])
{
    if (fscanf(file, "%u %u", width, height) != 2)
        return 0;
    for (int i = 0; i < VE_FACE_POINTS; i++)
        assert_int_equal(fscanf(file, "%f %f", &points[i].x, &points[i].y), 2);
    return 1;
}

static void test_crops_equal_opencv(void **state)
{
    uint8_t crop[VE_FACE_CROP_BYTES];
    ve_point points[VE_FACE_POINTS];
    ve_image *crops = NULL;
    uint32_t width, height;
    unsigned count = 0;
    ve_face_session *session = bare_session();
    (void)state;
    FILE *file = fopen("tests/fixtures/face/align.txt", "r");
    assert_non_null(file);
    assert_int_equal(ve_image_load("tests/fixtures/face/align.png", &crops), VE_OK);
    for (; read_case(file, &width, &height, points); count++) {
        ve_face_frame frame = triangle_frame(width, height, 5 * count);
        assert_true(ve_image_height(crops) >= (count + 1) * VE_FACE_CROP_SIDE);
        assert_int_equal(ve_face_align(session, &frame, points, crop), VE_OK);
        compare_crops(crop, ve_image_pixels(crops) + count * (size_t)VE_FACE_CROP_BYTES);
        free((void *)frame.pixels);
    }
    assert_int_equal(count, 5);
    fclose(file);
    ve_image_free(crops);
    ve_face_session_free(session);
}

/* Points made from the template by a similarity are brought back to it. */
static void test_the_fit_finds_a_similarity(void **state)
{
    (void)state;
    for (int i = 0; i < 36; i++) {
        double angle = i * 0.1745, size = 0.3 + i * 0.4, c = size * cos(angle), s = size * sin(angle);
        ve_point points[VE_FACE_POINTS];
        ve__similarity found;
        for (int k = 0; k < VE_FACE_POINTS; k++) {
            double x = (double)ve__face_template[k].x, y = (double)ve__face_template[k].y;
            points[k] = (ve_point){(float)(c * x - s * y + 31), (float)(s * x + c * y - 7)};
        }
        assert_int_equal(ve__face_fit(points, &found), VE_OK);
        assert_true(fabs(ve__face_scale(&found) * size - 1) < 1e-5);
        for (int k = 0; k < VE_FACE_POINTS; k++) {
            double x = (double)points[k].x, y = (double)points[k].y;
            assert_true(fabs(found.a * x - found.b * y + found.x0 - (double)ve__face_template[k].x) < 1e-3);
            assert_true(fabs(found.b * x + found.a * y + found.y0 - (double)ve__face_template[k].y) < 1e-3);
        }
    }
}

static void test_points_that_are_no_face(void **state)
{
    ve_face_session *session = bare_session();
    ve_face_frame frame = triangle_frame(64, 64, 0);
    uint8_t crop[VE_FACE_CROP_BYTES] = {77};
    ve_point same[VE_FACE_POINTS] = {{9, 9}, {9, 9}, {9, 9}, {9, 9}, {9, 9}};
    ve_point odd[3][VE_FACE_POINTS];
    (void)state;
    memcpy(odd[0], ve__face_template, sizeof odd[0]);
    memcpy(odd[1], odd[0], sizeof odd[0]);
    memcpy(odd[2], odd[0], sizeof odd[0]);
    odd[0][2].x = NAN;
    odd[1][3].y = INFINITY;
    odd[2][4].x = 1e30f;
    assert_int_equal(ve_face_align(session, &frame, same, crop), VE_ERR_ARGUMENT);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ve_face_align(session, &frame, odd[i], crop), VE_ERR_ARGUMENT);
    assert_non_null(strstr(ve_last_error(), "point 4"));
    assert_int_equal(crop[0], 77);
    free((void *)frame.pixels);
    ve_face_session_free(session);
}

/* A face far outside gives a black crop and reads nothing there. */
static void test_a_face_outside_the_frame(void **state)
{
    ve_face_session *session = bare_session();
    ve_face_frame frame = triangle_frame(64, 48, 0);
    uint8_t crop[VE_FACE_CROP_BYTES];
    ve_point points[VE_FACE_POINTS];
    (void)state;
    for (int size = 1; size <= 16; size *= 4) {
        for (int k = 0; k < VE_FACE_POINTS; k++)
            points[k] =
                (ve_point){ve__face_template[k].x * (float)size + 20000, ve__face_template[k].y * (float)size};
        assert_int_equal(ve_face_align(session, &frame, points, crop), VE_OK);
        for (size_t i = 0; i < sizeof crop; i++)
            assert_int_equal(crop[i], 0);
    }
    free((void *)frame.pixels);
    ve_face_session_free(session);
}

/* ------------------------------------------------------------------ pose and quality */

/* The head's points, turned in space and seen from far away. */
static void turned_points(double yaw, double pitch, double roll, ve_point points[VE_FACE_POINTS])
{
    static const double head[VE_FACE_POINTS][3] = {
        {-18.55, -21.5, 0}, {18.55, -21.5, 0}, {0, 0, 20}, {-15.75, 16.7, 3.5}, {15.75, 16.7, 3.5}};
    double y = yaw / 57.29578, p = pitch / 57.29578, r = roll / 57.29578;
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        double x0 = head[i][0], y0 = head[i][1], z0 = head[i][2];
        double y1 = y0 * cos(p) + z0 * sin(p), z1 = z0 * cos(p) - y0 * sin(p);
        double x2 = x0 * cos(y) + z1 * sin(y);
        points[i].x = (float)(3 * (x2 * cos(r) - y1 * sin(r)) + 200);
        points[i].y = (float)(3 * (x2 * sin(r) + y1 * cos(r)) + 150);
    }
}

static void test_the_pose_of_turned_heads(void **state)
{
    (void)state;
    for (int yaw = -40; yaw <= 40; yaw += 20)
        for (int roll = -30; roll <= 30; roll += 15) {
            ve_point points[VE_FACE_POINTS];
            float found[3];
            turned_points(yaw, 0, roll, points);
            ve__face_pose(points, &found[0], &found[1], &found[2]);
            assert_true(fabs((double)found[0] - yaw) < 0.1);
            assert_true(fabs((double)found[1]) < 0.1);
            assert_true(fabs((double)found[2] - roll) < 0.1);
        }
    for (int pitch = -30; pitch <= 30; pitch += 10) {
        ve_point points[VE_FACE_POINTS];
        float found[3];
        turned_points(0, pitch, 10, points);
        ve__face_pose(points, &found[0], &found[1], &found[2]);
        assert_true(fabs((double)found[0]) < 0.1);
        assert_true(fabs((double)found[1] - pitch) < 0.1);
    }
}

/* A portrait of the examples, through `change`, at the template's points. */
static ve_face_quality quality_of(void (*change)(uint8_t *pixels))
{
    static uint8_t pixels[VE_FACE_CROP_BYTES];
    ve_point points[VE_FACE_POINTS];
    ve_face_quality quality = VE_FACE_QUALITY_INIT;
    ve_face_session *session = bare_session();
    ve_image *image = NULL;
    assert_int_equal(ve_image_load("examples/portraits/ride-2.jpg", &image), VE_OK);
    ve_face_frame portrait = ve_face_frame_of(image);
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        float size = (float)portrait.width / (float)VE_FACE_CROP_SIDE;
        points[i] = (ve_point){ve__face_template[i].x * size, ve__face_template[i].y * size};
    }
    assert_int_equal(ve_face_align(session, &portrait, points, pixels), VE_OK);
    if (change)
        change(pixels);
    ve_face_frame frame = {pixels, VE_FACE_CROP_SIDE, VE_FACE_CROP_SIDE, 0};
    assert_int_equal(ve_face_assess(session, &frame, ve__face_template, &quality), VE_OK);
    ve_image_free(image);
    ve_face_session_free(session);
    return quality;
}

static void darken(uint8_t *pixels)
{
    for (size_t i = 0; i < VE_FACE_CROP_BYTES; i++)
        pixels[i] = (uint8_t)(pixels[i] / 8);
}

static void overexpose(uint8_t *pixels)
{
    for (size_t i = 0; i < VE_FACE_CROP_BYTES; i++)
        pixels[i] = (uint8_t)(pixels[i] > 120 ? 255 : pixels[i] / 2);
}

static void flatten(uint8_t *pixels)
{
    for (size_t i = 0; i < VE_FACE_CROP_BYTES; i++)
        pixels[i] = (uint8_t)(120 + pixels[i] / 32);
}

/* Means of 9x9 pixels. */
static void blur(uint8_t *pixels)
{
    static uint8_t copy[VE_FACE_CROP_BYTES];
    int side = (int)VE_FACE_CROP_SIDE;
    memcpy(copy, pixels, sizeof copy);
    for (int y = 4; y < side - 4; y++)
        for (int x = 4; x < side - 4; x++)
            for (int c = 0; c < 3; c++) {
                int sum = 0;
                for (int i = 0; i < 81; i++)
                    sum += copy[3 * ((y + i / 9 - 4) * side + x + i % 9 - 4) + c];
                pixels[3 * (y * side + x) + c] = (uint8_t)(sum / 81);
            }
}

static void blur_twice(uint8_t *pixels)
{
    blur(pixels);
    blur(pixels);
}

static void mask(uint8_t *pixels)
{
    for (unsigned y = 66; y < VE_FACE_CROP_SIDE; y++)
        for (unsigned x = 24; x < 90; x++) {
            uint8_t *pixel = pixels + 3 * (y * VE_FACE_CROP_SIDE + x);
            pixel[0] = 20, pixel[1] = 60, pixel[2] = 230;
        }
}

static void test_reasons(void **state)
{
    static const struct {
        void (*change)(uint8_t *pixels);
        ve_face_reason reason;
    } cases[] = {{NULL, VE_FACE_FINE},    {darken, VE_FACE_TOO_DARK},    {overexpose, VE_FACE_OVEREXPOSED},
                 {flatten, VE_FACE_FLAT}, {blur_twice, VE_FACE_BLURRED}, {mask, VE_FACE_COVERED}};
    float best = quality_of(NULL).score;
    (void)state;
    assert_true(best > 0.3f && best <= 1.0f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ve_face_quality quality = quality_of(cases[i].change);
        assert_int_equal(quality.reason, cases[i].reason);
        assert_int_equal((quality.reasons >> cases[i].reason & 1), cases[i].reason != VE_FACE_FINE);
        assert_true(!cases[i].change || quality.score < best);
    }
}

static void test_limits_of_ones_own(void **state)
{
    ve_face_limit limits[2] = {{VE_FACE_BRIGHTNESS, 200, 210}, {VE_FACE_EYE_DISTANCE, 36, INFINITY}};
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    ve_face_quality quality = VE_FACE_QUALITY_INIT;
    ve_face_session *session = NULL;
    ve_face_frame frame = triangle_frame(112, 112, 0);
    (void)state;
    options.limits = limits;
    options.limit_count = 2;
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &session), VE_OK);
    assert_int_equal(ve_face_assess(session, &frame, ve__face_template, &quality), VE_OK);
    assert_int_equal(quality.reason, VE_FACE_TOO_SMALL);
    assert_true(quality.reasons >> VE_FACE_TOO_DARK & 1);
    ve_face_session_free(session);
    limits[0].low = 220;
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &session), VE_ERR_ARGUMENT);
    limits[0] = (ve_face_limit){VE_FACE_MEASURES, 0, 1};
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &session), VE_ERR_UNSUPPORTED);
    free((void *)frame.pixels);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < VE_FACE_REASONS; i++) {
        assert_true(strlen(ve_face_reason_name((ve_face_reason)i)) > 2);
        assert_true(strlen(ve_face_reason_message((ve_face_reason)i)) > 8);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ve_face_reason_name((ve_face_reason)i),
                                    ve_face_reason_name((ve_face_reason)j));
    }
    assert_string_equal(ve_face_reason_name((ve_face_reason)99), "unknown");
    assert_string_equal(ve_face_measure_name((ve_face_measure)-1), "unknown");
    for (unsigned m = 0; m < VE_FACE_MEASURES; m++)
        assert_int_equal(ve_face_default_limits()[m].measure, m);
}

/* ------------------------------------------------------------------ choosing */

static void test_choosing(void **state)
{
    ve_face faces[3];
    (void)state;
    memset(faces, 0, sizeof faces);
    faces[0] = (ve_face){600, 10, 60, 70, 0.9f, {{0, 0}}};
    faces[1] = (ve_face){300, 200, 55, 70, 0.8f, {{0, 0}}};
    faces[2] = (ve_face){10, 10, 20, 25, 0.7f, {{0, 0}}};
    assert_int_equal(ve__face_choose(faces, 3, VE_FACE_LARGEST, 640, 480), 0);
    assert_int_equal(ve__face_choose(faces, 3, VE_FACE_CENTRAL, 640, 480), 1);
    assert_int_equal(ve__face_choose(faces, 3, VE_FACE_ONLY, 640, 480), -1);
    faces[1].width = 29;
    assert_int_equal(ve__face_choose(faces, 3, VE_FACE_ONLY, 640, 480), 0);
    assert_int_equal(ve__face_choose(faces, 1, VE_FACE_ONLY, 640, 480), 0);
}

/* ------------------------------------------------------------------ templates */

static void test_combine(void **state)
{
    float rows[6] = {1, 0, 0, 0, 1, 0}, mean[3] = {9, 9, 9}, weights[2] = {3, 4}, bad[2] = {1, NAN};
    float opposite[6] = {1, 0, 0, -1, 0, 0};
    (void)state;
    assert_int_equal(ve_face_combine(rows, weights, 2, 3, mean), VE_OK);
    assert_true(fabsf(mean[0] - 0.6f) < 1e-6f && fabsf(mean[1] - 0.8f) < 1e-6f && mean[2] == 0);
    assert_int_equal(ve_face_combine(opposite, NULL, 2, 3, mean), VE_ERR_ARGUMENT);
    assert_int_equal(ve_face_combine(rows, bad, 2, 3, mean), VE_ERR_ARGUMENT);
    weights[0] = weights[1] = 0;
    assert_int_equal(ve_face_combine(rows, weights, 2, 3, mean), VE_ERR_ARGUMENT);
    assert_true(fabsf(mean[0] - 0.6f) < 1e-6f);
    assert_int_equal(ve_face_combine(rows, NULL, 0, 3, mean), VE_ERR_ARGUMENT);
    assert_int_equal(ve_face_combine(rows, NULL, 2, 3, rows), VE_OK);
    assert_true(fabsf(rows[0] - rows[1]) < 1e-6f && fabsf(rows[0] - sqrtf(0.5f)) < 1e-6f);
}

static ve_face_session *aligned_session(const ve_model *model)
{
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    ve_face_session *session = NULL;
    options.flags = VE_FACE_ALIGNED | VE_FACE_ANY_QUALITY;
    assert_int_equal(ve_face_session_create(model, NULL, &options, &session), VE_OK);
    return session;
}

/* An aligned frame goes to the model as ve_embed sends it. */
static void test_aligned_frames_equal_ve_embed(void **state)
{
    ve_model *model = fixture_model("timm_v1");
    ve_face_session *session = aligned_session(model);
    ve_session *plain = fixture_session(model, 1, 0, 0);
    ve_face_result result = VE_FACE_RESULT_INIT;
    float ours[VE_MAX_DIM], theirs[VE_MAX_DIM];
    ve_model_info info = VE_MODEL_INFO_INIT;
    (void)state;
    assert_int_equal(ve_model_get_info(model, &info), VE_OK);
    for (uint32_t side = 56; side <= 224; side *= 2) {
        ve_image *image = noise_image(side, side, side);
        ve_face_frame frame = ve_face_frame_of(image);
        assert_int_equal(ve_embed(plain, image, theirs), VE_OK);
        assert_int_equal(ve_face_embed(session, &frame, &result, ours), VE_OK);
        assert_true(result.has_template);
        assert_int_equal(result.face_count, 1);
        assert_memory_equal(ours, theirs, info.dim * sizeof *ours);
        ve_image_free(image);
    }
    ve_session_free(plain);
    ve_face_session_free(session);
    ve_model_close(model);
}

static void test_the_best_frames(void **state)
{
    ve_model *model = fixture_model("timm_v1");
    ve_face_session *session = aligned_session(model);
    ve_face_result result = VE_FACE_RESULT_INIT;
    float rows[2 * VE_MAX_DIM], weights[2], expected[VE_MAX_DIM], found[VE_MAX_DIM], agreement = 0;
    ve_model_info info = VE_MODEL_INFO_INIT;
    uint32_t used = 0;
    (void)state;
    assert_int_equal(ve_model_get_info(model, &info), VE_OK);
    assert_int_equal(ve_face_finish(session, 0, found, NULL, NULL), VE_ERR_NOT_FOUND);
    assert_int_equal(ve_face_begin(session), VE_OK);
    for (uint32_t i = 0; i < 2; i++) {
        ve_image *image = noise_image(112 >> i, 112 >> i, i + 1);
        ve_face_frame frame = ve_face_frame_of(image);
        assert_int_equal(ve_face_embed(session, &frame, &result, rows + i * info.dim), VE_OK);
        weights[i] = result.quality.score;
        assert_int_equal(ve_face_add(session, &frame, &result), VE_OK);
        ve_image_free(image);
    }
    assert_true(weights[0] != weights[1]);
    assert_int_equal(ve_face_kept(session), 2);
    assert_int_equal(ve_face_combine(rows, weights, 2, info.dim, expected), VE_OK);
    assert_int_equal(ve_face_finish(session, 0, found, &used, &agreement), VE_OK);
    assert_int_equal(used, 2);
    assert_true(ve_similarity(found, expected, info.dim) > 0.999999f);
    assert_true(fabsf(agreement - ve_similarity(rows, rows + info.dim, info.dim)) < 1e-5f);
    assert_int_equal(ve_face_finish(session, 1, found, &used, &agreement), VE_OK);
    assert_memory_equal(found, weights[0] > weights[1] ? rows : rows + info.dim, sizeof *found);
    assert_true(used == 1 && agreement == 1.0f);
    for (int i = 0; i < 40; i++) {
        ve_image *image = noise_image(112, 112, (uint32_t)i);
        ve_face_frame frame = ve_face_frame_of(image);
        assert_int_equal(ve_face_add(session, &frame, &result), VE_OK);
        ve_image_free(image);
    }
    assert_int_equal(ve_face_kept(session), VE_FACE_MAX_KEPT);
    assert_int_equal(ve_face_begin(session), VE_OK);
    assert_int_equal(ve_face_kept(session), 0);
    ve_face_session_free(session);
    ve_model_close(model);
}

/* ------------------------------------------------------------------ with a detector */

/* Random weights: what it finds is no face, but it must come through whole. */
#define DETECTOR "tests/fixtures/detector/detector.vew"

static ve_face_session *finding_session(const ve_model *model, ve_detector **detector)
{
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    ve_face_session *session = NULL;
    options.min_score = 0.001f;
    options.smallest_face = 20;
    options.choice = VE_FACE_LARGEST;
    options.flags = VE_FACE_ANY_QUALITY;
    assert_int_equal(ve_detector_open(DETECTOR, NULL, detector), VE_OK);
    assert_int_equal(ve_face_session_create(model, *detector, &options, &session), VE_OK);
    return session;
}

static void test_detecting(void **state)
{
    ve_detector *detector = NULL;
    ve_face_session *session = finding_session(NULL, &detector);
    ve_image *image = noise_image(320, 240, 3);
    ve_face_frame frame = ve_face_frame_of(image);
    ve_face faces[VE_FACE_MAX_FOUND], first;
    size_t count = 0, again = 0;
    (void)state;
    assert_int_equal(ve_face_detect(session, &frame, faces, VE_FACE_MAX_FOUND, &count), VE_OK);
    assert_true(count > 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(faces[i].width > 0 && faces[i].height > 0);
        assert_true(faces[i].score > 0 && faces[i].score <= 1);
        assert_true(i == 0 || faces[i].score <= faces[i - 1].score);
    }
    assert_int_equal(ve_face_detect(session, &frame, &first, 1, &again), VE_ERR_TOO_SMALL);
    assert_int_equal(again, count);
    assert_memory_equal(&first, &faces[0], sizeof first);
    assert_int_equal(ve_face_detect(session, &frame, NULL, 0, &again), VE_ERR_TOO_SMALL);
    ve_image_free(image);
    ve_face_session_free(session);
    ve_detector_close(detector);
}

/* From then on every allocation of the library's would fail. */
static void test_frames_allocate_nothing(void **state)
{
    ve_model *model = fixture_model("timm_v1");
    ve_detector *detector = NULL;
    ve_face_session *session = finding_session(model, &detector);
    (void)state;
    for (uint32_t side = 100; side <= 900; side += 400) {
        ve_image *image = noise_image(side, side / 2, side);
        ve_face_frame frame = ve_face_frame_of(image);
        ve_face_result result = VE_FACE_RESULT_INIT;
        float embedding[VE_MAX_DIM];
        ve__allocate_fail_after(0);
        ve_status status = ve_face_embed(session, &frame, &result, embedding);
        if (status == VE_OK)
            status = ve_face_add(session, &frame, &result);
        ve__allocate_fail_after(-1);
        assert_int_equal(status, VE_OK);
        ve_image_free(image);
    }
    ve_face_session_free(session);
    ve_detector_close(detector);
    ve_model_close(model);
}

static void test_memory_runs_out(void **state)
{
    ve_model *model = fixture_model("timm_v1");
    ve_detector *detector = NULL;
    ve_face_session *session = finding_session(model, &detector), *made = NULL;
    ve_status status = VE_ERR_MEMORY;
    long after = 0;
    (void)state;
    for (; status != VE_OK && after < 1000; after++) {
        ve__allocate_fail_after(after);
        status = ve_face_session_create(model, detector, NULL, &made);
        assert_true(status == VE_OK || status == VE_ERR_MEMORY);
    }
    ve__allocate_fail_after(-1);
    assert_true(after > 3 && after < 1000);
    ve_face_session_free(made);
    ve_face_session_free(session);
    ve_detector_close(detector);
    ve_model_close(model);
}

/* ------------------------------------------------------------------ arguments */

static void test_arguments(void **state)
{
    ve_face_session *session = bare_session(), *other = NULL;
    ve_face_frame frame = triangle_frame(32, 32, 0), narrow = frame, empty = frame;
    ve_face_options options = VE_FACE_OPTIONS_INIT;
    ve_face_quality quality = VE_FACE_QUALITY_INIT;
    ve_face_result result = VE_FACE_RESULT_INIT;
    ve_face face;
    ve_detector *detector = NULL;
    uint8_t crop[VE_FACE_CROP_BYTES];
    float embedding[8];
    size_t count = 0;
    (void)state;
    narrow.stride_bytes = 95;
    empty.height = 0;
    assert_int_equal(ve_face_align(session, &narrow, ve__face_template, crop), VE_ERR_ARGUMENT);
    assert_int_equal(ve_face_align(session, &empty, ve__face_template, crop), VE_ERR_ARGUMENT);
    assert_int_equal(ve_face_align(NULL, &frame, ve__face_template, crop), VE_ERR_ARGUMENT);
    assert_int_equal(ve_face_detect(session, &frame, &face, 1, &count), VE_ERR_STATE);
    assert_non_null(strstr(ve_last_error(), "without a detector"));
    assert_int_equal(ve_face_embed(session, &frame, &result, embedding), VE_ERR_STATE);
    assert_non_null(strstr(ve_last_error(), "without a model"));
    assert_int_equal(ve_face_begin(session), VE_ERR_STATE);
    quality.struct_size = 4;
    assert_int_equal(ve_face_assess(session, &frame, ve__face_template, &quality), VE_ERR_ARGUMENT);
    assert_int_equal(ve_detector_open("tests/absent.vew", NULL, &detector), VE_ERR_NOT_FOUND);
    assert_int_equal(ve_detector_open_memory("rubbish", 7, NULL, &detector), VE_ERR_FORMAT);
    options.flags = 1u << 20;
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &other), VE_ERR_UNSUPPORTED);
    options.flags = 0, options.smallest_face = 3;
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &other), VE_ERR_ARGUMENT);
    options.smallest_face = 0, options.min_score = NAN;
    assert_int_equal(ve_face_session_create(NULL, NULL, &options, &other), VE_ERR_ARGUMENT);
    assert_null(other);
    assert_true(ve_face_session_memory(session) > VE_FACE_CROP_BYTES);
    assert_int_equal(ve_face_session_memory(NULL), 0);
    ve_face_session_free(NULL);
    ve_detector_close(NULL);
    free((void *)frame.pixels);
    ve_face_session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crops_equal_opencv),
        cmocka_unit_test(test_the_fit_finds_a_similarity),
        cmocka_unit_test(test_points_that_are_no_face),
        cmocka_unit_test(test_a_face_outside_the_frame),
        cmocka_unit_test(test_the_pose_of_turned_heads),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_limits_of_ones_own),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_choosing),
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_aligned_frames_equal_ve_embed),
        cmocka_unit_test(test_the_best_frames),
        cmocka_unit_test(test_detecting),
        cmocka_unit_test(test_frames_allocate_nothing),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
