/* SPDX-License-Identifier: MIT */
/* The network is run as it is, on a kernel table whose dense layers have plain rows for panels, so that they
 * can be read. Entries of a table get no pointer of their own: what they look into lies in static memory. */
#include "calibrate.h"

#include "network.h"
#include "visembed.h"

#include <stdlib.h>
#include <string.h>

static const ve__kernels *real;
static calibration *watched;

/* ---- what is seen */

static layer_inputs *layer_of(const void *packed, unsigned k)
{
    for (size_t i = 0; i < watched->layer_count; i++)
        if (watched->layers[i].packed == packed)
            return &watched->layers[i];
    if (watched->layer_count == watched->layers_wanted) /* the head */
        return NULL;
    layer_inputs *layer = &watched->layers[watched->layer_count++];
    layer->packed = packed;
    layer->k = k;
    layer->sum = calloc(k, sizeof *layer->sum);
    layer->moments = k <= CALIBRATION_MAX_K ? calloc((size_t)k * k, sizeof *layer->moments) : NULL;
    watched->out_of_memory |= !layer->sum || (k <= CALIBRATION_MAX_K && !layer->moments);
    return layer;
}

static void add_row(layer_inputs *layer, const float *x)
{
    layer->rows++;
    for (unsigned a = 0; a < layer->k; a++) {
        layer->sum[a] += x[a];
        double *moments = layer->moments ? layer->moments + (size_t)a * layer->k : NULL;
        for (unsigned b = 0; moments && b <= a; b++)
            moments[b] += (double)x[a] * x[b];
    }
}

/* Neighbours are alike: of the early stages' many pixels every fourth is enough. */
static void watch(const void *packed, const float *panel, unsigned rows, unsigned k)
{
    layer_inputs *layer = layer_of(packed, k);
    for (unsigned r = 0; layer && !watched->out_of_memory && r < rows; r++)
        if (layer->calls++ % 4 == 0 || k >= 512)
            add_row(layer, panel + (size_t)r * ve__padded(k));
}

/* ---- the plain table: packed is weights and bias, a panel is rows of ve__padded(k) floats */

static size_t plain_packed_bytes(unsigned k, unsigned n)
{
    return ((size_t)n * k + n) * sizeof(float);
}

static void plain_pack(const float *weights, const float *bias, unsigned k, unsigned n, void *packed)
{
    float *to = packed;
    memcpy(to, weights, (size_t)n * k * sizeof *to);
    for (unsigned j = 0; j < n; j++)
        to[(size_t)n * k + j] = bias ? bias[j] : 0.0f;
}

static size_t plain_panel_bytes(unsigned rows, unsigned k)
{
    return (size_t)rows * ve__padded(k) * sizeof(float);
}

static void plain_panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    for (unsigned r = 0; r < rows; r++)
        memcpy((float *)panel + (size_t)r * ve__padded(k), x + r * stride, k * sizeof *x);
}

static void plain_panel_norm(const float *x, size_t stride, unsigned rows, unsigned k,
                             const ve__norm_rule *rule, void *panel)
{
    real->norm_rows(x, stride, rows, k, rule, NULL, NULL, panel, ve__padded(k));
}

static void plain_panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    for (unsigned r = 0; r < rows; r++)
        for (unsigned i = 0; i < k; i++)
            ((float *)panel)[(size_t)r * ve__padded(k) + i] *= scale[i];
}

static void multiply_row(const float *x, unsigned k, const float *packed, unsigned n, float *out)
{
    for (unsigned j = 0; j < n; j++)
        out[j] = packed[(size_t)n * k + j] + real->dot(x, packed + (size_t)j * k, k);
}

static void plain_multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                           const float *const *residual, float *const *out)
{
    if (residual || watched->layer_count > 0) /* fc2, or downsampling: the stem comes before any of them */
        watch(packed, panel, rows, k);
    for (unsigned r = 0; r < rows; r++) {
        const float *x = (const float *)panel + (size_t)r * ve__padded(k), *w = packed;
        for (unsigned j = 0; j < n; j++)
            out[r][j] =
                w[(size_t)n * k + j] + real->dot(x, w + (size_t)j * k, k) + (residual ? residual[r][j] : 0.0f);
        for (unsigned j = n; j < ve__padded(n); j++)
            out[r][j] = 0.0f;
    }
}

static void plain_multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                                void *panel_out, float *square_sums)
{
    watch(packed, panel, rows, k);
    for (unsigned r = 0; r < rows; r++) {
        float *out = (float *)panel_out + (size_t)r * ve__padded(n);
        multiply_row((const float *)panel + (size_t)r * ve__padded(k), k, packed, n, out);
        real->gelu(out, n);
        for (unsigned j = 0; square_sums && j < n; j++)
            square_sums[j] += out[j] * out[j];
    }
}

static void fill_plain(ve__kernels *table)
{
    *table = *real;
    table->dense_f32 = (ve__dense){.packed_bytes = plain_packed_bytes,
                                   .pack = plain_pack,
                                   .panel_bytes = plain_panel_bytes,
                                   .panel_write = plain_panel_write,
                                   .panel_norm = plain_panel_norm,
                                   .panel_scale = plain_panel_scale,
                                   .multiply = plain_multiply,
                                   .multiply_gelu = plain_multiply_gelu,
                                   .tile_rows = 1};
}

/* ---- the run */

static ve_status count_layers(const ve__arch *arch, calibration *c)
{
    c->layers_wanted = VE__STAGES - 1;
    for (unsigned s = 0; s < VE__STAGES; s++)
        c->layers_wanted += 2 * arch->depths[s];
    return c->layers_wanted <= CALIBRATION_LAYERS
               ? VE_OK
               : ve__fail(VE_ERR_TOO_LARGE, "%zu layers to calibrate, the limit is %u", c->layers_wanted,
                          CALIBRATION_LAYERS);
}

static ve_status look_at_all(network *n, const pictures *p, calibration *c)
{
    float embedding[VE_MAX_DIM];
    for (size_t i = 0; i < p->count; i++) {
        ve_image *image;
        VE_TRY(ve_image_load(p->paths[i], &image));
        ve_status status = network_embed(n, image, embedding);
        ve_image_free(image);
        VE_TRY(status);
        if (c->out_of_memory)
            return ve__fail(VE_ERR_MEMORY, "no memory to calibrate in");
        c->picture_count++;
    }
    return VE_OK;
}

ve_status calibrate(const ve__weights *reference, const pictures *p, calibration *c)
{
    static ve__kernels plain;
    network n;
    memset(&n, 0, sizeof n);
    VE_TRY(ve__kernels_select(&real));
    fill_plain(&plain);
    VE_TRY(count_layers(ve__weights_arch(reference), c));
    watched = c;
    ve_status status = network_open(reference, &plain, VE__PRECISION_F32, &n);
    if (status == VE_OK)
        status = look_at_all(&n, p, c);
    network_close(&n);
    return status;
}

void calibration_free(calibration *c)
{
    for (size_t i = 0; i < c->layer_count; i++) {
        free(c->layers[i].sum);
        free(c->layers[i].moments);
    }
}
