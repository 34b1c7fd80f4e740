/* SPDX-License-Identifier: MIT */
/*
 * visembed_face.h - from a camera's frame to a face's template.
 *
 * A detector finds faces and five points in each; the points carry the face to the place in a 112x112 crop
 * where the embedder expects it; measures of the crop and the points say whether it is worth comparing; the
 * embedder makes the template. ve_face_embed() is all of it:
 *
 *     ve_detector *detector;  ve_face_session *session;  ve_face_result result = VE_FACE_RESULT_INIT;
 *     float template[VE_MAX_DIM];
 *     ve_detector_open("face-detector.vew", NULL, &detector);
 *     ve_face_session_create(model, detector, NULL, &session);
 *     ve_face_frame frame = ve_face_frame_of(image);
 *     if (ve_face_embed(session, &frame, &result, template) == VE_OK && result.reason == VE_FACE_FINE)
 *         ... compare template with ve_similarity(), or keep it in a store ...
 *     else
 *         ... tell ve_face_reason_message(result.reason): "no face", "turn to the camera" ...
 *
 * Coordinates are pixels of the frame: (0, 0) is the middle of its upper left one, x runs to the right, y down.
 * "Left" and "right" are those of the picture, not of the person. The rules of visembed.h hold here as well.
 */
#ifndef VISEMBED_FACE_H
#define VISEMBED_FACE_H

#include "visembed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ frames */

/* RGB pixels, 3 bytes each, in the caller's memory: a camera's buffer, say. */
typedef struct ve_face_frame {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride_bytes; /* from one row to the next; 0: rows lie tightly together */
} ve_face_frame;

/* A picture as a frame; it borrows the picture's pixels. All zero for NULL. */
VE_API ve_face_frame ve_face_frame_of(const ve_image *image);

/* ------------------------------------------------------------------ detector */

/* Weights of a face detector. Immutable: share it between any number of threads, close it after the last
 * session made from it has been freed. */
typedef struct ve_detector ve_detector;

typedef struct ve_detector_options {
    uint32_t struct_size;
    uint32_t flags; /* none defined yet: 0 */
} ve_detector_options;
#define VE_DETECTOR_OPTIONS_INIT                                                                               \
    {                                                                                                          \
        sizeof(ve_detector_options), 0                                                                         \
    }

/* Opens a detector's weight file; statuses as for ve_model_open. */
VE_API ve_status ve_detector_open(const char *path, const ve_detector_options *options, ve_detector **detector);
/* The same from memory; bytes are not needed afterwards. */
VE_API ve_status ve_detector_open_memory(const void *bytes, size_t size, const ve_detector_options *options,
                                         ve_detector **detector);
VE_API void ve_detector_close(ve_detector *detector);

/* ------------------------------------------------------------------ faces */

typedef struct ve_point {
    float x, y;
} ve_point;

/* left eye, right eye, tip of the nose, left and right corner of the mouth */
#define VE_FACE_POINTS 5

typedef struct ve_face {
    float x, y, width, height; /* the box; it may reach over the frame's edge */
    float score;               /* 0 to 1: how sure the detector is */
    ve_point points[VE_FACE_POINTS];
} ve_face;

/* Side of an aligned crop, pixels. */
#define VE_FACE_CROP_SIDE  112u
#define VE_FACE_CROP_BYTES (3u * VE_FACE_CROP_SIDE * VE_FACE_CROP_SIDE)

/* What is measured of a face: an index into ve_face_quality.values. */
typedef enum ve_face_measure {
    VE_FACE_EYE_DISTANCE = 0, /* pixels of the frame between the eyes */
    VE_FACE_SHARPNESS = 1,    /* detail of the crop against its contrast; 0: none */
    VE_FACE_BRIGHTNESS = 2,   /* mean level of the face, 0 to 255 */
    VE_FACE_CONTRAST = 3,     /* standard deviation of the levels of the face */
    VE_FACE_CLIPPED = 4,      /* share of the face that is black or white, 0 to 1 */
    VE_FACE_YAW = 5,          /* degrees; positive: the nose points to the right in the picture */
    VE_FACE_PITCH = 6,        /* degrees; positive: the nose points down */
    VE_FACE_ROLL = 7,         /* degrees; positive: clockwise as seen in the picture */
    VE_FACE_INSIDE = 8,       /* share of the crop that the frame covers, 0 to 1 */
    VE_FACE_COVER = 9, /* how much eyes or mouth differ in colour from the cheeks: a mask, dark glasses */
    VE_FACE_MEASURES = 10
} ve_face_measure;

/* Why a face or a frame is not good enough. The order is that in which they are told. */
typedef enum ve_face_reason {
    VE_FACE_FINE = 0,
    VE_FACE_NONE = 1,      /* no face in the frame */
    VE_FACE_SEVERAL = 2,   /* more than one; see ve_face_choice */
    VE_FACE_TOO_SMALL = 3, /* VE_FACE_EYE_DISTANCE is below its limit, and so on */
    VE_FACE_CUT_OFF = 4,
    VE_FACE_TOO_DARK = 5,
    VE_FACE_TOO_BRIGHT = 6,
    VE_FACE_FLAT = 7,        /* too little contrast */
    VE_FACE_OVEREXPOSED = 8, /* too much of it is black or white */
    VE_FACE_TURNED = 9,      /* yaw */
    VE_FACE_TILTED = 10,     /* pitch */
    VE_FACE_ROLLED = 11,     /* roll */
    VE_FACE_BLURRED = 12,    /* sharpness */
    VE_FACE_COVERED = 13,    /* cover */
    VE_FACE_REASONS = 14
} ve_face_reason;

/* "too_dark"; for an unknown number "unknown". Static text, never NULL. */
VE_API const char *ve_face_reason_name(ve_face_reason reason);
/* What the person in front of the camera can do: "too dark: more light is needed". Static text, never NULL. */
VE_API const char *ve_face_reason_message(ve_face_reason reason);
/* "eye_distance"; for an unknown number "unknown". */
VE_API const char *ve_face_measure_name(ve_face_measure measure);

/* What a measure must keep to: low <= value <= high. */
typedef struct ve_face_limit {
    uint32_t measure; /* ve_face_measure */
    float low, high;  /* -INFINITY, INFINITY: no limit */
} ve_face_limit;

/* The limits that hold when nothing else is said, VE_FACE_MEASURES of them in the order of ve_face_measure.
 * They were set by what tools/measure-quality finds in pictures of faces. */
VE_API const ve_face_limit *ve_face_default_limits(void);

typedef struct ve_face_quality {
    uint32_t struct_size;
    uint32_t reason;  /* ve_face_reason: the first one that applies; VE_FACE_FINE when all limits are kept */
    uint32_t reasons; /* all that apply: bit 1 << reason */
    float score;      /* 0 to 1: how far inside all limits; the weight when templates are combined */
    float values[VE_FACE_MEASURES];
    float reserved[6];
} ve_face_quality;
#define VE_FACE_QUALITY_INIT                                                                                   \
    {                                                                                                          \
        sizeof(ve_face_quality), 0, 0, 0.0f, {0},                                                              \
        {                                                                                                      \
            0                                                                                                  \
        }                                                                                                      \
    }

/* ------------------------------------------------------------------ session */

/* Scratch memory and threads for everything below. One thread at a time may use a session. It keeps pointers to
 * its model and its detector. */
typedef struct ve_face_session ve_face_session;

/* Which face ve_face_embed takes when there are several. */
typedef enum ve_face_choice {
    VE_FACE_ONLY = 0,    /* none (VE_FACE_SEVERAL), unless one is more than twice as wide as any other */
    VE_FACE_LARGEST = 1, /* the one with the widest box */
    VE_FACE_CENTRAL = 2  /* large and near the middle: of pictures that were taken of somebody */
} ve_face_choice;

/* Flags of ve_face_options. */
#define VE_FACE_ALIGNED                                                                                        \
    1u /* frames are square crops of one aligned face each, as VE_FACE_CROP_SIDE tells (larger or              \
          smaller ones are resized): nothing is detected, and there is no pose to measure */
#define VE_FACE_ANY_QUALITY 2u /* templates are made of faces that break limits, too; reasons are told */

typedef struct ve_face_options {
    uint32_t struct_size;
    uint32_t flags;         /* VE_FACE_ALIGNED, VE_FACE_ANY_QUALITY */
    uint32_t threads;       /* that work on one frame, the caller's included; 0: one */
    uint32_t smallest_face; /* pixels of the smallest face looked for, the longer side of its box, from 20;
                               0: 48. Half of it costs four times the work */
    float min_score;        /* of a face; 0: 0.5 */
    uint32_t choice;        /* ve_face_choice */
    uint32_t limit_count;
    uint32_t reserved;           /* 0 */
    const ve_face_limit *limits; /* replace the default limits of their measures; copied */
} ve_face_options;
#define VE_FACE_OPTIONS_INIT                                                                                   \
    {                                                                                                          \
        sizeof(ve_face_options), 0, 0, 0, 0.0f, 0, 0, 0, NULL                                                  \
    }

/* All memory that any later call needs is taken here, for frames of any size. model NULL: the session detects,
 * aligns and measures, but makes no templates. detector NULL: it detects nothing; points come from elsewhere,
 * or VE_FACE_ALIGNED is set. */
VE_API ve_status ve_face_session_create(const ve_model *model, const ve_detector *detector,
                                        const ve_face_options *options, ve_face_session **session);
/* Wipes what it kept of faces. */
VE_API void ve_face_session_free(ve_face_session *session);
/* Bytes of memory that the session holds. */
VE_API size_t ve_face_session_memory(const ve_face_session *session);

/* ------------------------------------------------------------------ single steps */

/* No more faces than this are found in one frame. */
#define VE_FACE_MAX_FOUND 256u

/* Finds faces, the surest first. *count gets their number; VE_ERR_TOO_SMALL, with the first `capacity` faces in
 * place, when that is above capacity. No face: VE_OK and 0. VE_ERR_STATE without a detector. */
VE_API ve_status ve_face_detect(ve_face_session *session, const ve_face_frame *frame, ve_face *faces,
                                size_t capacity, size_t *count);

/* Moves, turns and scales the frame by the similarity that brings the five points nearest to their places in
 * the crop (least squares): crop gets VE_FACE_CROP_SIDE rows of as many RGB pixels, black where the frame ends.
 * VE_ERR_ARGUMENT for points that lie in one place or are not finite. */
VE_API ve_status ve_face_align(ve_face_session *session, const ve_face_frame *frame,
                               const ve_point points[VE_FACE_POINTS], uint8_t *crop);

/* Aligns and measures one face against the session's limits. Set quality->struct_size first. */
VE_API ve_status ve_face_assess(ve_face_session *session, const ve_face_frame *frame,
                                const ve_point points[VE_FACE_POINTS], ve_face_quality *quality);

/* The template of a crop that ve_face_align made; embedding has room for the model's dim floats. */
VE_API ve_status ve_face_embed_crop(ve_face_session *session, const uint8_t *crop, float *embedding);

/* ------------------------------------------------------------------ a frame to a template */

typedef struct ve_face_result {
    uint32_t struct_size;
    uint32_t reason;       /* ve_face_reason */
    uint32_t has_template; /* 1: the template was written */
    uint32_t face_count;   /* faces in the frame */
    ve_face face;          /* the one that was taken, when there was one */
    ve_face_quality quality;
} ve_face_result;
#define VE_FACE_RESULT_INIT                                                                                    \
    {                                                                                                          \
        sizeof(ve_face_result), 0, 0, 0, {0, 0, 0, 0, 0, {{0, 0}}}, VE_FACE_QUALITY_INIT                       \
    }

/* Detects, chooses, aligns, measures, embeds. A frame that cannot be used is no failure: VE_OK, with the reason
 * and what is known in *result, and embedding untouched. Allocates nothing. The embedding (the model's dim
 * floats) has unit length. */
VE_API ve_status ve_face_embed(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result,
                               float *embedding);

/* Several frames of one person to one template. ve_face_begin forgets what was collected (and wipes it);
 * ve_face_add is ve_face_embed that keeps the template in the session, the VE_FACE_MAX_KEPT best by quality;
 * ve_face_finish makes the mean of the `best` ones (0: of all kept), each weighted by its quality, of unit
 * length.
 *
 * *used (may be NULL) gets how many templates went into it. *agreement (may be NULL) gets the lowest similarity
 * of one of them to the mean of the others (1 for a single one): two people in turn before the camera, or a
 * face that was found wrongly, show there. VE_ERR_NOT_FOUND when no good frame was added. */
#define VE_FACE_MAX_KEPT 16u
VE_API ve_status ve_face_begin(ve_face_session *session);
VE_API ve_status ve_face_add(ve_face_session *session, const ve_face_frame *frame, ve_face_result *result);
VE_API ve_status ve_face_finish(ve_face_session *session, uint32_t best, float *embedding, uint32_t *used,
                                float *agreement);
/* Frames kept since ve_face_begin. */
VE_API uint32_t ve_face_kept(const ve_face_session *session);

/* The weighted mean of count unit vectors, dim floats each, one after the other, scaled to unit length. weights
 * NULL: all the same; VE_ERR_ARGUMENT when they are negative or all zero, or when the mean has no direction.
 * mean may be one of the vectors. */
VE_API ve_status ve_face_combine(const float *embeddings, const float *weights, size_t count, size_t dim,
                                 float *mean);

#ifdef __cplusplus
}
#endif
#endif
