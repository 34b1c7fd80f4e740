/* SPDX-License-Identifier: MIT */
/* Preprocessing from JSON files. Three dialects, each with its own defaults for what a file leaves out. */
#include "config.h"

#include <math.h>
#include <string.h>

static ve_status fail_bad(const config *c, const char *key)
{
    return ve__fail(VE_ERR_FORMAT, "%s: %s has not the form that we know", c->names, key);
}

static json_t *get(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static int is_true(const json_t *object, const char *key, int when_absent)
{
    const json_t *value = get(object, key);
    return value ? !json_is_false(value) : when_absent;
}

static int read_side(const json_t *value, uint32_t *side)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > VE__MAX_INPUT_SIDE)
        return 0;
    *side = (uint32_t)json_integer_value(value);
    return 1;
}

/* Three numbers, or one for all channels; a value that is absent changes nothing. */
static ve_status read_colours(const config *c, const json_t *object, const char *key, float out[3])
{
    const json_t *value = get(object, key);
    if (!value)
        return VE_OK;
    for (size_t i = 0; i < 3; i++) {
        const json_t *number = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_number(number) || (json_is_array(value) && json_array_size(value) != 3))
            return fail_bad(c, key);
        out[i] = (float)json_number_value(number);
    }
    return VE_OK;
}

static ve_status read_word(const config *c, const json_t *object, const char *key, const char *const *words,
                           uint32_t count, uint32_t *out)
{
    const json_t *value = get(object, key);
    if (!value)
        return VE_OK;
    for (uint32_t i = 0; i < count; i++)
        if (json_is_string(value) && strcmp(json_string_value(value), words[i]) == 0) {
            *out = i + 1;
            return VE_OK;
        }
    return ve__fail(VE_ERR_UNSUPPORTED, "%s: %s \"%.32s\" is unknown", c->names, key,
                    json_is_string(value) ? json_string_value(value) : "(not a word)");
}

/* In the order of ve__filter and ve__crop. */
static const char *const filters[] = {"nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"};
static const char *const crops[] = {"center", "squash", "border"};

/* The float whose quotient side / fraction has the same whole part as the double's: 0.8f lies above 0.8, and
 * 224 / 0.8f below 280. */
static float round_fraction(double fraction, uint32_t side)
{
    float rounded = (float)fraction;
    double want = floor((double)side / fraction), have = floor((double)side / (double)rounded);
    return have == want ? rounded : nextafterf(rounded, have < want ? 0.0f : 2.0f);
}

static ve_status set_fraction(const config *c, const json_t *value, ve__preprocess *p)
{
    if (!value)
        return VE_OK;
    if (!json_is_number(value) || !(json_number_value(value) >= 0.1 && json_number_value(value) <= 1.0))
        return fail_bad(c, "crop_pct");
    p->crop_fraction = round_fraction(json_number_value(value), p->width < p->height ? p->width : p->height);
    p->resize_to = 0;
    return VE_OK;
}

/* ---- timm */

static ve_status read_input_size(const config *c, const json_t *value, ve__preprocess *p)
{
    if (!value)
        return VE_OK;
    if (json_array_size(value) != 3 || json_integer_value(json_array_get(value, 0)) != 3 ||
        !read_side(json_array_get(value, 1), &p->height) || !read_side(json_array_get(value, 2), &p->width))
        return fail_bad(c, "input_size (three channels, height, width)");
    p->resize_to = 0;
    return VE_OK;
}

static ve_status read_timm(const config *c, const json_t *cfg, ve__preprocess *p)
{
    VE_TRY(read_input_size(c, get(cfg, "input_size"), p));
    VE_TRY(read_word(c, cfg, "interpolation", filters, 6, &p->filter));
    VE_TRY(read_word(c, cfg, "crop_mode", crops, 3, &p->crop));
    VE_TRY(read_colours(c, cfg, "mean", p->mean));
    VE_TRY(read_colours(c, cfg, "std", p->std));
    return set_fraction(c, get(cfg, "crop_pct"), p);
}

/* ---- Hugging Face: preprocessor_config.json */

static const uint32_t pillow_filters[] = {VE__FILTER_NEAREST, VE__FILTER_LANCZOS, VE__FILTER_BILINEAR,
                                          VE__FILTER_BICUBIC, VE__FILTER_BOX,     VE__FILTER_HAMMING};

static ve_status read_resample(const config *c, const json_t *file, uint32_t when_absent, ve__preprocess *p)
{
    const json_t *value = get(file, "resample");
    p->filter = when_absent;
    if (!value)
        return VE_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 5)
        return fail_bad(c, "resample");
    p->filter = pillow_filters[json_integer_value(value)];
    return VE_OK;
}

static ve_status read_normalize(const config *c, const json_t *file, ve__preprocess *p)
{
    const json_t *factor = get(file, "rescale_factor");
    int scales = is_true(file, "do_rescale", 1) && is_true(file, "do_resize", 1);
    if (!scales || (factor && fabs(json_number_value(factor) * 255.0 - 1.0) > 1e-6))
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: pictures that are not resized and scaled to 0 ... 1",
                        c->names);
    VE_TRY(read_colours(c, file, "image_mean", p->mean));
    VE_TRY(read_colours(c, file, "image_std", p->std));
    for (int i = 0; i < 3 && !is_true(file, "do_normalize", 1); i++) {
        p->mean[i] = 0.0f;
        p->std[i] = 1.0f;
    }
    return VE_OK;
}

/* {"height": H, "width": W}, or one number for both. */
static int read_rectangle(const json_t *value, ve__preprocess *p)
{
    if (json_is_integer(value))
        return read_side(value, &p->width) && read_side(value, &p->height);
    return read_side(get(value, "width"), &p->width) && read_side(get(value, "height"), &p->height);
}

static int read_shortest(const json_t *value, uint32_t *side)
{
    return read_side(json_is_integer(value) ? value : get(value, "shortest_edge"), side);
}

/* Below 384 the picture is cropped, from there on it is squashed. The class's own mean and std are 0.5. */
static ve_status read_hf_convnext(const config *c, const json_t *file, ve__preprocess *p)
{
    static const uint32_t class_size = 384;
    uint32_t side = class_size;
    if (get(file, "size") && !read_shortest(get(file, "size"), &side))
        return fail_bad(c, "size");
    for (int i = 0; i < 3; i++)
        p->mean[i] = p->std[i] = 0.5f;
    p->width = p->height = side;
    p->resize_to = 0;
    p->crop = side < 384 ? VE__CROP_CENTER : VE__CROP_SQUASH;
    p->crop_fraction = side < 384 ? 0.875f : 1.0f;
    if (side < 384)
        VE_TRY(set_fraction(c, get(file, "crop_pct"), p));
    return read_resample(c, file, VE__FILTER_BICUBIC, p);
}

/* Other processors: squashed to a rectangle, or the shorter side resized and the centre cropped. */
static ve_status read_hf_other(const config *c, const json_t *file, ve__preprocess *p)
{
    p->crop_fraction = 1.0f;
    p->resize_to = 0;
    VE_TRY(read_resample(c, file, VE__FILTER_BILINEAR, p));
    if (!is_true(file, "do_center_crop", 0)) {
        p->crop = VE__CROP_SQUASH;
        return !get(file, "size") || read_rectangle(get(file, "size"), p) ? VE_OK : fail_bad(c, "size");
    }
    p->crop = VE__CROP_CENTER;
    if (!read_shortest(get(file, "size"), &p->resize_to) || !read_rectangle(get(file, "crop_size"), p))
        return fail_bad(c, "size or crop_size");
    return VE_OK;
}

static ve_status read_hf(const config *c, const json_t *file, ve__preprocess *p)
{
    const char *type = json_string_value(get(file, "image_processor_type"));
    if (!type)
        type = json_string_value(get(file, "feature_extractor_type"));
    if (type && (strncmp(type, "ConvNext", 8) == 0 || strncmp(type, "ConvNeXT", 8) == 0))
        VE_TRY(read_hf_convnext(c, file, p));
    else
        VE_TRY(read_hf_other(c, file, p));
    return read_normalize(c, file, p);
}

/* ---- OpenCLIP: open_clip_config.json */

static ve_status read_clip_size(const config *c, const json_t *file, const json_t *cfg, ve__preprocess *p)
{
    const json_t *size = get(cfg, "size");
    if (!size)
        size = get(get(get(file, "model_cfg"), "vision_cfg"), "image_size");
    if (!size)
        return VE_OK;
    const json_t *height = json_is_array(size) ? json_array_get(size, 0) : size;
    const json_t *width = json_is_array(size) ? json_array_get(size, 1) : size;
    return read_side(height, &p->height) && read_side(width, &p->width) ? VE_OK : fail_bad(c, "size");
}

static ve_status read_open_clip(const config *c, const json_t *file, ve__preprocess *p)
{
    static const char *const modes[] = {"shortest", "squash"};
    const json_t *cfg = get(file, "preprocess_cfg");
    p->resize_to = 0;
    p->crop = VE__CROP_CENTER;
    p->crop_fraction = 1.0f;
    VE_TRY(read_clip_size(c, file, cfg, p));
    VE_TRY(read_word(c, cfg, "interpolation", filters, 6, &p->filter));
    VE_TRY(read_word(c, cfg, "resize_mode", modes, 2, &p->crop)); /* "longest" pads with black: not ours */
    VE_TRY(read_colours(c, cfg, "mean", p->mean));
    return read_colours(c, cfg, "std", p->std);
}

/* ---- which dialect a file speaks */

static int has_any(const json_t *object, const char *const *keys)
{
    for (; *keys; keys++)
        if (get(object, *keys))
            return 1;
    return 0;
}

static ve_status read_file(const config *c, const json_t *file, ve__preprocess *p, int *is_given)
{
    static const char *const timm_keys[] = {"input_size", "interpolation", "crop_pct", "crop_mode",
                                            "mean",       "std",           NULL};
    static const char *const hf_keys[] = {"image_processor_type", "feature_extractor_type", "image_mean",
                                          "image_std", NULL};
    const json_t *timm = get(file, "pretrained_cfg");
    if (!timm)
        timm = file;
    *is_given = 1;
    if (get(file, "preprocess_cfg"))
        return read_open_clip(c, file, p);
    if (has_any(file, hf_keys))
        return read_hf(c, file, p);
    if (has_any(timm, timm_keys))
        return read_timm(c, timm, p);
    *is_given = 0;
    if (get(file, "hidden_sizes") && get(file, "image_size")) { /* transformers' config.json */
        p->resize_to = 0;
        return read_rectangle(get(file, "image_size"), p) ? VE_OK : fail_bad(c, "image_size");
    }
    return VE_OK;
}

ve_status config_preprocess(const config *c, ve__preprocess *preprocess, int *is_given)
{
    *is_given = 0;
    for (int i = 0; i < CONFIG_MAX_FILES; i++) {
        int given = 0;
        if (c->files[i])
            VE_TRY(read_file(c, c->files[i], preprocess, &given));
        *is_given |= given;
    }
    return VE_OK;
}
