/* SPDX-License-Identifier: MIT */
/*
 * What happens to a face after it was found, each step a file of its own:
 *
 *     choose.c    which of several faces
 *     align.c     five points -> similarity -> the crop that the embedder was trained on
 *     pose.c      five points -> yaw, pitch, roll
 *     quality.c   crop and points -> measures, limits, reasons
 *
 * All of it works in memory that the caller gives; nothing is allocated.
 */
#ifndef VE_FACE_FACE_H
#define VE_FACE_FACE_H

#include "base/status.h"
#include "visembed_face.h"

/* Where the five points lie in the crop (the template of ArcFace, arXiv 1801.07698), in the coordinates of
 * align.c.
 */
extern const ve_point ve__face_template[VE_FACE_POINTS];

/* NULL points, sizes or strides that cannot be. */
ve_status ve__face_check_frame(const ve_face_frame *frame);
static inline size_t ve__face_stride(const ve_face_frame *frame)
{
    return frame->stride_bytes ? frame->stride_bytes : (size_t)3 * frame->width;
}

/* ------------------------------------------------------------------ choose.c */

/* The index of the face to take of count > 0 faces; -1 when VE_FACE_ONLY finds no single one. */
int ve__face_choose(const ve_face *faces, size_t count, ve_face_choice choice, uint32_t width, uint32_t height);

/* ------------------------------------------------------------------ align.c */

/* (x, y) of the frame -> (a x - b y + x0, b x + a y + y0) of the crop. */
typedef struct ve__similarity {
    double a, b, x0, y0;
} ve__similarity;

/* The similarity that brings the points nearest to the template, by least squares. VE_ERR_ARGUMENT for points
 * that are not finite, lie (nearly) in one place, or are far outside any frame. */
ve_status ve__face_fit(const ve_point points[VE_FACE_POINTS], ve__similarity *similarity);
/* Crop pixels for each pixel of the frame. */
double ve__face_scale(const ve__similarity *similarity);

/* Room for the shrunk part of a frame that a crop is taken from. */
#define VE__FACE_SHRUNK_SIDE  244u
#define VE__FACE_SHRUNK_BYTES (3u * VE__FACE_SHRUNK_SIDE * VE__FACE_SHRUNK_SIDE)

/* crop: VE_FACE_CROP_BYTES. shrunk: VE__FACE_SHRUNK_BYTES of scratch. */
void ve__face_crop(const ve_face_frame *frame, const ve__similarity *similarity, uint8_t *shrunk,
                   uint8_t *crop);
/* Share of the crop's pixels whose centre lies in the frame. */
double ve__face_inside(const ve_face_frame *frame, const ve__similarity *similarity);

/* ------------------------------------------------------------------ pose.c */

/* Degrees, signs as in visembed_face.h. Points that the similarity was fitted to. */
void ve__face_pose(const ve_point points[VE_FACE_POINTS], float *yaw, float *pitch, float *roll);

/* ------------------------------------------------------------------ quality.c */

/* The measures that the crop alone gives: sharpness, brightness, contrast, clipped, cover. */
void ve__face_measure_crop(const uint8_t *crop, float values[VE_FACE_MEASURES]);
/* Sets reason, reasons and score from the values; limits has VE_FACE_MEASURES rows. */
void ve__face_judge(const ve_face_limit *limits, ve_face_quality *quality);
/* Puts limits in the place of the default ones; table has VE_FACE_MEASURES rows. */
ve_status ve__face_set_limits(const ve_face_limit *limits, size_t count, ve_face_limit *table);

#endif
