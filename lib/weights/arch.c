/* SPDX-License-Identifier: MIT */
/* Checks an architecture and a preprocessing against the limits of arch.h. */
#include "visembed.h"
#include "weights/weights.h"

#include <math.h>

static ve_status check_range(const char *what, uint32_t value, uint32_t low, uint32_t high)
{
    if (value < low || value > high)
        return ve__fail(VE_ERR_FORMAT, "%s is %lu, allowed are %lu to %lu", what, (unsigned long)value,
                        (unsigned long)low, (unsigned long)high);
    return VE_OK;
}

static ve_status check_eps(const char *what, float eps)
{
    if (!(eps > 0.0f && eps < 1.0f))
        return ve__fail(VE_ERR_FORMAT, "%s is %g, allowed is what lies between 0 and 1", what, (double)eps);
    return VE_OK;
}

static ve_status check_stages(const ve__arch *arch)
{
    for (unsigned s = 0; s < VE__STAGES; s++) {
        VE_TRY(check_range("depths", arch->depths[s], 1, VE__MAX_DEPTH));
        VE_TRY(check_range("dims", arch->dims[s], 1, VE__MAX_CHANNELS));
    }
    return check_range("hidden_ratio", arch->hidden_ratio, 1, 8);
}

/* Fields that a stem does not use are zero, so that one network has one description. */
static ve_status check_stem(const ve__arch *arch)
{
    VE_TRY(check_range("stem", arch->stem, VE__STEM_PATCH, VE__STEM_OVERLAP_ACT));
    int patch = arch->stem == VE__STEM_PATCH;
    VE_TRY(check_range("stem_patch", arch->stem_patch, patch ? 1 : 0, patch ? 16 : 0));
    return check_range("stem_mid", arch->stem_mid, patch ? 0 : 1, patch ? 0 : VE__MAX_CHANNELS);
}

/* What the final and head fields amount to. */
static uint32_t embedding_kind(const ve__arch *arch)
{
    if (arch->head_layers)
        return VE_EMBEDDING_HEAD;
    return arch->final == VE__FINAL_POOL ? VE_EMBEDDING_POOLED : VE_EMBEDDING_NORM;
}

static ve_status check_head(const ve__arch *arch)
{
    VE_TRY(check_range("final", arch->final, VE__FINAL_POOL, VE__FINAL_NORM_POOL));
    VE_TRY(check_range("head_layers", arch->head_layers, 0, VE__MAX_HEAD_LAYERS));
    for (unsigned i = 0; i < VE__MAX_HEAD_LAYERS; i++) {
        int used = i < arch->head_layers;
        VE_TRY(check_range("head_dims", arch->head_dims[i], used ? 1 : 0, used ? VE_MAX_DIM : 0));
    }
    return check_range("embedding_kind", arch->embedding_kind, embedding_kind(arch), embedding_kind(arch));
}

/* A network with maps has no embedding, and so nothing that makes one. */
static ve_status check_maps(const ve__arch *arch)
{
    VE_TRY(check_range("map_outputs", arch->map_outputs, 0, VE__MAX_MAP_OUTPUTS));
    if (arch->map_outputs && (arch->final != VE__FINAL_POOL || arch->head_layers))
        return ve__fail(VE_ERR_FORMAT, "map_outputs is %lu beside a final norm or a head",
                        (unsigned long)arch->map_outputs);
    return VE_OK;
}

ve_status ve__arch_check(const ve__arch *arch)
{
    VE_TRY(check_range("version", arch->version, 1, 2));
    VE_TRY(check_stages(arch));
    VE_TRY(check_stem(arch));
    VE_TRY(check_range("norm", arch->norm, VE__NORM_LAYER, VE__NORM_SIMPLE));
    VE_TRY(check_eps("eps", arch->eps));
    VE_TRY(check_eps("final_eps", arch->final_eps));
    VE_TRY(check_head(arch));
    return check_maps(arch);
}

static ve_status check_colours(const ve__preprocess *preprocess)
{
    for (unsigned c = 0; c < 3; c++) {
        if (!(fabsf(preprocess->mean[c]) <= 1000.0f))
            return ve__fail(VE_ERR_FORMAT, "mean[%u] is %g, allowed are -1000 to 1000", c,
                            (double)preprocess->mean[c]);
        if (!(preprocess->std[c] >= 1e-6f && preprocess->std[c] <= 1000.0f))
            return ve__fail(VE_ERR_FORMAT, "std[%u] is %g, allowed are 1e-6 to 1000", c,
                            (double)preprocess->std[c]);
    }
    return VE_OK;
}

ve_status ve__preprocess_check(const ve__preprocess *preprocess)
{
    VE_TRY(check_range("input width", preprocess->width, 1, VE__MAX_INPUT_SIDE));
    VE_TRY(check_range("input height", preprocess->height, 1, VE__MAX_INPUT_SIDE));
    VE_TRY(check_colours(preprocess));
    VE_TRY(check_range("filter", preprocess->filter, VE__FILTER_NEAREST, VE__FILTER_LANCZOS));
    VE_TRY(check_range("crop", preprocess->crop, VE__CROP_CENTER, VE__CROP_BORDER));
    if (!(preprocess->crop_fraction >= 0.1f && preprocess->crop_fraction <= 1.0f))
        return ve__fail(VE_ERR_FORMAT, "crop_fraction is %g, allowed are 0.1 to 1",
                        (double)preprocess->crop_fraction);
    return check_range("resize_to", preprocess->resize_to, 0, 2 * VE__MAX_INPUT_SIDE);
}
