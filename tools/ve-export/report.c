/* SPDX-License-Identifier: MIT */
/* Cosines of the embeddings, and where in the network the error arises. */
#include "report.h"

#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (VE__STAGES + 1) /* behind the stem and each stage */

typedef struct comparison {
    network reference, written;
    float *maps[PLACES]; /* the reference's, of the picture in hand */
    double errors[PLACES], sizes[PLACES];
    float *cosines;
    size_t count;
    int out_of_memory;
} comparison;

static void keep_map(void *data, int stage, const float *map, uint32_t height, uint32_t width,
                     uint32_t channels, size_t row_stride, size_t pixel_stride)
{
    comparison *c = data;
    float **kept = &c->maps[stage + 1];
    size_t row = (size_t)width * channels;
    if (!*kept && !(*kept = malloc(height * row * sizeof **kept))) {
        c->out_of_memory = 1;
        return;
    }
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            memcpy(*kept + y * row + (size_t)x * channels, map + (y * row_stride + x) * pixel_stride,
                   channels * sizeof *map);
}

static void compare_map(void *data, int stage, const float *map, uint32_t height, uint32_t width,
                        uint32_t channels, size_t row_stride, size_t pixel_stride)
{
    comparison *c = data;
    const float *kept = c->maps[stage + 1];
    for (uint32_t y = 0; kept && y < height; y++)
        for (uint32_t x = 0; x < width; x++, kept += channels) {
            const float *pixel = map + (y * row_stride + x) * pixel_stride;
            for (uint32_t i = 0; i < channels; i++) {
                double error = (double)pixel[i] - kept[i];
                c->errors[stage + 1] += error * error;
                c->sizes[stage + 1] += (double)kept[i] * kept[i];
            }
        }
}

static ve_status open_both(const ve__weights *reference, const char *path, comparison *c)
{
    const ve__kernels *kernels;
    ve__weights *written;
    VE_TRY(ve__kernels_select(&kernels));
    VE_TRY(network_open(reference, kernels, VE__PRECISION_F32, &c->reference));
    VE_TRY(ve__weights_open(path, &written));
    int is_i8 = strcmp(ve__weights_type(written), "i8") == 0;
    ve_status status =
        network_open(written, kernels, is_i8 ? VE__PRECISION_I8 : VE__PRECISION_F32, &c->written);
    ve__weights_close(written);
    VE_TRY(status);
    ve__run_observe(c->reference.run, keep_map, c);
    ve__run_observe(c->written.run, compare_map, c);
    return VE_OK;
}

static ve_status compare_picture(comparison *c, const char *path)
{
    float a[VE_MAX_DIM], b[VE_MAX_DIM];
    ve_image *image;
    VE_TRY(ve_image_load(path, &image));
    ve_status status = network_embed(&c->reference, image, a);
    if (status == VE_OK)
        status = network_embed(&c->written, image, b);
    ve_image_free(image);
    VE_TRY(status);
    if (c->out_of_memory)
        return ve__fail(VE_ERR_MEMORY, "no memory for feature maps");
    c->cosines[c->count++] = ve_similarity(a, b, ve__net_dim(c->reference.net));
    return VE_OK;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_errors(const comparison *c, FILE *out)
{
    static const char *const places[PLACES] = {"stem", "stage 0", "stage 1", "stage 2", "stage 3"};
    double before = 0, most = -1;
    size_t worst = 0;
    fprintf(out, "error          ");
    for (size_t i = 0; i < PLACES; i++) {
        double error = c->sizes[i] > 0 ? sqrt(c->errors[i] / c->sizes[i]) : 0.0;
        fprintf(out, "%s%s %.5f", i ? ", " : "", places[i], error);
        if (error - before > most) {
            most = error - before;
            worst = i;
        }
        before = error;
    }
    fprintf(out, " (relative to f32, behind each)\nmost arises in %s\n", places[worst]);
}

static void print(comparison *c, FILE *out)
{
    double sum = 0;
    for (size_t i = 0; i < c->count; i++)
        sum += c->cosines[i];
    qsort(c->cosines, c->count, sizeof *c->cosines, by_size);
    fprintf(out, "pictures       %zu, whole, prepared as the model says: no face is looked for or aligned\n",
            c->count);
    fprintf(out, "cosine to f32  mean %.6f, worst hundredth %.6f, worst %.6f\n", sum / (double)c->count,
            (double)c->cosines[c->count / 100], (double)c->cosines[0]);
    print_errors(c, out);
}

static void close_both(comparison *c)
{
    network_close(&c->reference);
    network_close(&c->written);
    for (size_t i = 0; i < PLACES; i++)
        free(c->maps[i]);
    free(c->cosines);
}

ve_status report_nearness(const ve__weights *reference, const char *written, const pictures *p, FILE *out)
{
    comparison c;
    memset(&c, 0, sizeof c);
    ve_status status = open_both(reference, written, &c);
    if (status == VE_OK && !(c.cosines = malloc(p->count * sizeof *c.cosines)))
        status = ve__fail(VE_ERR_MEMORY, "no memory for %zu cosines", p->count);
    for (size_t i = 0; i < p->count && status == VE_OK; i++)
        status = compare_picture(&c, p->paths[i]);
    if (status == VE_OK)
        print(&c, out);
    close_both(&c);
    return status;
}
