/* SPDX-License-Identifier: MIT */
/* ve-face: finds faces in pictures and judges them. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "common/streams.h"
#include "common/text.h"
#include "visembed_face.h"

static const char help[] =
    "Usage: ve-face [OPTION]... PICTURE...\n"
    "Finds the faces in pictures and says of each where it is and how good it is: one JSON\n"
    "object a line, with box, five points, score, all measures and the reasons against it.\n"
    "\n"
    "      --detector FILE     weight file of a face detector\n"
    "      --aligned           each picture is an aligned crop of one face already\n"
    "      --smallest N        smallest face to find, pixels of its longer side, 20 to 4096 (48)\n"
    "      --min-score S       how sure the detector must be, 1 to 99 hundredths (50)\n"
    "      --crops FOLDER      writes each face's aligned crop to FOLDER, as PICTURE.N.ppm\n"
    "      --threads N         1 to 64 (1)\n"
    "  -h, --help              this text\n"
    "  -V, --version           the version\n"
    "\n"
    "Without --detector the weight file is the one that the variable VE_DETECTOR names, else the\n"
    "installed face-detector.vew, else weights/face-detector.vew of the source tree.\n"
    "\n"
    "Exit status: 0; 1 when a picture could not be read; 2 for other errors.\n";

typedef struct job {
    const char *detector_path, *crops;
    ve_face_options options;
    ve_detector *detector;
    ve_face_session *session;
    ve_face faces[VE_FACE_MAX_FOUND];
} job;

static int open_session(job *work)
{
    char path[PATH_MAX];
    if (!(work->options.flags & VE_FACE_ALIGNED)) {
        if (detector_path_find(work->detector_path, path, sizeof path) != 0) {
            fprintf(stderr,
                    "ve-face: no detector found; name one with --detector FILE or the variable VE_DETECTOR\n");
            return -1;
        }
        if (ve_detector_open(path, NULL, &work->detector) != VE_OK) {
            fprintf(stderr, "ve-face: %s\n", ve_last_error());
            return -1;
        }
    }
    if (ve_face_session_create(NULL, work->detector, &work->options, &work->session) != VE_OK) {
        fprintf(stderr, "ve-face: %s\n", ve_last_error());
        return -1;
    }
    return 0;
}

/* An aligned picture's points, where visembed_face.h says that they are. */
static ve_face aligned_face(const ve_face_frame *frame)
{
    static const ve_point points[VE_FACE_POINTS] = {{38.2946f, 51.6963f},
                                                    {73.5318f, 51.5014f},
                                                    {56.0252f, 71.7366f},
                                                    {41.5493f, 92.3655f},
                                                    {70.7299f, 92.2041f}};
    float size = (float)frame->width / (float)VE_FACE_CROP_SIDE;
    ve_face face = {0, 0, (float)frame->width, (float)frame->height, 1, {{0, 0}}};
    for (int i = 0; i < VE_FACE_POINTS; i++)
        face.points[i] = (ve_point){points[i].x * size, points[i].y * size};
    return face;
}

static void print_reasons(uint32_t reasons)
{
    const char *comma = "";
    fputs(",\"reasons\":[", stdout);
    for (unsigned reason = 1; reason < VE_FACE_REASONS; reason++)
        if (reasons >> reason & 1) {
            printf("%s\"%s\"", comma, ve_face_reason_name((ve_face_reason)reason));
            comma = ",";
        }
    fputs("]}\n", stdout);
}

static void print_face(const char *path, const ve_face *face, const ve_face_quality *quality)
{
    fputs("{\"picture\":", stdout);
    text_write_json(stdout, path);
    printf(",\"score\":%.4f,\"box\":[%.2f,%.2f,%.2f,%.2f],\"points\":[", (double)face->score, (double)face->x,
           (double)face->y, (double)face->width, (double)face->height);
    for (int i = 0; i < VE_FACE_POINTS; i++)
        printf("%s[%.2f,%.2f]", i ? "," : "", (double)face->points[i].x, (double)face->points[i].y);
    fputs("]", stdout);
    for (unsigned m = 0; m < VE_FACE_MEASURES; m++)
        printf(",\"%s\":%.4g", ve_face_measure_name((ve_face_measure)m), (double)quality->values[m]);
    printf(",\"quality\":%.4f", (double)quality->score);
    print_reasons(quality->reasons);
}

static int write_crop(const job *work, const ve_face_frame *frame, const ve_face *face, const char *path,
                      size_t number)
{
    uint8_t crop[VE_FACE_CROP_BYTES];
    char to[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = snprintf(to, sizeof to, "%s/%s.%zu.ppm", work->crops, slash ? slash + 1 : path, number);
    if (length < 0 || (size_t)length >= sizeof to ||
        ve_face_align(work->session, frame, face->points, crop) != VE_OK)
        return -1;
    FILE *file = fopen(to, "wb");
    if (!file)
        return -1;
    fprintf(file, "P6\n%u %u\n255\n", VE_FACE_CROP_SIDE, VE_FACE_CROP_SIDE);
    fwrite(crop, 1, sizeof crop, file);
    return fclose(file);
}

static ve_status find_faces(job *work, const ve_face_frame *frame, size_t *count)
{
    if (!(work->options.flags & VE_FACE_ALIGNED))
        return ve_face_detect(work->session, frame, work->faces, VE_FACE_MAX_FOUND, count);
    work->faces[0] = aligned_face(frame);
    *count = 1;
    return VE_OK;
}

static int look_at(job *work, const char *path)
{
    ve_image *image = NULL;
    size_t count = 0;
    ve_status status = ve_image_load(path, &image);
    ve_face_frame frame = ve_face_frame_of(image);
    if (status == VE_OK)
        status = find_faces(work, &frame, &count);
    for (size_t i = 0; i < count && status == VE_OK; i++) {
        ve_face_quality quality = VE_FACE_QUALITY_INIT;
        status = ve_face_assess(work->session, &frame, work->faces[i].points, &quality);
        if (status == VE_OK)
            print_face(path, &work->faces[i], &quality);
        if (status == VE_OK && work->crops && write_crop(work, &frame, &work->faces[i], path, i) != 0)
            fprintf(stderr, "ve-face: %s: its crop cannot be written to %s\n", path, work->crops);
    }
    ve_image_free(image);
    if (status != VE_OK)
        fprintf(stderr, "ve-face: %s\n", ve_last_error());
    return status == VE_OK ? 0 : 1;
}

enum { OPTION_DETECTOR = 256, OPTION_ALIGNED, OPTION_SMALLEST, OPTION_MIN_SCORE, OPTION_CROPS, OPTION_THREADS };

static const struct option long_options[] = {{"detector", required_argument, NULL, OPTION_DETECTOR},
                                             {"aligned", no_argument, NULL, OPTION_ALIGNED},
                                             {"smallest", required_argument, NULL, OPTION_SMALLEST},
                                             {"min-score", required_argument, NULL, OPTION_MIN_SCORE},
                                             {"crops", required_argument, NULL, OPTION_CROPS},
                                             {"threads", required_argument, NULL, OPTION_THREADS},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

/* 0: go on; 1: printed what was asked for; -1: a mistake was reported. */
static int read_option(int option, job *work)
{
    unsigned long number = 0;
    int bad = 0;
    switch (option) {
    case OPTION_DETECTOR:
        work->detector_path = optarg;
        break;
    case OPTION_ALIGNED:
        work->options.flags |= VE_FACE_ALIGNED;
        break;
    case OPTION_CROPS:
        work->crops = optarg;
        break;
    case OPTION_SMALLEST:
        bad = text_read_number(optarg, 20, 4096, &number);
        work->options.smallest_face = (uint32_t)number;
        break;
    case OPTION_MIN_SCORE:
        bad = text_read_number(optarg, 1, 99, &number);
        work->options.min_score = (float)number / 100.0f;
        break;
    case OPTION_THREADS:
        bad = text_read_number(optarg, 1, 64, &number);
        work->options.threads = (uint32_t)number;
        break;
    case 'h':
        fputs(help, stdout);
        return 1;
    case 'V':
        printf("ve-face %s\n", ve_version());
        return 1;
    default: /* getopt has said what is wrong */
        return -1;
    }
    if (bad)
        fprintf(stderr, "ve-face: no such number: %s\n", optarg);
    return bad ? -1 : 0;
}

int main(int argc, char **argv)
{
    job work;
    const ve_face_options defaults = VE_FACE_OPTIONS_INIT;
    int option, stop = 0, status = 2;
    memset(&work, 0, sizeof work);
    work.options = defaults;
    if (streams_prepare("ve-face") != 0)
        return 2;
    while (stop == 0 && (option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1)
        stop = read_option(option, &work);
    if (stop == 0 && optind == argc) {
        fputs("ve-face: no picture was given\n", stderr);
        stop = -1;
    }
    if (stop < 0)
        fputs("Try `ve-face --help`.\n", stderr);
    else if (stop == 0 && open_session(&work) == 0) {
        status = 0;
        for (int i = optind; i < argc; i++)
            status |= look_at(&work, argv[i]);
    }
    if (stop > 0)
        status = 0;
    ve_face_session_free(work.session);
    ve_detector_close(work.detector);
    return streams_finish("ve-face", stdout, "standard output") != 0 ? 2 : status;
}
