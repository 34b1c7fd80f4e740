/* SPDX-License-Identifier: MIT */
/* weights/face-detector.vew on real faces: the portraits, whose five points are known, laid into gray frames:
 * found once each, at any place and size, alone or beside others, with points where they are. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "face/face.h"
#include "visembed_face.h"

#define PORTRAITS "examples/portraits/"
#define CROP      224u
#define WIDTH     800u
#define HEIGHT    600u

static const char *const names[] = {"collins", "ochoa-1", "ochoa-2", "ride-1", "ride-2"};
#define NAMES (sizeof names / sizeof *names)

typedef struct studio {
    ve_detector *detector;
    ve_face_session *session;
    ve_image *portraits[NAMES];
    uint8_t *frame; /* [HEIGHT][WIDTH][3] */
} studio;

static int open_studio(void **state)
{
    studio *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->frame = malloc((size_t)3 * WIDTH * HEIGHT);
    assert_non_null(s->frame);
    assert_int_equal(ve_detector_open("weights/face-detector.vew", NULL, &s->detector), VE_OK);
    assert_int_equal(ve_face_session_create(NULL, s->detector, NULL, &s->session), VE_OK);
    for (size_t i = 0; i < NAMES; i++) {
        char path[64] = PORTRAITS;
        strcat(strcat(path, names[i]), ".jpg");
        assert_int_equal(ve_image_load(path, &s->portraits[i]), VE_OK);
        assert_int_equal(ve_image_width(s->portraits[i]), CROP);
    }
    *state = s;
    return 0;
}

static int close_studio(void **state)
{
    studio *s = *state;
    for (size_t i = 0; i < NAMES; i++)
        ve_image_free(s->portraits[i]);
    ve_face_session_free(s->session);
    ve_detector_close(s->detector);
    free(s->frame);
    free(s);
    return 0;
}

/* Every `step`-th pixel of a portrait, at (left, top). */
static void hang(studio *s, size_t portrait, uint32_t left, uint32_t top, uint32_t step)
{
    const uint8_t *from = ve_image_pixels(s->portraits[portrait]);
    for (uint32_t y = 0; y < CROP / step; y++)
        for (uint32_t x = 0; x < CROP / step; x++)
            memcpy(s->frame + (size_t)3 * ((size_t)(top + y) * WIDTH + left + x),
                   from + (size_t)3 * step * ((size_t)y * CROP + x), 3);
}

static size_t find(studio *s, ve_face *faces, size_t capacity)
{
    ve_face_frame frame = {s->frame, WIDTH, HEIGHT, 0};
    size_t count = 0;
    assert_int_equal(ve_face_detect(s->session, &frame, faces, capacity, &count), VE_OK);
    return count;
}

/* Mean distance to where the portrait's points are, in distances of the eyes. */
static double point_error(const ve_face *face, uint32_t left, uint32_t top, uint32_t step)
{
    double side = (double)CROP / step, sum = 0, eyes = side * 35.24 / VE_FACE_CROP_SIDE;
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        double x = left + side * (double)ve__face_template[i].x / VE_FACE_CROP_SIDE;
        double y = top + side * (double)ve__face_template[i].y / VE_FACE_CROP_SIDE;
        sum += hypot((double)face->points[i].x - x, (double)face->points[i].y - y);
    }
    return sum / VE_FACE_POINTS / eyes;
}

static void each_portrait_is_one_face_with_its_points(void **state)
{
    studio *s = *state;
    static const uint32_t places[][3] = {{300, 200, 1}, {3, 2, 1},   {570, 370, 1},
                                         {111, 333, 2}, {688, 1, 2}, {402, 77, 3}};
    ve_face faces[8];
    double sum = 0, count = 0;
    for (size_t i = 0; i < NAMES; i++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            memset(s->frame, 128, (size_t)3 * WIDTH * HEIGHT);
            hang(s, i, places[k][0], places[k][1], places[k][2]);
            size_t found = find(s, faces, 8);
            if (found != 1)
                fail_msg("%s at place %zu: %zu faces", names[i], k, found);
            double error = point_error(&faces[0], places[k][0], places[k][1], places[k][2]);
            if (!(error < 0.2))
                fail_msg("%s at place %zu: points off by %.3f", names[i], k, error);
            sum += error;
            count++;
        }
    /* The points of the portraits were placed by eye. */
    assert_true(sum / count < 0.1);
}

static void several_faces_are_all_found(void **state)
{
    studio *s = *state;
    ve_face faces[8];
    memset(s->frame, 128, (size_t)3 * WIDTH * HEIGHT);
    hang(s, 0, 20, 20, 1);
    hang(s, 1, 300, 30, 1);
    hang(s, 2, 560, 10, 1);
    hang(s, 3, 100, 350, 2);
    hang(s, 4, 420, 330, 1);
    assert_int_equal(find(s, faces, 8), 5);
    for (size_t i = 1; i < 5; i++)
        assert_true(faces[i].score <= faces[i - 1].score);
}

static void frames_without_faces_have_none(void **state)
{
    studio *s = *state;
    ve_face faces[8];
    memset(s->frame, 128, (size_t)3 * WIDTH * HEIGHT);
    assert_int_equal(find(s, faces, 8), 0);
    for (size_t i = 0; i < (size_t)3 * WIDTH * HEIGHT; i++)
        s->frame[i] = (uint8_t)((uint32_t)((uint32_t)i * 2654435761u) >> 24);
    assert_int_equal(find(s, faces, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_portrait_is_one_face_with_its_points),
        cmocka_unit_test(several_faces_are_all_found),
        cmocka_unit_test(frames_without_faces_have_none),
    };
    return cmocka_run_group_tests(tests, open_studio, close_studio);
}
