/* SPDX-License-Identifier: MIT */
/* What ve-export makes of config files: timm's, Hugging Face's, OpenCLIP's, our users' own; and what it
 * refuses. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "unit/export_case.h"

/* ---- config files */

static ve__preprocess input_with(const char *name, const char *text)
{
    list l = case_timm();
    char input[200];
    snprintf(input, sizeof input, "%s", case_path("model.safetensors"));
    export_options options = {input, NULL, NULL, case_plain, 1, NULL, NULL};
    ve__weights *w = NULL;
    case_write(&l);
    case_write_config(name, text);
    if (export_run(&options, stderr, stdout) != VE_OK || ve__weights_open(case_path("model.vew"), &w) != VE_OK)
        fail_msg("%s: %s", text, ve_last_error());
    ve__preprocess p = *ve__weights_preprocess(w);
    ve__weights_close(w);
    case_clear();
    return p;
}

static void test_timm_configs(void **state)
{
    (void)state;
    ve__preprocess p =
        input_with("config.json", "{\"pretrained_cfg\":{\"input_size\":[3,112,96],\"mean\":[0.5,0.25,0.125],"
                                  "\"std\":[1,2,3],\"interpolation\":\"bilinear\",\"crop_pct\":0.8,"
                                  "\"crop_mode\":\"border\"}}");
    assert_int_equal(p.height, 112);
    assert_int_equal(p.width, 96);
    assert_int_equal(p.filter, VE__FILTER_BILINEAR);
    assert_int_equal(p.crop, VE__CROP_BORDER);
    assert_true(p.mean[1] == 0.25f && p.std[2] == 3.0f);
    assert_true(fabsf(p.crop_fraction - 0.8f) < 1e-6f);
    p = input_with("config.json", "{\"architecture\":\"convnext_atto\",\"pretrained_cfg\":{}}");
    assert_true(p.width == 224 && p.crop_fraction == 0.875f && p.filter == VE__FILTER_BICUBIC);
}

/* 224 / 0.8 is 280, though 0.8 as a float lies above 0.8. */
static void test_crop_fractions_keep_the_size_before_the_crop(void **state)
{
    (void)state;
    for (unsigned scale = 225; scale < 450; scale++) {
        char text[96];
        double fraction = 224.0 / scale;
        snprintf(text, sizeof text, "{\"input_size\":[3,224,224],\"crop_pct\":%.17g}", fraction);
        if (scale % 25 != 0 && scale != 280)
            continue;
        ve__preprocess p = input_with("config.json", text);
        assert_int_equal(floor(224.0 / (double)p.crop_fraction), floor(224.0 / fraction));
    }
}

static void test_hugging_face_processors(void **state)
{
    (void)state;
    ve__preprocess p =
        input_with("preprocessor_config.json",
                   "{\"image_processor_type\":\"ConvNextImageProcessor\",\"size\":{\"shortest_edge\":"
                   "256},\"crop_pct\":0.95,\"resample\":2,\"image_mean\":[0.4,0.4,0.4]}");
    assert_true(p.width == 256 && p.crop == VE__CROP_CENTER && p.filter == VE__FILTER_BILINEAR);
    assert_true(p.mean[0] == 0.4f && p.std[0] == 0.5f); /* the class's own std */
    p = input_with("preprocessor_config.json",
                   "{\"feature_extractor_type\":\"ConvNextFeatureExtractor\",\"size\":384}");
    assert_true(p.width == 384 && p.crop == VE__CROP_SQUASH && p.crop_fraction == 1.0f);
    p = input_with("preprocessor_config.json",
                   "{\"image_processor_type\":\"DINOv3ViTImageProcessorFast\",\"size\":{"
                   "\"height\":192,\"width\":160},\"do_center_crop\":null}");
    assert_true(p.height == 192 && p.width == 160 && p.crop == VE__CROP_SQUASH &&
                p.filter == VE__FILTER_BILINEAR);
    p = input_with("preprocessor_config.json",
                   "{\"image_processor_type\":\"CLIPImageProcessor\",\"size\":{\"shortest_"
                   "edge\":248},\"do_center_crop\":true,\"crop_size\":{\"height\":224,"
                   "\"width\":224},\"resample\":3,\"do_normalize\":false}");
    assert_true(p.resize_to == 248 && p.width == 224 && p.crop == VE__CROP_CENTER &&
                p.filter == VE__FILTER_BICUBIC);
    assert_true(p.mean[0] == 0.0f && p.std[0] == 1.0f);
}

static void test_thresholds_travel_along(void **state)
{
    (void)state;
    const ve_threshold *rows;
    list l = case_timm();
    ve__weights *w = case_exported(&l, "{\"thresholds\":[[0.01,0.25],[0.001,0.5]]}", case_plain);
    assert_int_equal(ve__weights_thresholds(w, &rows), 2);
    assert_true(rows[1].false_accept_rate == 0.001f && rows[1].similarity == 0.5f);
    ve__weights_close(w);
    case_refused(&l, "{\"thresholds\":[[0.01]]}", case_plain, VE_ERR_FORMAT, "row 0 is not a pair");
    case_refused(&l, "{\"thresholds\":[[0.001,0.5],[0.01,0.25]]}", case_plain, VE_ERR_FORMAT,
                 "rates do not fall");
}

typedef struct bad_config {
    const char *text;
    ve_status status;
    const char *words;
} bad_config;

static const bad_config bad_configs[] = {
    {"{", VE_ERR_FORMAT, "not good JSON"},
    {"[]", VE_ERR_FORMAT, "not a JSON object"},
    {"{\"mean\":1,\"mean\":2}", VE_ERR_FORMAT, "not good JSON"},
    {"{\"architecture\":\"test_convnext\"}", VE_ERR_UNSUPPORTED, "test_convnext has an activation"},
    {"{\"architecture\":\"test_convnext3\"}", VE_ERR_UNSUPPORTED, "test_convnext3 has an activation"},
    {"{\"model_args\":{\"act_layer\":\"silu\"}}", VE_ERR_UNSUPPORTED, "act_layer \"silu\""},
    {"{\"hidden_act\":\"relu\"}", VE_ERR_UNSUPPORTED, "hidden_act \"relu\""},
    {"{\"global_pool\":\"max\"}", VE_ERR_UNSUPPORTED, "global_pool \"max\""},
    {"{\"model_args\":{\"output_stride\":16}}", VE_ERR_UNSUPPORTED, "output_stride 16"},
    {"{\"model_args\":{\"norm_eps\":0}}", VE_ERR_FORMAT, "eps is 0"},
    {"{\"input_size\":[1,224,224]}", VE_ERR_FORMAT, "input_size"},
    {"{\"input_size\":[3,0,224]}", VE_ERR_FORMAT, "input_size"},
    {"{\"input_size\":[3,1e3,224]}", VE_ERR_FORMAT, "input_size"},
    {"{\"input_size\":[3,100000,224]}", VE_ERR_FORMAT, "input_size"},
    {"{\"crop_pct\":0}", VE_ERR_FORMAT, "crop_pct"},
    {"{\"crop_pct\":1.5}", VE_ERR_FORMAT, "crop_pct"},
    {"{\"mean\":[0.5,0.5]}", VE_ERR_FORMAT, "mean"},
    {"{\"std\":[0,0,0]}", VE_ERR_FORMAT, "std[0] is 0"},
    {"{\"interpolation\":\"random\"}", VE_ERR_UNSUPPORTED, "interpolation \"random\""},
    {"{\"crop_mode\":\"tile\"}", VE_ERR_UNSUPPORTED, "crop_mode \"tile\""},
    {"{\"image_mean\":[0.5,0.5,0.5],\"do_rescale\":false}", VE_ERR_UNSUPPORTED, "not resized and scaled"},
    {"{\"image_mean\":[0.5,0.5,0.5],\"resample\":9}", VE_ERR_FORMAT, "resample"},
    {"{\"preprocess_cfg\":{\"resize_mode\":\"longest\"}}", VE_ERR_UNSUPPORTED, "resize_mode \"longest\""},
};

static void test_configs_that_cannot_be_followed(void **state)
{
    (void)state;
    list l = case_timm();
    for (size_t i = 0; i < sizeof bad_configs / sizeof bad_configs[0]; i++)
        case_refused(&l, bad_configs[i].text, case_plain, bad_configs[i].status, bad_configs[i].words);
}

static void test_norms_without_bias_need_a_word(void **state)
{
    (void)state;
    list l = case_timm();
    case_drop(&l, "norm.bias");
    case_drop(&l, "stem.1.bias");
    case_drop(&l, "downsample.0.bias");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "the norms have no bias: RMS or simple norm?");
    ve__weights *w = case_exported(&l, "{\"architecture\":\"convnext_zepto_rms\"}", case_plain);
    assert_int_equal(ve__weights_arch(w)->norm, VE__NORM_SIMPLE);
    assert_true(ve__weights_preprocess(w)->mean[0] == 0.5f);
    ve__weights_close(w);
    w = case_exported(&l, "{\"model_args\":{\"norm_layer\":\"rmsnorm2d\"}}", case_plain);
    assert_int_equal(ve__weights_arch(w)->norm, VE__NORM_RMS);
    ve__weights_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timm_configs),
        cmocka_unit_test(test_crop_fractions_keep_the_size_before_the_crop),
        cmocka_unit_test(test_hugging_face_processors),
        cmocka_unit_test(test_thresholds_travel_along),
        cmocka_unit_test(test_configs_that_cannot_be_followed),
        cmocka_unit_test(test_norms_without_bias_need_a_word),
    };
    return cmocka_run_group_tests(tests, case_make_folder, case_remove_folder);
}
