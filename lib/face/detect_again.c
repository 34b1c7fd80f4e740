/* SPDX-License-Identifier: MIT */
/*
 * The second look: a face that the first one found is turned upright by its points, brought to one size in the
 * middle of a small picture, and shown to the network once more, as it is and mirrored.
 *
 *   points        the mean of the two views, carried back into the picture
 *   box           the mean of that and the first look's
 *   score         the mean of the first look's and the second's, before the logistic function: what only
 *                 looked like a face from afar falls, which is why weaker candidates may have this look, too
 */
#include <math.h>

#include "face/detect_internal.h"
#include "face/face.h"

/* The small picture; it is the upper left part of what ve__face_crop makes. */
#define SIDE 96u
/* The longer side of the face in it, and where the face's middle lies in the crop's template, whose faces are
 * TEMPLATE_FACE long: medians of 4,800 labelled faces. */
#define FACE          72.0
#define TEMPLATE_FACE 106.6
#define TEMPLATE_X    56.4
#define TEMPLATE_Y    65.1
/* What is found counts when its middle lies within this distance of the picture's, and its size within this
 * ratio of FACE. */
#define FAR   24.0f
#define RATIO 1.6f
/* Candidates below this score are none; it is also the score of a view in which there is no face. */
#define LEAST_SCORE 0.02f
/* Faces of a view among which the middle one is looked for. */
#define VIEW_FACES 4u

static const unsigned mirrored_point[VE__FACE_POINTS] = {
    VE__POINT_RIGHT_EYE, VE__POINT_LEFT_EYE, VE__POINT_NOSE, VE__POINT_RIGHT_MOUTH, VE__POINT_LEFT_MOUTH};

/* Picture -> small picture. */
static ve_status fit_view(const ve__detection *face, ve__similarity *view)
{
    ve_point points[VE__FACE_POINTS];
    const double k = FACE / TEMPLATE_FACE, middle = (SIDE - 1) / 2.0;
    for (unsigned i = 0; i < VE__FACE_POINTS; i++)
        points[i] = (ve_point){face->points[i][0], face->points[i][1]};
    VE_TRY(ve__face_fit(points, view));
    *view = (ve__similarity){k * view->a, k * view->b, middle + k * (view->x0 - TEMPLATE_X),
                             middle + k * (view->y0 - TEMPLATE_Y)};
    return VE_OK;
}

static void show(const ve__detect_session *s, int mirrored)
{
    uint8_t row[3 * SIDE];
    float *input = ve__run_input(s->run);
    for (unsigned y = 0; y < SIDE; y++, input += (size_t)3 * SIDE) {
        const uint8_t *pixels = s->crop + (size_t)3 * VE_FACE_CROP_SIDE * y;
        for (unsigned x = 0; mirrored && x < SIDE; x++)
            for (unsigned c = 0; c < 3; c++)
                row[3 * x + c] = pixels[3 * (SIDE - 1 - x) + c];
        s->kernels->pixels(mirrored ? row : pixels, SIDE, s->scale, s->shift, input);
    }
}

static int in_the_middle(const ve__detection *face)
{
    float width = face->right - face->left, height = face->bottom - face->top;
    float size = (width > height ? width : height) / (float)FACE;
    return fabsf((face->left + face->right - SIDE) / 2) <= FAR &&
           fabsf((face->top + face->bottom - SIDE) / 2) <= FAR && size <= RATIO && size >= 1 / RATIO;
}

/* The surest face in the middle, in coordinates of the view that is not mirrored; 0 where there is none. */
static int look(ve__detect_session *s, int mirrored, ve__detection *face)
{
    static const ve__tile whole = {0, 0, SIDE, SIDE, -INFINITY, -INFINITY, INFINITY, INFINITY, 1.0, 1.0};
    ve__detection faces[VIEW_FACES];
    show(s, mirrored);
    ve__run_maps(s->run);
    s->found.count = 0;
    ve__detect_collect(s->run, &whole, LEAST_SCORE, &s->found);
    unsigned count = ve__detect_merge(&s->found, 0.0f, faces, VIEW_FACES), i = 0;
    while (i < count && !in_the_middle(&faces[i]))
        i++;
    if (i == count)
        return 0;
    *face = faces[i];
    if (mirrored) {
        face->left = SIDE - faces[i].right;
        face->right = SIDE - faces[i].left;
        for (unsigned k = 0; k < VE__FACE_POINTS; k++) {
            face->points[k][0] = SIDE - faces[i].points[mirrored_point[k]][0];
            face->points[k][1] = faces[i].points[mirrored_point[k]][1];
        }
    }
    return 1;
}

static void add(ve__detection *sum, const ve__detection *face)
{
    sum->left += face->left;
    sum->top += face->top;
    sum->right += face->right;
    sum->bottom += face->bottom;
    for (unsigned i = 0; i < VE__FACE_POINTS; i++)
        for (unsigned k = 0; k < 2; k++)
            sum->points[i][k] += face->points[i][k];
}

/* A place in the sum of `count` views -> in the picture. The views count from the corner of their first pixel.
 */
static void carry_back(const ve__similarity *view, double x, double y, unsigned count, float *out_x,
                       float *out_y)
{
    double dx = x / count - 0.5 - view->x0, dy = y / count - 0.5 - view->y0;
    double norm = view->a * view->a + view->b * view->b;
    *out_x = (float)((view->a * dx + view->b * dy) / norm);
    *out_y = (float)((view->a * dy - view->b * dx) / norm);
}

static float mean(float a, float b)
{
    return (a + b) / 2;
}

/* The box stays upright: its middle moves, its sides scale. */
static void place(const ve__similarity *view, const ve__detection *sum, unsigned count, ve__detection *face)
{
    double scale = 2 * count * ve__face_scale(view);
    float x, y, half_width = (float)((sum->right - sum->left) / scale),
                half_height = (float)((sum->bottom - sum->top) / scale);
    carry_back(view, (sum->left + sum->right) / 2, (sum->top + sum->bottom) / 2, count, &x, &y);
    face->left = mean(face->left, x - half_width);
    face->right = mean(face->right, x + half_width);
    face->top = mean(face->top, y - half_height);
    face->bottom = mean(face->bottom, y + half_height);
    for (unsigned i = 0; i < VE__FACE_POINTS; i++)
        carry_back(view, sum->points[i][0], sum->points[i][1], count, &face->points[i][0], &face->points[i][1]);
}

void ve__detect_again(ve__detect_session *s, const ve__picture *p, ve__detection *face)
{
    ve__similarity view;
    ve__detection seen, sum = {0};
    ve_face_frame frame = {p->pixels, p->width, p->height, p->stride};
    float logits = 0;
    unsigned count = 0;
    if (fit_view(face, &view) != VE_OK || ve__run_shape(s->run, SIDE, SIDE) != VE_OK)
        return; /* points in no order of a face: what the first look says stays */
    ve__face_crop(&frame, &view, s->shrunk, s->crop);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        /* What is no face is none in the mirror. */
        int found = (mirrored == 0 || count == 1) && look(s, mirrored, &seen);
        logits += ve__detect_logit(found ? seen.score : LEAST_SCORE) / 2;
        if (found) {
            add(&sum, &seen);
            count++;
        }
    }
    face->score = ve__detect_score((ve__detect_logit(face->score) + logits) / 2);
    if (count > 0)
        place(&view, &sum, count, face);
}
