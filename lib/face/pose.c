/* SPDX-License-Identifier: MIT */
/*
 * Pose from five points: the first step of POSIT (DeMenthon and Davis, 1995). Under scaled orthography the
 * picture's coordinates of the centred model points M are x = I.M, y = J.M, where I and J are the first two
 * rows of the rotation times the scale. Both come from least squares; the third row is their cross product.
 *
 * The model's x and y are the medians of 19,000 faces in pictures of people, aligned and made symmetric, so
 * that the usual face has the pose 0 (the alignment template itself would be 9 degrees off: its nose lies
 * higher than detectors put it). Its depths are in the same unit, of which 37.1 are the 63 mm between the eyes:
 * the nose's tip lies some 34 mm in front of the eyes' plane, the corners of the mouth some 6 mm. Noses differ,
 * so yaw and pitch are good to several degrees, not better.
 */
#include "face/face.h"

#include <math.h>

static const double head[VE_FACE_POINTS][3] = {
    {-18.55, -21.5, 0.0}, {18.55, -21.5, 0.0}, {0.0, 0.0, 20.0}, {-15.75, 16.7, 3.5}, {15.75, 16.7, 3.5}};

static const double degrees = 57.29577951308232;

/* Model points, centred. */
static void make_model(double model[VE_FACE_POINTS][3])
{
    double middle[3] = {0, 0, 0};
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        for (int k = 0; k < 3; k++)
            middle[k] += head[i][k] / VE_FACE_POINTS;
    }
    for (int i = 0; i < VE_FACE_POINTS; i++)
        for (int k = 0; k < 3; k++)
            model[i][k] = head[i][k] - middle[k];
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* out = (model' model)^-1 model' values, by Cramer's rule: the rows of the inverse of a symmetric matrix are
 * the cross products of its rows over the determinant. */
static void solve(double model[VE_FACE_POINTS][3], const double values[VE_FACE_POINTS], double out[3])
{
    double squares[3][3] = {{0}}, right[3] = {0, 0, 0}, row[3];
    for (int i = 0; i < VE_FACE_POINTS; i++)
        for (int k = 0; k < 3; k++) {
            right[k] += model[i][k] * values[i];
            for (int l = 0; l < 3; l++)
                squares[k][l] += model[i][k] * model[i][l];
        }
    cross(squares[1], squares[2], row);
    double determinant = dot(squares[0], row);
    for (int k = 0; k < 3; k++) {
        cross(squares[(k + 1) % 3], squares[(k + 2) % 3], row);
        out[k] = dot(row, right) / determinant;
    }
}

static int scale_to_unit(double v[3])
{
    double length = sqrt(dot(v, v));
    if (!(length > 1e-9))
        return -1;
    for (int k = 0; k < 3; k++)
        v[k] /= length;
    return 0;
}

void ve__face_pose(const ve_point points[VE_FACE_POINTS], float *yaw, float *pitch, float *roll)
{
    double model[VE_FACE_POINTS][3], x[VE_FACE_POINTS], y[VE_FACE_POINTS], first[3], second[3], third[3];
    make_model(model);
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        x[i] = (double)points[i].x;
        y[i] = (double)points[i].y;
    }
    /* The model is centred, so the points need not be. */
    solve(model, x, first);
    solve(model, y, second);
    *yaw = *pitch = *roll = 0;
    if (scale_to_unit(first) != 0 || scale_to_unit(second) != 0)
        return;
    cross(first, second, third);
    if (scale_to_unit(third) != 0)
        return;
    /* The nose's direction is the z axis of the model, (first[2], second[2], third[2]) in the picture. The roll
     * is that of the eyes' line. */
    double turn = degrees * atan2(second[0], first[0]), c = cos(turn / degrees), s = sin(turn / degrees);
    double across = c * first[2] + s * second[2], down = c * second[2] - s * first[2];
    *roll = (float)turn;
    *yaw = (float)(degrees * atan2(across, hypot(third[2], down)));
    *pitch = (float)(degrees * atan2(down, fabs(third[2])));
}
