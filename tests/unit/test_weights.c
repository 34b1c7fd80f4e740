/* SPDX-License-Identifier: MIT */
/* The .vew reader on good files, the list of an architecture's tensors, and the limits of its numbers. Broken
 * files are in tests/hostile/test_hostile_vew.c. */
#include "support/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "support/vew_file.h"
#include "weights/weights.h"

static size_t count_tensors(const ve__arch *arch)
{
    ve__tensor_spec spec;
    size_t count = 0;
    while (ve__arch_tensor(arch, count, &spec))
        count++;
    return count;
}

static void assert_tensor(const ve__arch *arch, const char *name, uint32_t rank, const uint32_t *shape)
{
    ve__tensor_spec spec;
    for (size_t i = 0; ve__arch_tensor(arch, i, &spec); i++)
        if (strcmp(spec.name, name) == 0) {
            assert_int_equal(spec.rank, rank);
            for (uint32_t k = 0; k < 4; k++)
                assert_int_equal(spec.shape[k], k < rank ? shape[k] : 1);
            return;
        }
    fail_msg("no tensor %s", name);
}

static int has_tensor(const ve__arch *arch, const char *part)
{
    ve__tensor_spec spec;
    for (size_t i = 0; ve__arch_tensor(arch, i, &spec); i++)
        if (strstr(spec.name, part))
            return 1;
    return 0;
}

static ve__arch atto(void)
{
    ve__arch arch = vew_file_about().arch;
    static const uint32_t depths[] = {2, 2, 6, 2};
    for (int s = 0; s < VE__STAGES; s++)
        arch.depths[s] = depths[s], arch.dims[s] = 40u << s;
    arch.hidden_ratio = 4;
    arch.stem_patch = 4;
    return arch;
}

static void test_the_list_of_v1_is_that_of_the_paper(void **state)
{
    (void)state;
    ve__arch arch = atto();
    /* stem 4, down 3 x 4, 12 blocks of dw 2, norm 2, fc1 2, fc2 2, scale; final norm 2 */
    assert_int_equal(count_tensors(&arch), 4 + 12 + 12 * 9 + 2);
    assert_tensor(&arch, "stem.0.weight", 4, (const uint32_t[]){40, 4, 4, 3});
    assert_tensor(&arch, "stage.1.down.norm.bias", 1, (const uint32_t[]){40});
    assert_tensor(&arch, "stage.3.down.weight", 4, (const uint32_t[]){320, 2, 2, 160});
    assert_tensor(&arch, "stage.2.block.5.dw.weight", 3, (const uint32_t[]){7, 7, 160});
    assert_tensor(&arch, "stage.2.block.5.fc1.weight", 2, (const uint32_t[]){640, 160});
    assert_tensor(&arch, "stage.3.block.1.fc2.weight", 2, (const uint32_t[]){320, 1280});
    assert_tensor(&arch, "stage.0.block.0.scale", 1, (const uint32_t[]){40});
    assert_false(has_tensor(&arch, "grn"));
    assert_false(has_tensor(&arch, "stage.0.down"));
}

static void test_variants_add_and_drop_tensors(void **state)
{
    (void)state;
    ve__arch arch = atto();
    size_t count = count_tensors(&arch);
    arch.version = 2;
    assert_int_equal(count_tensors(&arch), count + 12); /* two of GRN for one of scale */
    assert_tensor(&arch, "stage.0.block.1.grn.bias", 1, (const uint32_t[]){160});
    assert_false(has_tensor(&arch, "scale"));
    arch = atto();
    arch.norm = VE__NORM_RMS;
    assert_int_equal(count_tensors(&arch), count - 1 - 3 - 12 - 1);
    assert_false(has_tensor(&arch, "norm.bias"));
    arch = atto();
    arch.final = VE__FINAL_POOL;
    assert_false(has_tensor(&arch, "final"));
    arch = atto();
    arch.stem = VE__STEM_OVERLAP;
    arch.stem_mid = 24;
    assert_tensor(&arch, "stem.0.weight", 4, (const uint32_t[]){24, 3, 3, 3});
    assert_tensor(&arch, "stem.1.weight", 4, (const uint32_t[]){40, 3, 3, 24});
}

static void test_head_layers_follow_one_another(void **state)
{
    (void)state;
    ve__arch arch = atto();
    arch.head_layers = 2;
    arch.head_dims[0] = 100;
    arch.head_dims[1] = 64;
    assert_tensor(&arch, "head.0.weight", 2, (const uint32_t[]){100, 320});
    assert_tensor(&arch, "head.1.weight", 2, (const uint32_t[]){64, 100});
    assert_tensor(&arch, "head.1.bias", 1, (const uint32_t[]){64});
    assert_int_equal(ve__arch_embedding_dim(&arch), 64);
}

/* The largest network that the limits allow: its list stays within the file format's. */
static void test_the_longest_list_fits_the_format(void **state)
{
    (void)state;
    ve__arch arch = atto();
    arch.version = 2;
    for (int s = 0; s < VE__STAGES; s++)
        arch.depths[s] = VE__MAX_DEPTH;
    arch.head_layers = 2;
    assert_true(count_tensors(&arch) <= VE__VEW_MAX_TENSORS);
}

typedef struct limit {
    const char *what; /* what the message names */
    size_t at;        /* offset of the number in ve__description */
    uint32_t value;   /* not allowed */
} limit;

#define A(member) offsetof(ve__description, arch.member)
#define P(member) offsetof(ve__description, preprocess.member)

static const limit limits[] = {
    {"version", A(version), 0},
    {"version", A(version), 3},
    {"depths", A(depths), 0},
    {"depths", A(depths), VE__MAX_DEPTH + 1},
    {"depths", A(depths) + 12, 0xffffffffu},
    {"dims", A(dims), 0},
    {"dims", A(dims) + 8, VE__MAX_CHANNELS + 1},
    {"hidden_ratio", A(hidden_ratio), 0},
    {"hidden_ratio", A(hidden_ratio), 9},
    {"stem", A(stem), 0},
    {"stem", A(stem), 4},
    {"stem_patch", A(stem_patch), 0},
    {"stem_patch", A(stem_patch), 17},
    {"stem_mid", A(stem_mid), 1},
    {"norm", A(norm), 4},
    {"eps", A(eps), 0},
    {"eps", A(eps), 0xb0000000u}, /* below zero */
    {"eps", A(eps), 0x3f800000u}, /* 1 */
    {"eps", A(eps), 0x7fc00000u}, /* NaN */
    {"final_eps", A(final_eps), 0x7f800000u},
    {"final", A(final), 0},
    {"final", A(final), 4},
    {"head_layers", A(head_layers), 3},
    {"head_dims", A(head_layers), 1}, /* without a width */
    {"head_dims", A(head_dims), 5},   /* without a layer */
    {"embedding_kind", A(embedding_kind), VE_EMBEDDING_POOLED},
    {"embedding_kind", A(embedding_kind), VE_EMBEDDING_HEAD},
    {"width", P(width), 0},
    {"width", P(width), VE__MAX_INPUT_SIDE + 1},
    {"height", P(height), 0xffffffffu},
    {"mean", P(mean), 0x7fc00000u},
    {"std", P(std), 0},
    {"std", P(std), 0x7f800000u},
    {"filter", P(filter), 0},
    {"filter", P(filter), 7},
    {"crop", P(crop), 4},
    {"crop_fraction", P(crop_fraction), 0},
    {"crop_fraction", P(crop_fraction), 0x3f800001u}, /* just above 1 */
    {"resize_to", P(resize_to), 2 * VE__MAX_INPUT_SIDE + 1},
};

static ve_status check(const ve__description *about)
{
    ve_status status = ve__arch_check(&about->arch);
    return status != VE_OK ? status : ve__preprocess_check(&about->preprocess);
}

static void test_every_number_has_its_limits(void **state)
{
    (void)state;
    ve__description good = vew_file_about();
    assert_int_equal(check(&good), VE_OK);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        ve__description about = vew_file_about();
        memcpy((unsigned char *)&about + limits[i].at, &limits[i].value, 4);
        if (check(&about) != VE_ERR_FORMAT || !strstr(ve_last_error(), limits[i].what))
            fail_msg("limit %zu (%s): \"%s\"", i, limits[i].what, ve_last_error());
    }
}

/* ---- reading */

static ve__weights *open_file(const vew_file *file)
{
    ve__weights *weights = NULL;
    if (ve__weights_open_memory(file->bytes, file->size, &weights) != VE_OK)
        fail_msg("%s", ve_last_error());
    return weights;
}

static void assert_values(const ve__weights *weights)
{
    for (size_t t = 0; t < ve__weights_tensor_count(weights); t++) {
        const ve__tensor *tensor = ve__weights_tensor(weights, t);
        float *out = malloc(tensor->count * sizeof *out); /* of just this size, for the sanitizer */
        assert_non_null(out);
        assert_int_equal(ve__weights_read(weights, tensor, out), VE_OK);
        for (size_t i = 0; i < tensor->count; i++)
            assert_true(out[i] == vew_file_value(t, i));
        assert_ptr_equal(ve__weights_find(weights, tensor->name), tensor);
        free(out);
    }
}

static void test_every_type_gives_its_values(void **state)
{
    (void)state;
    static const ve__type types[] = {VE__TYPE_F32, VE__TYPE_F16, VE__TYPE_I8};
    ve__description about = vew_file_about();
    for (int i = 0; i < 4; i++) { /* the last: downsampling in 8 bits, too */
        vew_file file = i < 3 ? vew_file_make(&about, types[i], NULL, 0) : vew_file_make_i8(&about, types[2]);
        ve__weights *weights = open_file(&file);
        assert_int_equal(ve__weights_find(weights, "stage.0.block.0.fc1.weight")->type, types[i < 3 ? i : 2]);
        assert_int_equal(ve__weights_find(weights, "stage.1.down.weight")->type, types[i < 2    ? i
                                                                                       : i == 2 ? 0
                                                                                                : 2]);
        assert_int_equal(ve__weights_tensor_count(weights), 4 + 12 + 4 * 9 + 2);
        assert_values(weights);
        assert_null(ve__weights_find(weights, "stem.2.weight"));
        assert_null(ve__weights_tensor(weights, ve__weights_tensor_count(weights)));
        ve__weights_close(weights);
        free(file.bytes);
    }
}

static void test_bytes_may_lie_at_any_address(void **state)
{
    (void)state;
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_F16, NULL, 0);
    memmove(file.bytes + 1, file.bytes, file.size);
    ve__weights *weights = NULL;
    assert_int_equal(ve__weights_open_memory(file.bytes + 1, file.size, &weights), VE_OK);
    assert_values(weights);
    ve__weights_close(weights);
    free(file.bytes);
}

static void test_fields_come_back(void **state)
{
    (void)state;
    const ve_threshold *rows = NULL;
    const char *sha256;
    ve__description about = vew_file_about();
    about.threshold_count = 2;
    about.thresholds[0] = (ve_threshold){1e-2f, 0.25f};
    about.thresholds[1] = (ve_threshold){1e-3f, 0.5f};
    strcpy(about.source_file, "model.safetensors");
    memset(about.source_sha256, 'b', 64);
    vew_file file = vew_file_make(&about, VE__TYPE_F32, NULL, 0);
    ve__weights *weights = open_file(&file);
    assert_memory_equal(ve__weights_arch(weights), &about.arch, sizeof about.arch);
    assert_memory_equal(ve__weights_preprocess(weights), &about.preprocess, sizeof about.preprocess);
    assert_string_equal(ve__weights_name(weights), "smallest");
    assert_string_equal(ve__weights_type(weights), "f32");
    assert_string_equal(ve__weights_fingerprint(weights), about.fingerprint);
    assert_string_equal(ve__weights_source(weights, &sha256), "model.safetensors");
    assert_string_equal(sha256, about.source_sha256);
    assert_int_equal(ve__weights_thresholds(weights, &rows), 2);
    assert_memory_equal(rows, about.thresholds, 2 * sizeof *rows);
    assert_int_equal(ve__weights_thresholds(weights, NULL), 2);
    ve__weights_close(weights);
    free(file.bytes);
}

static void test_a_file_on_disk_is_read_the_same(void **state)
{
    (void)state;
    char path[] = "/tmp/visembed-weights-XXXXXX";
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_F32, NULL, 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file.bytes, file.size), file.size);
    close(fd);
    ve__weights *weights = NULL;
    assert_int_equal(ve__weights_open(path, &weights), VE_OK);
    assert_values(weights);
    assert_values(weights); /* forgotten pages come back */
    ve__weights_close(weights);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(ve__weights_open(path, &weights), VE_ERR_FORMAT);
    assert_non_null(strstr(ve_last_error(), path));
    unlink(path);
    assert_int_equal(ve__weights_open(path, &weights), VE_ERR_NOT_FOUND);
    assert_int_not_equal(ve__weights_open("/tmp", &weights), VE_OK);
    free(file.bytes);
}

static void test_closing_nothing_is_allowed(void **state)
{
    (void)state;
    ve__weights_close(NULL);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    ve__description about = vew_file_about();
    vew_file file = vew_file_make(&about, VE__TYPE_F32, NULL, 0);
    ve_status status = VE_ERR_MEMORY;
    long n = 0;
    for (; status != VE_OK && n < 100; n++) {
        ve__weights *weights = NULL;
        ve__allocate_fail_after(n);
        status = ve__weights_open_memory(file.bytes, file.size, &weights);
        ve__allocate_fail_after(-1);
        assert_true(status == VE_OK || status == VE_ERR_MEMORY);
        assert_int_equal(status == VE_OK, weights != NULL);
        ve__weights_close(weights);
    }
    assert_true(n > 1 && n < 100);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_of_v1_is_that_of_the_paper),
        cmocka_unit_test(test_variants_add_and_drop_tensors),
        cmocka_unit_test(test_head_layers_follow_one_another),
        cmocka_unit_test(test_the_longest_list_fits_the_format),
        cmocka_unit_test(test_every_number_has_its_limits),
        cmocka_unit_test(test_every_type_gives_its_values),
        cmocka_unit_test(test_bytes_may_lie_at_any_address),
        cmocka_unit_test(test_fields_come_back),
        cmocka_unit_test(test_a_file_on_disk_is_read_the_same),
        cmocka_unit_test(test_closing_nothing_is_allowed),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
