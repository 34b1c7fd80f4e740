/* SPDX-License-Identifier: MIT */
/*
 * Alignment as the embedder's training crops were made, to the pixel: OpenCV's resize (INTER_AREA) where the
 * face shrinks to less than half, then its warpAffine (INTER_LINEAR, constant border of zeros). What must be
 * kept:
 *
 *   shrinking    by f = 1.5 * scale, to round(side * f) pixels; pixel i is the mean over [i / f, (i + 1) / f)
 *   coordinates  are divided by f without OpenCV's shift of half a pixel, and pixel centres lie on whole
 * numbers: a crop made otherwise is off by up to a pixel against those that the network knows warp source
 * positions are rounded to 1/32 pixel, weights to 1/1024, in integers
 */
#include "face/face.h"

#include <math.h>
#include <string.h>

#define SIDE ((int)VE_FACE_CROP_SIDE)

const ve_point ve__face_template[VE_FACE_POINTS] = {{38.2946f, 51.6963f},
                                                    {73.5318f, 51.5014f},
                                                    {56.0252f, 71.7366f},
                                                    {41.5493f, 92.3655f},
                                                    {70.7299f, 92.2041f}};

/* Further out no point of a face in a frame can lie. */
#define FARTHEST (4.0 * VE_MAX_IMAGE_SIDE)

ve_status ve__face_check_frame(const ve_face_frame *frame)
{
    if (!frame->pixels)
        return ve__fail(VE_ERR_ARGUMENT, "the frame has no pixels");
    if (frame->width == 0 || frame->height == 0)
        return ve__fail(VE_ERR_ARGUMENT, "an empty frame: %u x %u pixels", frame->width, frame->height);
    if (frame->width > VE_MAX_IMAGE_SIDE || frame->height > VE_MAX_IMAGE_SIDE)
        return ve__fail(VE_ERR_TOO_LARGE, "a frame of %u x %u pixels: a side may have %u", frame->width,
                        frame->height, VE_MAX_IMAGE_SIDE);
    if (ve__face_stride(frame) < (size_t)3 * frame->width)
        return ve__fail(VE_ERR_ARGUMENT, "a stride of %zu bytes for rows of %zu", frame->stride_bytes,
                        (size_t)3 * frame->width);
    return VE_OK;
}

static ve_status check_points(const ve_point points[VE_FACE_POINTS])
{
    for (int i = 0; i < VE_FACE_POINTS; i++)
        /* Written so that NaN fails as well. */
        if (!(fabs((double)points[i].x) < FARTHEST && fabs((double)points[i].y) < FARTHEST))
            return ve__fail(VE_ERR_ARGUMENT, "point %d of the face is at (%g, %g)", i, (double)points[i].x,
                            (double)points[i].y);
    return VE_OK;
}

static void centre_of(const ve_point points[VE_FACE_POINTS], double *x, double *y)
{
    *x = *y = 0;
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        *x += (double)points[i].x / VE_FACE_POINTS;
        *y += (double)points[i].y / VE_FACE_POINTS;
    }
}

/* Umeyama (1991) in the plane and without reflections has a closed form: with points p and template q, both
 * centred, and as complex numbers, a + ib = sum(q * conj(p)) / sum(|p|^2). */
ve_status ve__face_fit(const ve_point points[VE_FACE_POINTS], ve__similarity *similarity)
{
    double px, py, qx, qy, squares = 0, real = 0, imaginary = 0;
    VE_TRY(check_points(points));
    centre_of(points, &px, &py);
    centre_of(ve__face_template, &qx, &qy);
    for (int i = 0; i < VE_FACE_POINTS; i++) {
        double x = (double)points[i].x - px, y = (double)points[i].y - py;
        double u = (double)ve__face_template[i].x - qx, v = (double)ve__face_template[i].y - qy;
        squares += x * x + y * y;
        real += u * x + v * y;
        imaginary += v * x - u * y;
    }
    double a = real / squares, b = imaginary / squares, scale = hypot(a, b);
    /* Beyond 112 a face would be a single pixel; below 1/600 the template would not fit into any frame. */
    if (!(squares > 0) || !(scale < 112.0) || !(scale > 1.0 / 600))
        return ve__fail(VE_ERR_ARGUMENT, "the five points of the face lie in no order that a face has");
    *similarity = (ve__similarity){a, b, qx - a * px + b * py, qy - b * px - a * py};
    return VE_OK;
}

double ve__face_scale(const ve__similarity *similarity)
{
    return hypot(similarity->a, similarity->b);
}

/* ------------------------------------------------------------------ shrinking */

/* A picture of which only a part is in memory: pixel (x, y) lies at (x - left, y - top) there. */
typedef struct source {
    const uint8_t *pixels;
    size_t stride;
    int width, height; /* of the whole */
    int left, top;
} source;

/* The pixels [first, first + count) that one shrunk pixel is the mean of, with the weights of the outer two;
 * inner ones weigh 1 / length. */
typedef struct area {
    int first, count;
    float first_weight, inner_weight, last_weight;
} area;

static area area_of(int position, double ratio, int side)
{
    area found;
    double from = position * ratio, to = from + ratio;
    if (to > side)
        to = side;
    int first = (int)floor(from), end = (int)ceil(to);
    double length = to - from;
    found.first = first;
    found.count = end - first;
    found.inner_weight = (float)(1 / length);
    found.first_weight = (float)(((first + 1 < to ? first + 1 : to) - from) / length);
    found.last_weight = (float)((to - (end - 1)) / length);
    return found;
}

static float area_weight(const area *span, int index)
{
    return index == 0 ? span->first_weight : index == span->count - 1 ? span->last_weight : span->inner_weight;
}

static void mean_of_area(const ve_face_frame *frame, const area *columns, const area *rows, uint8_t *out)
{
    float sums[3] = {0, 0, 0};
    for (int y = 0; y < rows->count; y++) {
        const uint8_t *row = frame->pixels + (size_t)(rows->first + y) * ve__face_stride(frame) +
                             (size_t)3 * (size_t)columns->first;
        float across[3] = {0, 0, 0}, down = area_weight(rows, y);
        for (int x = 0; x < columns->count; x++, row += 3) {
            float weight = area_weight(columns, x);
            for (int c = 0; c < 3; c++)
                across[c] += weight * (float)row[c];
        }
        for (int c = 0; c < 3; c++)
            sums[c] += down * across[c];
    }
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)lrintf(sums[c] > 255.0f ? 255.0f : sums[c]);
}

/* Smallest and largest of the crop's corners in the source, one axis. */
static void corner_range(double origin, double per_x, double per_y, int *least, int *most)
{
    double last = SIDE - 1, low = origin, high = origin;
    double corners[3] = {origin + per_x * last, origin + per_y * last, origin + (per_x + per_y) * last};
    for (int i = 0; i < 3; i++) {
        low = corners[i] < low ? corners[i] : low;
        high = corners[i] > high ? corners[i] : high;
    }
    /* One pixel more for rounding to 1/32, one for the second tap. */
    *least = (int)fmax(floor(low) - 1, -1e9);
    *most = (int)fmin(ceil(high) + 2, 1e9);
}

static int clamp_int(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* ------------------------------------------------------------------ warping */

/* Crop position -> source position. */
typedef struct inverse {
    double xx, xy, x0; /* x = xx * column + xy * row + x0 */
    double yx, yy, y0;
} inverse;

static inverse invert(const ve__similarity *similarity)
{
    double a = similarity->a, b = similarity->b, norm = a * a + b * b;
    inverse back = {a / norm, b / norm, 0, -b / norm, a / norm, 0};
    back.x0 = -(back.xx * similarity->x0 + back.xy * similarity->y0);
    back.y0 = -(back.yx * similarity->x0 + back.yy * similarity->y0);
    return back;
}

/* Makes the part of the shrunk frame that the crop needs. */
static source shrink(const ve_face_frame *frame, double factor, const inverse *back, uint8_t *shrunk)
{
    source made = {shrunk,
                   3 * (size_t)VE__FACE_SHRUNK_SIDE,
                   (int)lrint(frame->width * factor),
                   (int)lrint(frame->height * factor),
                   0,
                   0};
    int right, bottom;
    double ratio = 1 / factor;
    corner_range(back->x0, back->xx, back->xy, &made.left, &right);
    corner_range(back->y0, back->yx, back->yy, &made.top, &bottom);
    made.left = clamp_int(made.left, 0, made.width);
    made.top = clamp_int(made.top, 0, made.height);
    right = clamp_int(right, made.left, made.width);
    bottom = clamp_int(bottom, made.top, made.height);
    area columns[VE__FACE_SHRUNK_SIDE];
    int count = 0;
    for (int x = made.left; x < right && count < (int)VE__FACE_SHRUNK_SIDE; x++)
        columns[count++] = area_of(x, ratio, (int)frame->width);
    for (int y = made.top; y < bottom && y - made.top < (int)VE__FACE_SHRUNK_SIDE; y++) {
        area rows = area_of(y, ratio, (int)frame->height);
        uint8_t *row = shrunk + (size_t)(y - made.top) * made.stride;
        for (int x = 0; x < count; x++, row += 3)
            mean_of_area(frame, &columns[x], &rows, row);
    }
    return made;
}

/* Positions are fixed-point numbers with 5 bits behind the point. */
static void interpolate(const source *from, int64_t x, int64_t y, uint8_t out[3])
{
    int64_t column = x >> 5, row = y >> 5;
    int right = (int)(x & 31), below = (int)(y & 31), sums[3] = {512, 512, 512};
    for (int tap = 0; tap < 4; tap++) {
        int64_t tx = column + (tap & 1), ty = row + (tap >> 1);
        int weight = (tap & 1 ? right : 32 - right) * (tap & 2 ? below : 32 - below);
        if (weight == 0 || tx < 0 || ty < 0 || tx >= from->width || ty >= from->height)
            continue;
        const uint8_t *pixel =
            from->pixels + (size_t)(ty - from->top) * from->stride + (size_t)(tx - from->left) * 3;
        for (int c = 0; c < 3; c++)
            sums[c] += weight * pixel[c];
    }
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(sums[c] >> 10);
}

static int64_t to_fixed(double value)
{
    return llrint(fmax(-1e12, fmin(value * 1024, 1e12)));
}

static void warp(const source *from, const inverse *back, uint8_t *crop)
{
    for (int y = 0; y < SIDE; y++) {
        /* 16: half of 1/32 in the finer scale of 10 bits. */
        int64_t x0 = to_fixed(back->xy * y + back->x0) + 16, y0 = to_fixed(back->yy * y + back->y0) + 16;
        for (int x = 0; x < SIDE; x++, crop += 3)
            interpolate(from, (x0 + to_fixed(back->xx * x)) >> 5, (y0 + to_fixed(back->yx * x)) >> 5, crop);
    }
}

void ve__face_crop(const ve_face_frame *frame, const ve__similarity *similarity, uint8_t *shrunk, uint8_t *crop)
{
    double scale = ve__face_scale(similarity), factor = 1.5 * scale;
    source from = {frame->pixels, ve__face_stride(frame), (int)frame->width, (int)frame->height, 0, 0};
    ve__similarity to_crop = *similarity;
    if (scale < 0.5) {
        to_crop.a /= factor;
        to_crop.b /= factor;
        inverse back = invert(&to_crop);
        from = shrink(frame, factor, &back, shrunk);
    }
    inverse back = invert(&to_crop);
    warp(&from, &back, crop);
}

double ve__face_inside(const ve_face_frame *frame, const ve__similarity *similarity)
{
    inverse back = invert(similarity);
    unsigned inside = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double column = back.xx * x + back.xy * y + back.x0, row = back.yx * x + back.yy * y + back.y0;
            inside += column > -0.5 && row > -0.5 && column < frame->width - 0.5 && row < frame->height - 0.5;
        }
    return (double)inside / (SIDE * SIDE);
}
