/* SPDX-License-Identifier: MIT */
/* ve-export from file to file on checkpoints that are made here: what it refuses and in which words, what it
 * chooses, and that a failure leaves nothing behind. Config files are in test_export_config.c; that the numbers
 * are right is tests/parity's business. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/ve-export/vew_write.h"
#include "unit/export_case.h"

/* ---- what comes out */

static void test_values_and_layouts(void **state)
{
    (void)state;
    float out[1024];
    list l = case_timm();
    ve__weights *w = case_exported(&l, NULL, case_plain);
    const ve__tensor *stem = ve__weights_find(w, "stem.0.weight"); /* tensor 0: [2][3][4][4] -> [2][4][4][3] */
    assert_int_equal(ve__weights_read(w, stem, out), VE_OK);
    for (size_t o = 0; o < 2; o++)
        for (size_t in = 0; in < 3; in++)
            for (size_t k = 0; k < 16; k++)
                assert_true(out[(o * 16 + k) * 3 + in] == case_value(0, (o * 3 + in) * 16 + k));
    const ve__tensor *dw =
        ve__weights_find(w, "stage.0.block.0.dw.weight"); /* tensor 4: [2][1][7][7] -> [7][7][2] */
    assert_int_equal(ve__weights_read(w, dw, out), VE_OK);
    for (size_t k = 0; k < 49; k++)
        for (size_t c = 0; c < 2; c++)
            assert_true(out[k * 2 + c] == case_value(4, c * 49 + k));
    assert_int_equal(ve__weights_arch(w)->embedding_kind, VE_EMBEDDING_NORM);
    assert_null(ve__weights_find(w, "head.0.weight"));
    ve__weights_close(w);
}

/* The element types of a checkpoint do not matter where they hold the values; nor do 1x1 convolutions. */
static void test_other_element_types_and_shapes(void **state)
{
    (void)state;
    list l = case_timm();
    ve__weights *plain_file = case_exported(&l, NULL, case_plain);
    for (size_t i = 0; i < l.count; i++)
        strcpy(l.items[i].dtype, i % 3 == 0 ? "F16" : i % 3 == 1 ? "BF16" : "F32"); /* values have 6 bits */
    case_find(&l, "stages.1.blocks.0.mlp.fc1.weight")->rank = 4;
    case_find(&l, "stages.1.blocks.0.mlp.fc1.weight")->shape[2] = 1;
    case_find(&l, "stages.1.blocks.0.mlp.fc1.weight")->shape[3] = 1;
    case_find(&l, "stages.2.blocks.0.gamma")->rank = 3;
    ve__weights *other = case_exported(&l, NULL, case_plain);
    assert_string_equal(ve__weights_fingerprint(other), ve__weights_fingerprint(plain_file));
    ve__weights_close(plain_file);
    ve__weights_close(other);
}

static void test_the_fingerprint_is_that_of_the_contents(void **state)
{
    (void)state;
    char fingerprint[65];
    plan_options named = {0, VE__TYPE_F32, "another name"}, half = {0, VE__TYPE_F16, NULL};
    list l = case_timm();
    ve__weights *a = case_exported(&l, NULL, case_plain), *b = case_exported(&l, NULL, named);
    ve__weights *c = case_exported(&l, NULL, half);
    ve__weights *d = case_exported(&l, "{\"mean\": [0.5, 0.5, 0.5]}", case_plain);
    assert_int_equal(vew_fingerprint(a, fingerprint), VE_OK);
    assert_string_equal(ve__weights_fingerprint(a), fingerprint);
    assert_string_equal(ve__weights_fingerprint(b), fingerprint);
    assert_string_equal(ve__weights_name(b), "another name");
    assert_string_not_equal(ve__weights_fingerprint(c), fingerprint);
    assert_string_not_equal(ve__weights_fingerprint(d), fingerprint);
    l.poisoned = "stages.3.blocks.0.gamma";
    l.poison = 0.25f;
    ve__weights *e = case_exported(&l, NULL, case_plain);
    assert_string_not_equal(ve__weights_fingerprint(e), fingerprint);
    ve__weights *all[] = {a, b, c, d, e};
    for (int i = 0; i < 5; i++)
        ve__weights_close(all[i]);
}

static uint32_t kind_for_head(unsigned outputs, plan_options how)
{
    list l = case_timm();
    case_find(&l, "head.fc.weight")->shape[0] = outputs;
    case_find(&l, "head.fc.bias")->shape[0] = outputs;
    ve__weights *w = case_exported(&l, NULL, how);
    uint32_t kind = ve__weights_arch(w)->embedding_kind;
    if (kind == VE_EMBEDDING_HEAD)
        assert_int_equal(ve__arch_embedding_dim(ve__weights_arch(w)), outputs);
    ve__weights_close(w);
    return kind;
}

static void test_the_embedding_by_rule_and_by_choice(void **state)
{
    (void)state;
    plan_options pooled = {VE_EMBEDDING_POOLED, VE__TYPE_F32, NULL},
                 norm = {VE_EMBEDDING_NORM, VE__TYPE_F32, NULL};
    plan_options head = {VE_EMBEDDING_HEAD, VE__TYPE_F32, NULL};
    assert_int_equal(kind_for_head(10, case_plain), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(1000, case_plain), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(512, case_plain), VE_EMBEDDING_HEAD);
    assert_int_equal(kind_for_head(128, case_plain), VE_EMBEDDING_HEAD);
    assert_int_equal(kind_for_head(512, norm), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(512, pooled), VE_EMBEDDING_POOLED);
    assert_int_equal(kind_for_head(10, head), VE_EMBEDDING_HEAD);
}

static void test_prefixes_of_training_programs(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"module.", "model.", "module.model.", "backbone."};
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        list l = case_timm();
        for (size_t i = 0; i < l.count; i++) {
            char name[96];
            snprintf(name, sizeof name, "%s%.60s", prefixes[p], l.items[i].name);
            strcpy(l.items[i].name, name);
        }
        ve__weights_close(case_exported(&l, NULL, case_plain));
    }
}

static void test_half_precision_keeps_vectors_whole(void **state)
{
    (void)state;
    plan_options half = {0, VE__TYPE_F16, NULL};
    list l = case_timm();
    l.poisoned = "stages.0.blocks.0.mlp.fc1.bias";
    l.poison = 70000.0f; /* more than f16 holds */
    ve__weights *w = case_exported(&l, NULL, half);
    assert_int_equal(ve__weights_find(w, "stage.0.block.0.fc1.weight")->type, VE__TYPE_F16);
    assert_int_equal(ve__weights_find(w, "stage.0.block.0.fc1.bias")->type, VE__TYPE_F32);
    assert_string_equal(ve__weights_type(w), "f16");
    ve__weights_close(w);
    l.poisoned = "stages.0.blocks.0.mlp.fc1.weight";
    case_refused(&l, NULL, half, VE_ERR_UNSUPPORTED, "70000 does not fit f16; use --precision f32");
}

/* ---- what is refused */

static void test_leftover_tensors_are_named(void **state)
{
    (void)state;
    list l = case_timm();
    case_add(&l, "extra.thing", 1, 3, 1, 1, 1);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "no place in a ConvNeXt: extra.thing");
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "more.%d", i);
        case_add(&l, name, 1, 3, 1, 1, 1);
    }
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "more.1 and 2 more");
    l = case_timm();
    case_add_pair(&l, "stages.0.downsample.1", 4, 2, 2, 2, 2); /* a stem of stride 2 has it */
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED,
                 "stages.0.downsample.1.weight has no place in this network");
    l = case_timm();
    case_add(&l, "stages.3.blocks.0.mlp.grn.weight", 1, 64, 1, 1, 1);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "stages.3.blocks.0.mlp.grn.weight has no place");
    l = case_timm();
    case_add_block(&l, 4, 32);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "stages.4.blocks.0.conv_dw.weight has no place");
}

static void test_missing_tensors_are_named(void **state)
{
    (void)state;
    list l = case_timm();
    case_drop(&l, "stages.2.blocks.0.mlp.fc2.bias");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "no tensor for stage.2.block.0.fc2.bias");
    l = case_timm();
    case_drop(&l, "stages.2.blocks.0.gamma"); /* one of four: not a network without layer scale */
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "no tensor for stage.2.block.0.scale");
    l = case_timm();
    case_drop(&l, "stages.2.");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "stage 2 has no blocks");
    l = case_timm();
    case_drop(&l, "head.norm");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "no final norm: choose --embedding pooled");
    l = case_timm();
    case_drop(&l, "head.fc");
    case_refused(&l, NULL, (plan_options){VE_EMBEDDING_HEAD, VE__TYPE_F32, NULL}, VE_ERR_UNSUPPORTED,
                 "has no head");
    l = case_timm();
    case_drop(&l, "gamma");
    ve__weights *w = case_exported(&l, NULL, case_plain);
    float ones[2];
    assert_int_equal(ve__weights_read(w, ve__weights_find(w, "stage.0.block.0.scale"), ones), VE_OK);
    assert_true(ones[0] == 1.0f && ones[1] == 1.0f);
    ve__weights_close(w);
}

static void assert_shape_refused(const char *name, unsigned at, unsigned extent, const char *words)
{
    list l = case_timm();
    case_find(&l, name)->shape[at] = extent;
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, words);
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    assert_shape_refused("stages.1.blocks.0.conv_dw.weight", 3, 5, "a kernel of 7 x 5, only 7 x 7");
    assert_shape_refused("stages.1.blocks.0.conv_dw.weight", 1, 2, "not a depthwise convolution");
    assert_shape_refused("stem.0.weight", 1, 1, "1 input channels, only RGB");
    assert_shape_refused("stem.0.weight", 3, 2, "stem.0.weight: shape [2, 3, 4, 2] does not fit");
    assert_shape_refused("stem.0.weight", 2, 17, "stem.0.weight: patches of 17 pixels");
    assert_shape_refused("stages.1.blocks.0.mlp.fc1.weight", 0, 15, "shape [15, 4] does not fit");
    assert_shape_refused("stages.0.blocks.0.mlp.fc1.weight", 0, 9, "mlp.fc1.weight: shape [9, 2] does not fit");
    assert_shape_refused("stages.2.downsample.1.weight", 2, 3, "downsample.1.weight: shape [8, 4, 3, 2]");
    assert_shape_refused("stages.2.blocks.0.norm.bias", 0, 7, "norm.bias: shape [7] does not fit");
    list l = case_timm();
    case_find(&l, "head.fc.weight")->shape[0] = 5000;
    case_find(&l, "head.fc.bias")->shape[0] = 5000;
    case_refused(&l, NULL, (plan_options){VE_EMBEDDING_HEAD, VE__TYPE_F32, NULL}, VE_ERR_UNSUPPORTED,
                 "5000 outputs, an embedding has 4096 at most");
}

static void test_types_and_values_that_cannot_be_taken(void **state)
{
    (void)state;
    list l = case_timm();
    strcpy(case_find(&l, "stages.0.blocks.0.norm.weight")->dtype, "F64");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "stages.0.blocks.0.norm.weight: dtype F64");
    l = case_timm();
    strcpy(case_find(&l, "head.fc.weight")->dtype, "I64"); /* not needed: no reason to refuse */
    ve__weights_close(case_exported(&l, NULL, case_plain));
    static const float poisons[] = {NAN, INFINITY, -INFINITY};
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    for (int i = 0; i < 9; i++) {
        l = case_timm();
        l.poisoned = "stages.1.blocks.0.mlp.fc2.weight";
        l.poison = poisons[i % 3];
        strcpy(case_find(&l, l.poisoned)->dtype, dtypes[i / 3]);
        case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "mlp.fc2.weight has values that are not finite");
    }
}

static void test_other_networks(void **state)
{
    (void)state;
    list l;
    memset(&l, 0, sizeof l);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "no tensors");
    case_add_pair(&l, "conv1", 4, 8, 3, 7, 7);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "not a ConvNeXt checkpoint of a known family");
    case_add(&l, "encoder.downsample_layers.0.0.weight", 4, 8, 3, 4, 4);
    case_add(&l, "encoder.stages.0.0.dwconv.kernel", 2, 49, 8, 1, 1);
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "raw FCMAE checkpoint");
    l = case_timm();
    strcpy(case_find(&l, "stages.0.blocks.0.gamma")->name, "module.stages.0.blocks.0.gamma");
    case_refused(&l, NULL, case_plain, VE_ERR_UNSUPPORTED, "module.stages.0.blocks.0.gamma");
}

/* ---- files */

static void test_the_input_is_never_overwritten(void **state)
{
    (void)state;
    char input[200], linked[200];
    list l = case_timm();
    snprintf(input, sizeof input, "%s", case_path("model.safetensors"));
    snprintf(linked, sizeof linked, "%s", case_path("linked"));
    case_write(&l);
    assert_int_equal(symlink(input, linked), 0);
    export_options options = {input, input, NULL, case_plain, 1, NULL, NULL};
    assert_int_equal(export_run(&options, stderr, stdout), VE_ERR_ARGUMENT);
    assert_non_null(strstr(ve_last_error(), "is the input"));
    options.output = linked;
    assert_int_equal(export_run(&options, stderr, stdout), VE_ERR_ARGUMENT);
    options.output = case_path("no-folder/out.vew");
    assert_int_equal(export_run(&options, stderr, stdout), VE_ERR_NOT_FOUND);
    assert_int_equal(case_clear(), 2);
}

static void test_an_old_output_stays_when_the_export_fails(void **state)
{
    (void)state;
    struct stat before, after;
    list l = case_timm();
    assert_int_equal(case_export(&l, NULL, case_plain), VE_OK);
    assert_int_equal(stat(case_path("model.vew"), &before), 0);
    l.poisoned = "head.norm.weight";
    l.poison = NAN;
    assert_int_equal(case_export(&l, NULL, case_plain), VE_ERR_UNSUPPORTED);
    assert_int_equal(stat(case_path("model.vew"), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    l.poison = 2.0f;
    assert_int_equal(case_export(&l, NULL, case_plain), VE_OK);
    assert_int_equal(stat(case_path("model.vew"), &after), 0);
    assert_true(before.st_ino != after.st_ino); /* replaced, not rewritten */
    assert_int_equal(case_clear(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_layouts),
        cmocka_unit_test(test_other_element_types_and_shapes),
        cmocka_unit_test(test_the_fingerprint_is_that_of_the_contents),
        cmocka_unit_test(test_the_embedding_by_rule_and_by_choice),
        cmocka_unit_test(test_prefixes_of_training_programs),
        cmocka_unit_test(test_half_precision_keeps_vectors_whole),
        cmocka_unit_test(test_leftover_tensors_are_named),
        cmocka_unit_test(test_missing_tensors_are_named),
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_types_and_values_that_cannot_be_taken),
        cmocka_unit_test(test_other_networks),
        cmocka_unit_test(test_the_input_is_never_overwritten),
        cmocka_unit_test(test_an_old_output_stays_when_the_export_fails),
    };
    return cmocka_run_group_tests(tests, case_make_folder, case_remove_folder);
}
