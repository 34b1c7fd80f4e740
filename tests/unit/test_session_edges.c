/* SPDX-License-Identifier: MIT */
/* Sessions of models that are made up for the purpose: other input sizes than the model's own, outputs that
 * have no direction, option structs that were never set. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "support/fixture.h"
#include "support/vew_file.h"

#define DIM 2u

static ve_model *open_model(const vew_file *file)
{
    ve_model *model = NULL;
    assert_int_equal(ve_model_open_memory(file->bytes, file->size, NULL, &model), VE_OK);
    return model;
}

/* The smallest network for a square input, whose pictures are resized by a fraction or (not 0) to a size. */
static ve_model *square_model(uint32_t side, float crop_fraction, uint32_t resize_to)
{
    ve__description about = vew_file_about();
    about.preprocess.width = about.preprocess.height = side;
    about.preprocess.crop_fraction = crop_fraction;
    about.preprocess.resize_to = resize_to;
    vew_file file = vew_file_make(&about, VE__TYPE_F32, NULL, 0);
    ve_model *model = open_model(&file);
    free(file.bytes);
    return model;
}

static void embed(const ve_model *model, uint32_t width, uint32_t height, float embedding[DIM])
{
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    ve_session *session = NULL;
    ve_image *image = noise_image(120, 90, 7);
    options.width = width;
    options.height = height;
    options.flags = VE_SESSION_RAW;
    assert_int_equal(ve_session_create(model, &options, &session), VE_OK);
    assert_int_equal(ve_embed(session, image, embedding), VE_OK);
    ve_image_free(image);
    ve_session_free(session);
}

/* Resizing to 300 pixels before a crop of 288 is a crop fraction of 0.96, and stays one in a session of another
 * size; 236 and 224 (torchvision) have no short decimal. */
static void test_a_size_before_the_crop_grows_with_the_session(void **state)
{
    static const struct {
        uint32_t side, resize_to;
        float fraction;
    } models[] = {{48, 50, 0.96f}, {28, 32, 0.875f}, {56, 59, 56.0f / 59.0f}, {32, 32, 1.0f}};
    static const uint32_t sizes[][2] = {{0, 0}, {96, 96}, {112, 112}, {20, 20}, {80, 40}, {33, 70}};
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        ve_model *in_pixels = square_model(models[m].side, 0.5f, models[m].resize_to);
        ve_model *by_fraction = square_model(models[m].side, models[m].fraction, 0);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            float a[DIM], b[DIM];
            embed(in_pixels, sizes[s][0], sizes[s][1], a);
            embed(by_fraction, sizes[s][0], sizes[s][1], b);
            assert_memory_equal(a, b, sizeof a);
        }
        ve_model_close(in_pixels);
        ve_model_close(by_fraction);
    }
}

/* A whole multiple of the model's input multiplies the size before the crop exactly. */
static void test_the_multiple_is_exact(void **state)
{
    (void)state;
    for (uint32_t more = 1; more < 40; more += 3) {
        ve_model *small = square_model(28, 0.5f, 28 + more), *large = square_model(56, 0.5f, 2 * (28 + more));
        float a[DIM], b[DIM];
        embed(small, 56, 56, a);
        embed(large, 0, 0, b);
        assert_memory_equal(a, b, sizeof a);
        ve_model_close(small);
        ve_model_close(large);
    }
}

/* All bytes of a tensor to zero, with checksums that hold. */
static void clear_tensor(vew_file *file, const ve__arch *arch, const char *name)
{
    ve__tensor_spec spec;
    size_t index = 0;
    while (ve__arch_tensor(arch, index, &spec) && strcmp(spec.name, name) != 0)
        index++;
    unsigned char *entry = file->bytes + vew_file_entry(file, index);
    unsigned char *data = file->bytes + ve__load_u64(entry);
    size_t size = (size_t)ve__load_u64(entry + 8);
    memset(data, 0, size);
    ve__store_u32(entry + 16, ve__crc32c(0, data, size));
    vew_file_seal(file);
}

static void test_an_embedding_of_zeros_leaves_the_output_alone(void **state)
{
    ve__description about = vew_file_about();
    float embedding[DIM] = {3, 4}, tensor[3 * 16 * 16] = {0};
    ve_session *session = NULL;
    (void)state;
    about.preprocess.width = about.preprocess.height = 16;
    vew_file file = vew_file_make(&about, VE__TYPE_F32, NULL, 0);
    clear_tensor(&file, &about.arch, "final.norm.weight");
    clear_tensor(&file, &about.arch, "final.norm.bias");
    ve_model *model = open_model(&file);
    assert_int_equal(ve_session_create(model, NULL, &session), VE_OK);
    assert_int_equal(ve_embed_tensor(session, tensor, embedding), VE_ERR_STATE);
    assert_non_null(strstr(ve_last_error(), "cannot be normalised"));
    assert_true(embedding[0] == 3 && embedding[1] == 4);
    ve_session_free(session);
    ve_model_close(model);
    free(file.bytes);
}

/* What an option struct that nobody initialised may hold: the library must not read four gigabytes. */
static void test_an_absurd_struct_size_is_refused(void **state)
{
    static const uint32_t sizes[] = {0xffffffffu, 0xaaaaaaaau, 0x10000u};
    ve_model *model = square_model(16, 1.0f, 0), *none = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ve_session_options *session_options = calloc(1, sizeof *session_options);
        ve_model_options *model_options = calloc(1, sizeof *model_options);
        ve_session *session = NULL;
        assert_true(session_options && model_options);
        session_options->struct_size = model_options->struct_size = sizes[i];
        assert_int_equal(ve_session_create(model, session_options, &session), VE_ERR_ARGUMENT);
        assert_non_null(strstr(ve_last_error(), "INIT"));
        assert_int_equal(ve_model_open_memory("", 1, model_options, &none), VE_ERR_ARGUMENT);
        free(session_options);
        free(model_options);
    }
    ve_model_close(model);
}

static void test_session_memory_counts_the_pictures_part(void **state)
{
    ve_model *model = square_model(16, 1.0f, 0);
    ve_session *session = NULL;
    (void)state;
    assert_int_equal(ve_session_create(model, NULL, &session), VE_OK);
    /* Weights of one row of the longest picture alone, in double. */
    assert_true(ve_session_memory(session) > VE_MAX_IMAGE_SIDE * sizeof(double));
    ve_session_free(session);
    ve_model_close(model);
}

static void test_similarity_of_what_is_no_number(void **state)
{
    float good[2] = {1, 1}, nan[2] = {NAN, 1}, infinite[2] = {INFINITY, 1}, zero[2] = {0, 0};
    const float *const bad[] = {nan, infinite, zero};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(ve_similarity(good, bad[i], 2) == 0);
        assert_true(ve_similarity(bad[i], good, 2) == 0);
        assert_true(ve_similarity(bad[i], bad[i], 2) == 0);
    }
    assert_true(ve_similarity(good, good, 2) > 0.999999f);
}

/* A small file whose stem keeps every pixel of a large input at 128 channels: 4 GB of maps. */
static void test_a_session_of_gigabytes_is_refused(void **state)
{
    ve__description about = vew_file_about();
    ve_session *session = NULL;
    (void)state;
    about.arch.stem_patch = 1;
    about.arch.dims[0] = 128;
    about.preprocess.width = about.preprocess.height = 2048;
    vew_file file = vew_file_make(&about, VE__TYPE_F16, NULL, 0);
    ve_model *model = open_model(&file);
    free(file.bytes);
    assert_int_equal(ve_session_create(model, NULL, &session), VE_ERR_TOO_LARGE);
    assert_non_null(strstr(ve_last_error(), "2048x2048"));
    assert_null(session);
    ve_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_size_before_the_crop_grows_with_the_session),
        cmocka_unit_test(test_the_multiple_is_exact),
        cmocka_unit_test(test_an_embedding_of_zeros_leaves_the_output_alone),
        cmocka_unit_test(test_an_absurd_struct_size_is_refused),
        cmocka_unit_test(test_session_memory_counts_the_pictures_part),
        cmocka_unit_test(test_similarity_of_what_is_no_number),
        cmocka_unit_test(test_a_session_of_gigabytes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
