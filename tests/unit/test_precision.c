/* SPDX-License-Identifier: MIT */
/* 8 bits and f32: what is chosen and said, that the results are near each other, the same to the bit for every
 * number of threads, and nearly the same on every instruction set. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/net.h"
#include "support/fixture.h"
#include "support/vew_file.h"

/* Version 1, version 2 and one with odd channel counts, in 8 bits and in f32. */
static const char *const names[][2] = {
    {"timm_v1.i8", "timm_v1"}, {"timm_v2.i8", "timm_v2"}, {"timm_v1_odd.i8", "timm_v1_odd"}};
#define NAME_COUNT (sizeof names / sizeof *names)

static ve_model *open_as(const char *name, uint32_t precision)
{
    ve_model_options options = VE_MODEL_OPTIONS_INIT;
    ve_model *model = NULL;
    options.precision = precision;
    if (ve_model_open(fixture_path(name), &options, &model) != VE_OK)
        fail_msg("%s", ve_last_error());
    return model;
}

static ve_model_info info_of(const ve_model *model)
{
    ve_model_info info = VE_MODEL_INFO_INIT;
    assert_int_equal(ve_model_get_info(model, &info), VE_OK);
    return info;
}

static void embed(const ve_model *model, uint32_t threads, uint32_t seed, float *embedding)
{
    ve_session *session = fixture_session(model, threads, 0, 0);
    ve_image *image = noise_image(90, 70, seed);
    assert_int_equal(ve_embed(session, image, embedding), VE_OK);
    ve_image_free(image);
    ve_session_free(session);
}

static void check_info(const char *name, uint32_t precision, const char *wanted, const char *reason)
{
    ve_model *model = open_as(name, precision);
    ve_model_info info = info_of(model);
    if (wanted)
        assert_string_equal(info.precision, wanted);
    if (reason)
        assert_string_equal(info.precision_reason, reason);
    ve_model_close(model);
}

static void what_is_used_and_why(void **state)
{
    (void)state;
    check_info("timm_v1", VE_PRECISION_BEST, "f32", "the file has no 8-bit weights");
    check_info("timm_v1", VE_PRECISION_F32, "f32", "as asked");
    check_info("timm_v1", VE_PRECISION_I8, "i8", "as asked");
    check_info("timm_v1.i8", VE_PRECISION_F32, "f32", "as asked");
    check_info("timm_v1.i8", VE_PRECISION_I8, "i8", "as asked");
    ve_model *model = open_as("timm_v1.i8", VE_PRECISION_BEST);
    ve_model_info info = info_of(model);
    assert_string_equal(info.weight_type, "i8");
    if (strcmp(info.precision, "i8") == 0)
        assert_string_equal(info.precision_reason, "the file has 8-bit weights");
    else
        assert_string_equal(info.precision_reason, "these kernels gain nothing from 8-bit weights");
    ve_model_close(model);
}

static void packed_weights_are_smaller(void **state)
{
    (void)state;
    ve_model *coded = open_as("timm_v1.i8", VE_PRECISION_I8), *plain = open_as("timm_v1.i8", VE_PRECISION_F32);
    assert_true(info_of(coded).weight_bytes < info_of(plain).weight_bytes);
    assert_true(info_of(coded).parameter_count == info_of(plain).parameter_count);
    ve_model_close(coded);
    ve_model_close(plain);
}

static void same_bits_for_any_number_of_threads(void **state)
{
    static float first[VE_MAX_DIM], other[VE_MAX_DIM];
    (void)state;
    for (size_t n = 0; n < NAME_COUNT; n++) {
        ve_model *model = open_as(names[n][0], VE_PRECISION_I8);
        embed(model, 1, 1, first);
        for (uint32_t threads = 1; threads <= 5; threads++) {
            embed(model, threads, 1, other);
            assert_memory_equal(first, other, info_of(model).dim * sizeof *first);
        }
        ve_model_close(model);
    }
}

static void near_f32(void **state)
{
    static float exact[VE_MAX_DIM], rounded[VE_MAX_DIM];
    (void)state;
    for (size_t n = 0; n < NAME_COUNT; n++)
        for (int from_file = 0; from_file < 2; from_file++) {
            ve_model *plain = open_as(names[n][1], VE_PRECISION_F32);
            ve_model *coded = open_as(names[n][from_file ? 0 : 1], VE_PRECISION_I8);
            for (uint32_t seed = 0; seed < 3; seed++) {
                embed(plain, 1, seed, exact);
                embed(coded, 1, seed, rounded);
                assert_true(memcmp(exact, rounded, info_of(plain).dim * sizeof *exact) != 0);
                assert_true(ve_similarity(exact, rounded, info_of(plain).dim) > 0.998f);
            }
            ve_model_close(plain);
            ve_model_close(coded);
        }
}

static ve_status open_net(const char *path, const ve__kernels *kernels, ve__precision precision, ve__net **net)
{
    ve__weights *weights;
    VE_TRY(ve__weights_open(path, &weights));
    ve_status status = ve__net_create(weights, kernels, precision, net);
    ve__weights_close(weights);
    return status;
}

/* Bytes of the packed weights of a file whose matrices are in 8 bits, and its downsampling as `down` says. */
static size_t packed_bytes(const ve__kernels *kernels, ve__type down, ve__precision precision)
{
    ve__description about = vew_file_about();
    vew_file file = vew_file_make_i8(&about, down);
    char path[] = "/tmp/ve-precision-XXXXXX";
    ve__net *net = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, file.bytes, file.size) == (ssize_t)file.size && close(fd) == 0);
    free(file.bytes);
    ve_status status = open_net(path, kernels, precision, &net);
    unlink(path);
    if (status != VE_OK)
        fail_msg("%s: %s", kernels->name, ve_last_error());
    size_t bytes = ve__net_bytes(net);
    ve__net_free(net);
    return bytes;
}

/* Downsampling is computed in 8 bits where the file has it so, and not in a file whose other layers alone are.
 */
static void downsampling_is_as_in_the_file(void **state)
{
    const ve__kernels *kernels;
    (void)state;
    for (unsigned i = 0; (kernels = ve__kernels_available(i)) != NULL; i++) {
        size_t kept = 3 * VE__ALIGN; /* the norms' weights, of two channels each */
        size_t i8 = 0, f32 = 0;
        for (unsigned s = 0; s < 3; s++) {
            i8 += ve__round_up(kernels->dense_i8.packed_bytes(8, 2), VE__ALIGN);
            f32 += ve__round_up(kernels->dense_f32.packed_bytes(8, 2), VE__ALIGN);
        }
        assert_int_equal(packed_bytes(kernels, VE__TYPE_I8, VE__PRECISION_I8) - kept - i8,
                         packed_bytes(kernels, VE__TYPE_F32, VE__PRECISION_I8) - f32);
        assert_int_equal(packed_bytes(kernels, VE__TYPE_I8, VE__PRECISION_F32),
                         packed_bytes(kernels, VE__TYPE_F16, VE__PRECISION_F32));
    }
}

/* Tables with vectors do all in one order with fused multiply-adds, and give the same bits. The scalar one does
 * not fuse; there what is rounded differs in its last bit, and so, rarely, a code. */
static void instruction_sets_agree(void **state)
{
    static float first[VE_MAX_DIM], other[VE_MAX_DIM], vectors[VE_MAX_DIM];
    const ve__kernels *kernels;
    ve__pool *pool;
    (void)state;
    assert_int_equal(ve__pool_create(1, &pool), VE_OK);
    for (size_t n = 0; n < NAME_COUNT; n++)
        for (unsigned i = 0; (kernels = ve__kernels_available(i)) != NULL; i++) {
            ve__weights *weights;
            ve__net *net;
            ve__run *run;
            assert_int_equal(ve__weights_open(fixture_path(names[n][0]), &weights), VE_OK);
            assert_int_equal(ve__net_create(weights, kernels, VE__PRECISION_I8, &net), VE_OK);
            assert_int_equal(ve__run_create(net, pool, 64, 64, &run), VE_OK);
            float *input = ve__run_input(run);
            for (unsigned j = 0; j < 64 * 64 * 3; j++)
                input[j] = (float)(j * 2654435761u % 1024) / 256.0f - 2.0f;
            ve__run_embed(run, i == 0 ? first : other);
            if (i == 1)
                memcpy(vectors, other, sizeof vectors);
            if (i > 0)
                assert_memory_equal(vectors, other, ve__net_dim(net) * sizeof *other);
            if (i > 0 && !(ve_similarity(first, other, ve__net_dim(net)) > 1 - 2e-6f))
                fail_msg("%s, %s: cosine %.8f to scalar", names[n][0], kernels->name,
                         (double)ve_similarity(first, other, ve__net_dim(net)));
            ve__run_free(run);
            ve__net_free(net);
            ve__weights_close(weights);
        }
    ve__pool_free(pool);
}

static void options_are_checked(void **state)
{
    ve_model_options options = VE_MODEL_OPTIONS_INIT;
    ve_model *model = NULL;
    (void)state;
    options.precision = VE_PRECISION_I8 + 1;
    assert_int_equal(ve_model_open(fixture_path("timm_v1"), &options, &model), VE_ERR_UNSUPPORTED);
    assert_non_null(strstr(ve_last_error(), "precision 3"));
    assert_null(model);
    /* A caller compiled before there was a precision. */
    options.struct_size = 8;
    assert_int_equal(ve_model_open(fixture_path("timm_v1"), &options, &model), VE_OK);
    assert_string_equal(info_of(model).precision, "f32");
    ve_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_and_why),
        cmocka_unit_test(packed_weights_are_smaller),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(near_f32),
        cmocka_unit_test(downsampling_is_as_in_the_file),
        cmocka_unit_test(instruction_sets_agree),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
