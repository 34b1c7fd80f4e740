/* SPDX-License-Identifier: MIT */
/* ve-export from file to file on checkpoints that are made here: what it refuses and in which words, what it
 * chooses, what config files change, and that a failure leaves nothing behind. That the numbers are right is
 * tests/parity's business. */
#include "support/cmocka_all.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/ve-export/export.h"
#include "../../tools/ve-export/vew_write.h"
#include "base/bytes.h"

#define MAX_TENSORS 128u

/* ---- a checkpoint as a list */

typedef struct item {
    char name[96];
    char dtype[8];
    unsigned rank;
    unsigned shape[5];
} item;

typedef struct list {
    item items[MAX_TENSORS];
    size_t count;
    const char *poisoned; /* the tensor whose last element is `poison`; NULL: none */
    float poison;
} list;

static void add(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d)
{
    item i = {"", "F32", rank, {a, b, c, d, 1}};
    assert_true(l->count < MAX_TENSORS);
    snprintf(i.name, sizeof i.name, "%s", name);
    l->items[l->count++] = i;
}

static void add_pair(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s.weight", name);
    add(l, whole, rank, a, b, c, d);
    snprintf(whole, sizeof whole, "%s.bias", name);
    add(l, whole, 1, a, 1, 1, 1);
}

static void add_block(list *l, unsigned stage, unsigned dim)
{
    static const char *const parts[] = {"conv_dw", "norm", "mlp.fc1", "mlp.fc2"};
    char name[96];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "stages.%u.blocks.0.%s", stage, parts[i]);
        add_pair(l, name,
                 i == 0   ? 4
                 : i == 1 ? 1
                          : 2,
                 i == 2 ? 4 * dim : dim,
                 i == 0   ? 1
                 : i == 2 ? dim
                          : 4 * dim,
                 7, 7);
    }
    snprintf(name, sizeof name, "stages.%u.blocks.0.gamma", stage);
    add(l, name, 1, dim, 1, 1, 1);
}

/* The smallest network in timm's names: one block a stage, 2 to 16 channels, a head of 10 classes. */
static list timm_list(void)
{
    list l;
    memset(&l, 0, sizeof l);
    add_pair(&l, "stem.0", 4, 2, 3, 4, 4);
    add_pair(&l, "stem.1", 1, 2, 1, 1, 1);
    for (unsigned s = 0; s < 4; s++) {
        char name[96];
        snprintf(name, sizeof name, "stages.%u.downsample.0", s);
        if (s > 0)
            add_pair(&l, name, 1, 1u << s, 1, 1, 1);
        snprintf(name, sizeof name, "stages.%u.downsample.1", s);
        if (s > 0)
            add_pair(&l, name, 4, 2u << s, 1u << s, 2, 2);
        add_block(&l, s, 2u << s);
    }
    add_pair(&l, "head.norm", 1, 16, 1, 1, 1);
    add_pair(&l, "head.fc", 2, 10, 16, 1, 1);
    return l;
}

static item *find(list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i];
    fail_msg("no tensor %s in the test's list", name);
    return NULL;
}

static void drop(list *l, const char *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!strstr(l->items[i].name, part))
            l->items[kept++] = l->items[i];
    assert_true(kept < l->count);
    l->count = kept;
}

/* ---- on disk */

static char folder[] = "/tmp/visembed-export-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static size_t element_bytes(const item *i)
{
    return strcmp(i->dtype, "F32") == 0                                   ? 4
           : strcmp(i->dtype, "F64") == 0 || strcmp(i->dtype, "I64") == 0 ? 8
                                                                          : 2;
}

static size_t item_count(const item *i)
{
    size_t count = 1;
    for (unsigned k = 0; k < i->rank; k++)
        count *= i->shape[k];
    return count;
}

static float value_of(size_t tensor, size_t element)
{
    return (float)((tensor * 37 + element * 11) % 61) / 32.0f - 0.9375f;
}

static void write_values(FILE *file, const list *l, size_t t)
{
    const item *i = &l->items[t];
    for (size_t e = 0; e < item_count(i); e++) {
        unsigned char bytes[8] = {0};
        int is_poison = l->poisoned && strcmp(l->poisoned, i->name) == 0 && e + 1 == item_count(i);
        uint32_t bits = ve__float_bits(is_poison ? l->poison : value_of(t, e));
        if (strcmp(i->dtype, "BF16") == 0)
            ve__store_u16(bytes, (uint16_t)(bits >> 16));
        else if (strcmp(i->dtype, "F16") == 0)
            ve__store_u16(bytes, ve__float_to_half(ve__bits_float(bits)));
        else
            ve__store_u32(bytes, bits);
        assert_int_equal(fwrite(bytes, 1, element_bytes(i), file), element_bytes(i));
    }
}

static void write_checkpoint(const list *l)
{
    static char header[64 * 1024];
    size_t used = 1, offset = 0;
    unsigned char length[8];
    FILE *file = fopen(path_of("model.safetensors"), "wb");
    assert_non_null(file);
    strcpy(header, "{");
    for (size_t t = 0; t < l->count; t++) {
        const item *i = &l->items[t];
        size_t bytes = item_count(i) * element_bytes(i);
        used += (size_t)snprintf(header + used, sizeof header - used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                                 t ? "," : "", i->name, i->dtype);
        for (unsigned k = 0; k < i->rank; k++)
            used += (size_t)snprintf(header + used, sizeof header - used, "%s%u", k ? "," : "", i->shape[k]);
        used += (size_t)snprintf(header + used, sizeof header - used, "],\"data_offsets\":[%zu,%zu]}", offset,
                                 offset + bytes);
        offset += bytes;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    ve__store_u64(length, used);
    fwrite(length, 1, 8, file);
    fwrite(header, 1, used, file);
    for (size_t t = 0; t < l->count; t++)
        write_values(file, l, t);
    assert_int_equal(fclose(file), 0);
}

static void write_config(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    return sodium_init() < 0 || !mkdtemp(folder) ? -1 : 0;
}

/* Removes what a test left; *count files there were. */
static void clear_folder(size_t *count)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    assert_non_null(dir);
    *count = 0;
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            unlink(path_of(entry->d_name));
            ++*count;
        }
    closedir(dir);
}

static int remove_folder(void **state)
{
    size_t count;
    (void)state;
    clear_folder(&count);
    return rmdir(folder);
}

/* Exports the list, with the text as config.json where there is one. */
static ve_status export_list(const list *l, const char *config_text, plan_options how)
{
    char input[200];
    snprintf(input, sizeof input, "%s", path_of("model.safetensors"));
    export_options options = {input, NULL, NULL, how, 1};
    write_checkpoint(l);
    if (config_text)
        write_config("config.json", config_text);
    return export_run(&options, stderr);
}

static const plan_options plain = {0, VE__TYPE_F32, NULL};

/* Exports and expects it to be refused with these words, and no file beside the input. */
static void assert_refused(const list *l, const char *config_text, plan_options how, ve_status status,
                           const char *words)
{
    size_t files;
    ve_status got = export_list(l, config_text, how);
    if (got != status || !strstr(ve_last_error(), words))
        fail_msg("expected \"%s\", got %s, \"%s\"", words, ve_status_name(got), got ? ve_last_error() : "");
    clear_folder(&files);
    assert_int_equal(files, config_text ? 2 : 1);
}

/* Exports and opens what came out; the folder is empty afterwards. */
static ve__weights *assert_exported(const list *l, const char *config_text, plan_options how)
{
    ve__weights *weights = NULL;
    size_t files;
    if (export_list(l, config_text, how) != VE_OK)
        fail_msg("%s", ve_last_error());
    if (ve__weights_open(path_of("model.vew"), &weights) != VE_OK)
        fail_msg("%s", ve_last_error());
    clear_folder(&files);
    assert_int_equal(files, config_text ? 3 : 2);
    return weights;
}

/* ---- what comes out */

static void test_values_and_layouts(void **state)
{
    (void)state;
    float out[1024];
    list l = timm_list();
    ve__weights *w = assert_exported(&l, NULL, plain);
    const ve__tensor *stem = ve__weights_find(w, "stem.0.weight"); /* tensor 0: [2][3][4][4] -> [2][4][4][3] */
    assert_int_equal(ve__weights_read(w, stem, out), VE_OK);
    for (size_t o = 0; o < 2; o++)
        for (size_t in = 0; in < 3; in++)
            for (size_t k = 0; k < 16; k++)
                assert_true(out[(o * 16 + k) * 3 + in] == value_of(0, (o * 3 + in) * 16 + k));
    const ve__tensor *dw =
        ve__weights_find(w, "stage.0.block.0.dw.weight"); /* tensor 4: [2][1][7][7] -> [7][7][2] */
    assert_int_equal(ve__weights_read(w, dw, out), VE_OK);
    for (size_t k = 0; k < 49; k++)
        for (size_t c = 0; c < 2; c++)
            assert_true(out[k * 2 + c] == value_of(4, c * 49 + k));
    assert_int_equal(ve__weights_arch(w)->embedding_kind, VE_EMBEDDING_NORM);
    assert_null(ve__weights_find(w, "head.0.weight"));
    ve__weights_close(w);
}

/* The element types of a checkpoint do not matter where they hold the values; nor do 1x1 convolutions. */
static void test_other_element_types_and_shapes(void **state)
{
    (void)state;
    list l = timm_list();
    ve__weights *plain_file = assert_exported(&l, NULL, plain);
    for (size_t i = 0; i < l.count; i++)
        strcpy(l.items[i].dtype, i % 3 == 0 ? "F16" : i % 3 == 1 ? "BF16" : "F32"); /* values have 6 bits */
    find(&l, "stages.1.blocks.0.mlp.fc1.weight")->rank = 4;
    find(&l, "stages.1.blocks.0.mlp.fc1.weight")->shape[2] = 1;
    find(&l, "stages.1.blocks.0.mlp.fc1.weight")->shape[3] = 1;
    find(&l, "stages.2.blocks.0.gamma")->rank = 3;
    ve__weights *other = assert_exported(&l, NULL, plain);
    assert_string_equal(ve__weights_fingerprint(other), ve__weights_fingerprint(plain_file));
    ve__weights_close(plain_file);
    ve__weights_close(other);
}

static void test_the_fingerprint_is_that_of_the_contents(void **state)
{
    (void)state;
    char fingerprint[65];
    plan_options named = {0, VE__TYPE_F32, "another name"}, half = {0, VE__TYPE_F16, NULL};
    list l = timm_list();
    ve__weights *a = assert_exported(&l, NULL, plain), *b = assert_exported(&l, NULL, named);
    ve__weights *c = assert_exported(&l, NULL, half);
    ve__weights *d = assert_exported(&l, "{\"mean\": [0.5, 0.5, 0.5]}", plain);
    assert_int_equal(vew_fingerprint(a, fingerprint), VE_OK);
    assert_string_equal(ve__weights_fingerprint(a), fingerprint);
    assert_string_equal(ve__weights_fingerprint(b), fingerprint);
    assert_string_equal(ve__weights_name(b), "another name");
    assert_string_not_equal(ve__weights_fingerprint(c), fingerprint);
    assert_string_not_equal(ve__weights_fingerprint(d), fingerprint);
    l.poisoned = "stages.3.blocks.0.gamma";
    l.poison = 0.25f;
    ve__weights *e = assert_exported(&l, NULL, plain);
    assert_string_not_equal(ve__weights_fingerprint(e), fingerprint);
    ve__weights *all[] = {a, b, c, d, e};
    for (int i = 0; i < 5; i++)
        ve__weights_close(all[i]);
}

static uint32_t kind_for_head(unsigned outputs, plan_options how)
{
    list l = timm_list();
    find(&l, "head.fc.weight")->shape[0] = outputs;
    find(&l, "head.fc.bias")->shape[0] = outputs;
    ve__weights *w = assert_exported(&l, NULL, how);
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
    assert_int_equal(kind_for_head(10, plain), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(1000, plain), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(512, plain), VE_EMBEDDING_HEAD);
    assert_int_equal(kind_for_head(128, plain), VE_EMBEDDING_HEAD);
    assert_int_equal(kind_for_head(512, norm), VE_EMBEDDING_NORM);
    assert_int_equal(kind_for_head(512, pooled), VE_EMBEDDING_POOLED);
    assert_int_equal(kind_for_head(10, head), VE_EMBEDDING_HEAD);
}

static void test_prefixes_of_training_programs(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"module.", "model.", "module.model.", "backbone."};
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++) {
        list l = timm_list();
        for (size_t i = 0; i < l.count; i++) {
            char name[96];
            snprintf(name, sizeof name, "%s%.60s", prefixes[p], l.items[i].name);
            strcpy(l.items[i].name, name);
        }
        ve__weights_close(assert_exported(&l, NULL, plain));
    }
}

static void test_half_precision_keeps_vectors_whole(void **state)
{
    (void)state;
    plan_options half = {0, VE__TYPE_F16, NULL};
    list l = timm_list();
    l.poisoned = "stages.0.blocks.0.mlp.fc1.bias";
    l.poison = 70000.0f; /* more than f16 holds */
    ve__weights *w = assert_exported(&l, NULL, half);
    assert_int_equal(ve__weights_find(w, "stage.0.block.0.fc1.weight")->type, VE__TYPE_F16);
    assert_int_equal(ve__weights_find(w, "stage.0.block.0.fc1.bias")->type, VE__TYPE_F32);
    assert_string_equal(ve__weights_type(w), "f16");
    ve__weights_close(w);
    l.poisoned = "stages.0.blocks.0.mlp.fc1.weight";
    assert_refused(&l, NULL, half, VE_ERR_UNSUPPORTED, "70000 does not fit f16; use --precision f32");
}

/* ---- config files */

static ve__preprocess input_with(const char *name, const char *text)
{
    list l = timm_list();
    size_t files;
    char input[200];
    snprintf(input, sizeof input, "%s", path_of("model.safetensors"));
    export_options options = {input, NULL, NULL, plain, 1};
    ve__weights *w = NULL;
    write_checkpoint(&l);
    write_config(name, text);
    if (export_run(&options, stderr) != VE_OK || ve__weights_open(path_of("model.vew"), &w) != VE_OK)
        fail_msg("%s: %s", text, ve_last_error());
    ve__preprocess p = *ve__weights_preprocess(w);
    ve__weights_close(w);
    clear_folder(&files);
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
    list l = timm_list();
    ve__weights *w = assert_exported(&l, "{\"thresholds\":[[0.01,0.25],[0.001,0.5]]}", plain);
    assert_int_equal(ve__weights_thresholds(w, &rows), 2);
    assert_true(rows[1].false_accept_rate == 0.001f && rows[1].similarity == 0.5f);
    ve__weights_close(w);
    assert_refused(&l, "{\"thresholds\":[[0.01]]}", plain, VE_ERR_FORMAT, "row 0 is not a pair");
    assert_refused(&l, "{\"thresholds\":[[0.001,0.5],[0.01,0.25]]}", plain, VE_ERR_FORMAT, "rates do not fall");
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
    list l = timm_list();
    for (size_t i = 0; i < sizeof bad_configs / sizeof bad_configs[0]; i++)
        assert_refused(&l, bad_configs[i].text, plain, bad_configs[i].status, bad_configs[i].words);
}

static void test_norms_without_bias_need_a_word(void **state)
{
    (void)state;
    list l = timm_list();
    drop(&l, "norm.bias");
    drop(&l, "stem.1.bias");
    drop(&l, "downsample.0.bias");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "the norms have no bias: RMS or simple norm?");
    ve__weights *w = assert_exported(&l, "{\"architecture\":\"convnext_zepto_rms\"}", plain);
    assert_int_equal(ve__weights_arch(w)->norm, VE__NORM_SIMPLE);
    assert_true(ve__weights_preprocess(w)->mean[0] == 0.5f);
    ve__weights_close(w);
    w = assert_exported(&l, "{\"model_args\":{\"norm_layer\":\"rmsnorm2d\"}}", plain);
    assert_int_equal(ve__weights_arch(w)->norm, VE__NORM_RMS);
    ve__weights_close(w);
}

/* ---- what is refused */

static void test_leftover_tensors_are_named(void **state)
{
    (void)state;
    list l = timm_list();
    add(&l, "extra.thing", 1, 3, 1, 1, 1);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "no place in a ConvNeXt: extra.thing");
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "more.%d", i);
        add(&l, name, 1, 3, 1, 1, 1);
    }
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "more.1 and 2 more");
    l = timm_list();
    add_pair(&l, "stages.0.downsample.1", 4, 2, 2, 2, 2); /* a stem of stride 2 has it */
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED,
                   "stages.0.downsample.1.weight has no place in this network");
    l = timm_list();
    add(&l, "stages.3.blocks.0.mlp.grn.weight", 1, 64, 1, 1, 1);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "stages.3.blocks.0.mlp.grn.weight has no place");
    l = timm_list();
    add_block(&l, 4, 32);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "stages.4.blocks.0.conv_dw.weight has no place");
}

static void test_missing_tensors_are_named(void **state)
{
    (void)state;
    list l = timm_list();
    drop(&l, "stages.2.blocks.0.mlp.fc2.bias");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "no tensor for stage.2.block.0.fc2.bias");
    l = timm_list();
    drop(&l, "stages.2.blocks.0.gamma"); /* one of four: not a network without layer scale */
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "no tensor for stage.2.block.0.scale");
    l = timm_list();
    drop(&l, "stages.2.");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "stage 2 has no blocks");
    l = timm_list();
    drop(&l, "head.norm");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "no final norm: choose --embedding pooled");
    l = timm_list();
    drop(&l, "head.fc");
    assert_refused(&l, NULL, (plan_options){VE_EMBEDDING_HEAD, VE__TYPE_F32, NULL}, VE_ERR_UNSUPPORTED,
                   "has no head");
    l = timm_list();
    drop(&l, "gamma");
    ve__weights *w = assert_exported(&l, NULL, plain);
    float ones[2];
    assert_int_equal(ve__weights_read(w, ve__weights_find(w, "stage.0.block.0.scale"), ones), VE_OK);
    assert_true(ones[0] == 1.0f && ones[1] == 1.0f);
    ve__weights_close(w);
}

static void assert_shape_refused(const char *name, unsigned at, unsigned extent, const char *words)
{
    list l = timm_list();
    find(&l, name)->shape[at] = extent;
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, words);
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
    list l = timm_list();
    find(&l, "head.fc.weight")->shape[0] = 5000;
    find(&l, "head.fc.bias")->shape[0] = 5000;
    assert_refused(&l, NULL, (plan_options){VE_EMBEDDING_HEAD, VE__TYPE_F32, NULL}, VE_ERR_UNSUPPORTED,
                   "5000 outputs, an embedding has 4096 at most");
}

static void test_types_and_values_that_cannot_be_taken(void **state)
{
    (void)state;
    list l = timm_list();
    strcpy(find(&l, "stages.0.blocks.0.norm.weight")->dtype, "F64");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "stages.0.blocks.0.norm.weight: dtype F64");
    l = timm_list();
    strcpy(find(&l, "head.fc.weight")->dtype, "I64"); /* not needed: no reason to refuse */
    ve__weights_close(assert_exported(&l, NULL, plain));
    static const float poisons[] = {NAN, INFINITY, -INFINITY};
    static const char *const dtypes[] = {"F32", "F16", "BF16"};
    for (int i = 0; i < 9; i++) {
        l = timm_list();
        l.poisoned = "stages.1.blocks.0.mlp.fc2.weight";
        l.poison = poisons[i % 3];
        strcpy(find(&l, l.poisoned)->dtype, dtypes[i / 3]);
        assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "mlp.fc2.weight has values that are not finite");
    }
}

static void test_other_networks(void **state)
{
    (void)state;
    list l;
    memset(&l, 0, sizeof l);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "no tensors");
    add_pair(&l, "conv1", 4, 8, 3, 7, 7);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "not a ConvNeXt checkpoint of a known family");
    add(&l, "encoder.downsample_layers.0.0.weight", 4, 8, 3, 4, 4);
    add(&l, "encoder.stages.0.0.dwconv.kernel", 2, 49, 8, 1, 1);
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "raw FCMAE checkpoint");
    l = timm_list();
    strcpy(find(&l, "stages.0.blocks.0.gamma")->name, "module.stages.0.blocks.0.gamma");
    assert_refused(&l, NULL, plain, VE_ERR_UNSUPPORTED, "module.stages.0.blocks.0.gamma");
}

/* ---- files */

static void test_the_input_is_never_overwritten(void **state)
{
    (void)state;
    size_t files;
    char input[200], linked[200];
    list l = timm_list();
    snprintf(input, sizeof input, "%s", path_of("model.safetensors"));
    snprintf(linked, sizeof linked, "%s", path_of("linked"));
    write_checkpoint(&l);
    assert_int_equal(symlink(input, linked), 0);
    export_options options = {input, input, NULL, plain, 1};
    assert_int_equal(export_run(&options, stderr), VE_ERR_ARGUMENT);
    assert_non_null(strstr(ve_last_error(), "is the input"));
    options.output = linked;
    assert_int_equal(export_run(&options, stderr), VE_ERR_ARGUMENT);
    options.output = path_of("no-folder/out.vew");
    assert_int_equal(export_run(&options, stderr), VE_ERR_NOT_FOUND);
    clear_folder(&files);
    assert_int_equal(files, 2);
}

static void test_an_old_output_stays_when_the_export_fails(void **state)
{
    (void)state;
    size_t files;
    struct stat before, after;
    list l = timm_list();
    assert_int_equal(export_list(&l, NULL, plain), VE_OK);
    assert_int_equal(stat(path_of("model.vew"), &before), 0);
    l.poisoned = "head.norm.weight";
    l.poison = NAN;
    assert_int_equal(export_list(&l, NULL, plain), VE_ERR_UNSUPPORTED);
    assert_int_equal(stat(path_of("model.vew"), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    l.poison = 2.0f;
    assert_int_equal(export_list(&l, NULL, plain), VE_OK);
    assert_int_equal(stat(path_of("model.vew"), &after), 0);
    assert_true(before.st_ino != after.st_ino); /* replaced, not rewritten */
    clear_folder(&files);
    assert_int_equal(files, 2);
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
        cmocka_unit_test(test_timm_configs),
        cmocka_unit_test(test_crop_fractions_keep_the_size_before_the_crop),
        cmocka_unit_test(test_hugging_face_processors),
        cmocka_unit_test(test_thresholds_travel_along),
        cmocka_unit_test(test_configs_that_cannot_be_followed),
        cmocka_unit_test(test_norms_without_bias_need_a_word),
        cmocka_unit_test(test_leftover_tensors_are_named),
        cmocka_unit_test(test_missing_tensors_are_named),
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_types_and_values_that_cannot_be_taken),
        cmocka_unit_test(test_other_networks),
        cmocka_unit_test(test_the_input_is_never_overwritten),
        cmocka_unit_test(test_an_old_output_stays_when_the_export_fails),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
