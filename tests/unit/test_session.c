/* SPDX-License-Identifier: MIT */
/* Sessions: the same picture gives the same bits whatever the number of threads, however often and in whichever
 * process; options and arguments are checked; the library leaves the host program's things alone. */
#include "support/cmocka_all.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fixture.h"

/* Version 1, version 2 (whose response normalisation adds over all pixels), and one with odd channel counts. */
static const char *const names[] = {"timm_v1", "timm_v2", "timm_v1_odd"};
#define NAME_COUNT    (sizeof names / sizeof *names)
#define PICTURE_COUNT 6u

/* Sanitizers and emulators take ten times as long: fewer rounds there. */
static int is_slow(void)
{
    const char *runner = getenv("RUN");
    return built_with_sanitizer() || (runner && *runner);
}

static uint32_t dim_of(const ve_model *model)
{
    ve_model_info info = VE_MODEL_INFO_INIT;
    assert_int_equal(ve_model_get_info(model, &info), VE_OK);
    assert_in_range(info.dim, 1, VE_MAX_DIM);
    return info.dim;
}

/* Pictures of different shapes: smaller, larger, wider, higher than any model's input. */
static ve_image *picture(uint32_t number)
{
    static const uint32_t sides[PICTURE_COUNT][2] = {{64, 64},   {300, 200}, {50, 400},
                                                     {224, 224}, {33, 31},   {640, 480}};
    return noise_image(sides[number][0], sides[number][1], number);
}

static void embed_all(ve_session *session, float rows[PICTURE_COUNT][VE_MAX_DIM])
{
    for (uint32_t i = 0; i < PICTURE_COUNT; i++) {
        ve_image *image = picture(i);
        assert_int_equal(ve_embed(session, image, rows[i]), VE_OK);
        ve_image_free(image);
    }
}

static float expected[PICTURE_COUNT][VE_MAX_DIM], found[PICTURE_COUNT][VE_MAX_DIM];

static void assert_same_bits(uint32_t dim)
{
    for (uint32_t i = 0; i < PICTURE_COUNT; i++)
        assert_memory_equal(found[i], expected[i], dim * sizeof(float));
}

static void assert_same_direction(uint32_t dim)
{
    for (uint32_t i = 0; i < PICTURE_COUNT; i++)
        assert_true(ve_similarity(found[i], expected[i], dim) > 0.999999f);
}

static void test_thread_counts_and_sizes_give_the_same_bits(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{97, 160}, {32, 32}, {0, 0}, {225, 65}}, threads[] = {2, 3, 4, 8};
    size_t size_count = is_slow() ? 1 : sizeof sizes / sizeof *sizes;
    for (size_t n = 0; n < NAME_COUNT; n++) {
        ve_model *model = fixture_model(names[n]);
        for (size_t s = 0; s < size_count; s++) {
            ve_session *one = fixture_session(model, 1, sizes[s][0], sizes[s][1]);
            embed_all(one, expected);
            ve_session_free(one);
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                ve_session *many = fixture_session(model, threads[t], sizes[s][0], sizes[s][1]);
                embed_all(many, found);
                if (same_bits_for_any_thread_count())
                    assert_same_bits(dim_of(model));
                else
                    assert_same_direction(dim_of(model));
                ve_session_free(many);
            }
        }
        ve_model_close(model);
    }
}

static void test_repeated_runs_give_the_same_bits(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v2");
    ve_session *session = fixture_session(model, 3, 0, 0);
    embed_all(session, expected);
    for (int round = 0; round < (is_slow() ? 3 : 30); round++) {
        embed_all(session, found);
        assert_same_bits(dim_of(model));
    }
    ve_session_free(session);
    ve_model_close(model);
}

static void test_different_pictures_give_different_embeddings(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 1, 0, 0);
    embed_all(session, found);
    for (uint32_t i = 1; i < PICTURE_COUNT; i++)
        assert_memory_not_equal(found[i], found[i - 1], dim_of(model) * sizeof(float));
    ve_session_free(session);
    ve_model_close(model);
}

/* One of eight threads, each with a session of its own on the one model. No cmocka calls here: they are not
 * made for several threads. */
static void *embed_in_thread(void *data)
{
    const ve_model *model = data;
    ve_session *session = NULL;
    ve_model_info info = VE_MODEL_INFO_INIT;
    const char *complaint = NULL;
    uint32_t rounds = (is_slow() ? 1 : 5) * PICTURE_COUNT;
    float *row = malloc(VE_MAX_DIM * sizeof *row);
    if (!row || ve_model_get_info(model, &info) != VE_OK || ve_session_create(model, NULL, &session) != VE_OK)
        complaint = "no session";
    for (uint32_t round = 0; round < rounds && !complaint; round++) {
        ve_image *image = picture(round % PICTURE_COUNT);
        if (ve_embed(session, image, row) != VE_OK)
            complaint = "ve_embed failed";
        else if (memcmp(row, expected[round % PICTURE_COUNT], info.dim * sizeof *row) != 0)
            complaint = "different bits";
        ve_image_free(image);
    }
    ve_session_free(session);
    free(row);
    return (void *)(uintptr_t)complaint;
}

static void test_eight_threads_share_a_model(void **state)
{
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        ve_model *model = fixture_model(names[n]);
        ve_session *session = fixture_session(model, 1, 0, 0);
        pthread_t threads[8];
        embed_all(session, expected);
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, embed_in_thread, model), 0);
        for (int i = 0; i < 8; i++) {
            void *complaint = NULL;
            pthread_join(threads[i], &complaint);
            if (complaint)
                fail_msg("%s", (const char *)complaint);
        }
        ve_session_free(session);
        ve_model_close(model);
    }
}

/* In a child, where asserting is no use: 0 when all is well. */
static int child_embeds(ve_session *session, uint32_t dim)
{
    int bad = 0;
    alarm(60);
    for (uint32_t i = 0; i < PICTURE_COUNT; i++) {
        ve_image *image = picture(i);
        bad |= ve_embed(session, image, found[i]) != VE_OK;
        bad |= memcmp(found[i], expected[i], dim * sizeof(float)) != 0;
        ve_image_free(image);
    }
    return bad;
}

static int exit_status_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_a_session_works_on_after_fork(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 4, 0, 0);
    uint32_t dim = dim_of(model);
    embed_all(session, expected);
    pid_t child = fork();
    if (child == 0) {
        int bad = child_embeds(session, dim);
        ve_session_free(session);
        ve_model_close(model);
        _exit(bad);
    }
    assert_int_equal(exit_status_of(child), 0);
    embed_all(session, found);
    assert_same_bits(dim);
    ve_session_free(session);
    ve_model_close(model);
}

static void test_the_standard_streams_may_be_closed(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 1, 0, 0);
    uint32_t dim = dim_of(model);
    embed_all(session, expected);
    ve_session_free(session);
    ve_model_close(model);
    pid_t child = fork();
    if (child == 0) {
        model = NULL;
        session = NULL;
        close(0);
        close(1);
        close(2);
        int bad = ve_model_open(fixture_path("timm_v1"), NULL, &model) != VE_OK ||
                  ve_session_create(model, NULL, &session) != VE_OK || child_embeds(session, dim);
        ve_session_free(session);
        ve_model_close(model);
        /* Nothing was left open in the streams' places. */
        bad |= fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0;
        _exit(bad);
    }
    assert_int_equal(exit_status_of(child), 0);
}

static void do_what_fails(void)
{
    ve_model *model = NULL;
    ve_image *image = NULL;
    ve_model_open("/nowhere/at/all.vew", NULL, &model);
    ve_model_open_memory("not a weight file at all", 24, NULL, &model);
    ve_image_load("/nowhere/at/all.jpg", &image);
    ve_image_decode("neither a picture", 17, &image);
    ve_session_create(NULL, NULL, NULL);
}

static void test_nothing_is_printed(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        do_what_fails();
        fflush(NULL);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(exit_status_of(child), 0);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void test_signal_handlers_are_left_alone(void **state)
{
    (void)state;
    struct sigaction before[32], after;
    memset(before, 0, sizeof before);
    for (int number = 1; number < 32; number++)
        sigaction(number, NULL, &before[number]);
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 3, 0, 0);
    embed_all(session, found);
    ve_session_free(session);
    ve_model_close(model);
    for (int number = 1; number < 32; number++) {
        memset(&after, 0, sizeof after);
        sigaction(number, NULL, &after);
        assert_true(after.sa_handler == before[number].sa_handler);
    }
}

static void test_embeddings_have_unit_length_unless_raw(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    uint32_t dim = dim_of(model);
    ve_session *unit = fixture_session(model, 1, 0, 0), *raw = NULL;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    options.flags = VE_SESSION_RAW;
    assert_int_equal(ve_session_create(model, &options, &raw), VE_OK);
    embed_all(unit, expected);
    embed_all(raw, found);
    for (uint32_t i = 0; i < PICTURE_COUNT; i++) {
        double squares = 0;
        for (uint32_t d = 0; d < dim; d++)
            squares += (double)expected[i][d] * expected[i][d];
        assert_true(fabs(squares - 1) < 1e-5);
        assert_int_equal(ve_normalize(found[i], dim), VE_OK);
    }
    assert_same_bits(dim);
    ve_session_free(unit);
    ve_session_free(raw);
    ve_model_close(model);
}

static void test_tensors_are_checked(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 2, 32, 32);
    uint32_t dim = dim_of(model);
    static float tensor[3 * 32 * 32];
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3 * 32 * 32; i++)
        tensor[i] = (float)(i % 13) / 6.0f - 1.0f;
    assert_int_equal(ve_embed_tensor(session, tensor, expected[0]), VE_OK);
    for (size_t i = 0; i < 3; i++) {
        tensor[1000 + i] = bad[i];
        memset(found[0], 0x55, sizeof found[0]);
        memset(found[1], 0x55, sizeof found[1]);
        assert_int_equal(ve_embed_tensor(session, tensor, found[0]), VE_ERR_ARGUMENT);
        assert_memory_equal(found[0], found[1], sizeof found[0]); /* untouched */
        tensor[1000 + i] = (float)((1000 + i) % 13) / 6.0f - 1.0f;
    }
    /* The session is none the worse. */
    assert_int_equal(ve_embed_tensor(session, tensor, found[0]), VE_OK);
    assert_memory_equal(found[0], expected[0], dim * sizeof(float));
    assert_int_equal(ve_embed_tensor(NULL, tensor, found[0]), VE_ERR_ARGUMENT);
    assert_int_equal(ve_embed_tensor(session, NULL, found[0]), VE_ERR_ARGUMENT);
    assert_int_equal(ve_embed_tensor(session, tensor, NULL), VE_ERR_ARGUMENT);
    ve_session_free(session);
    ve_model_close(model);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    ve_session *session = fixture_session(model, 1, 0, 0), *none = NULL;
    ve_image *image = picture(0);
    float row[4];
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    assert_int_equal(ve_embed(NULL, image, row), VE_ERR_ARGUMENT);
    assert_int_equal(ve_embed(session, NULL, row), VE_ERR_ARGUMENT);
    assert_int_equal(ve_embed(session, image, NULL), VE_ERR_ARGUMENT);
    assert_int_equal(ve_session_create(NULL, NULL, &none), VE_ERR_ARGUMENT);
    assert_int_equal(ve_session_create(model, NULL, NULL), VE_ERR_ARGUMENT);
    options.threads = 100000;
    assert_int_equal(ve_session_create(model, &options, &none), VE_ERR_ARGUMENT);
    options.threads = 0;
    options.flags = 0x80000000u;
    assert_int_equal(ve_session_create(model, &options, &none), VE_ERR_UNSUPPORTED);
    options.flags = 0;
    options.width = 3;
    assert_int_equal(ve_session_create(model, &options, &none), VE_ERR_ARGUMENT);
    options.width = 1u << 30;
    options.height = 1u << 30;
    assert_int_not_equal(ve_session_create(model, &options, &none), VE_OK);
    assert_null(none);
    ve_session_free(NULL);
    ve_model_close(NULL);
    ve_image_free(NULL);
    assert_int_equal(ve_session_memory(NULL), 0);
    assert_true(ve_session_memory(session) > 1000);
    ve_image_free(image);
    ve_session_free(session);
    ve_model_close(model);
}

/* An option struct of a later version: longer; what this version does not know must be zero. */
static void test_option_structs_may_be_longer_or_too_short(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v1");
    struct {
        ve_session_options options;
        unsigned char later[12];
    } longer = {VE_SESSION_OPTIONS_INIT, {0}};
    ve_session *session = NULL;
    longer.options.struct_size = sizeof longer;
    assert_int_equal(ve_session_create(model, &longer.options, &session), VE_OK);
    ve_session_free(session);
    session = NULL;
    longer.later[11] = 1;
    assert_int_equal(ve_session_create(model, &longer.options, &session), VE_ERR_UNSUPPORTED);
    longer.options.struct_size = 4;
    assert_int_equal(ve_session_create(model, &longer.options, &session), VE_ERR_ARGUMENT);
    longer.options.struct_size = 0;
    assert_int_equal(ve_session_create(model, &longer.options, &session), VE_ERR_ARGUMENT);
    assert_null(session);
    ve_model_close(model);
}

static void test_model_info(void **state)
{
    (void)state;
    ve_model *model = fixture_model("timm_v2");
    ve_model_info info = VE_MODEL_INFO_INIT;
    assert_int_equal(ve_model_get_info(model, &info), VE_OK);
    assert_int_equal(info.convnext_version, 2);
    assert_int_equal(strlen(info.fingerprint), 64);
    assert_int_equal(strspn(info.fingerprint, "0123456789abcdef"), 64);
    assert_string_equal(info.weight_type, "f32");
    /* Norms' weights and such are folded into their neighbours: fewer numbers than in the file, but not many.
     */
    assert_true(info.parameter_count > 1000 && info.weight_bytes >= 3 * info.parameter_count);
    assert_true(info.kernels[0] != 0);
    /* A caller of an older version has a shorter struct: nothing is written behind it. */
    ve_model_info shorter = VE_MODEL_INFO_INIT;
    shorter.struct_size = offsetof(ve_model_info, kernels);
    memset(shorter.kernels, 'x', sizeof shorter.kernels);
    assert_int_equal(ve_model_get_info(model, &shorter), VE_OK);
    assert_int_equal(shorter.kernels[0], 'x');
    assert_int_equal(shorter.dim, info.dim);
    assert_int_equal(shorter.struct_size, offsetof(ve_model_info, kernels));
    shorter.struct_size = 0;
    assert_int_equal(ve_model_get_info(model, &shorter), VE_ERR_ARGUMENT);
    assert_int_equal(ve_model_get_info(NULL, &info), VE_ERR_ARGUMENT);
    assert_int_equal(ve_model_get_info(model, NULL), VE_ERR_ARGUMENT);
    ve_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_counts_and_sizes_give_the_same_bits),
        cmocka_unit_test(test_repeated_runs_give_the_same_bits),
        cmocka_unit_test(test_different_pictures_give_different_embeddings),
        cmocka_unit_test(test_eight_threads_share_a_model),
        cmocka_unit_test(test_a_session_works_on_after_fork),
        cmocka_unit_test(test_the_standard_streams_may_be_closed),
        cmocka_unit_test(test_nothing_is_printed),
        cmocka_unit_test(test_signal_handlers_are_left_alone),
        cmocka_unit_test(test_embeddings_have_unit_length_unless_raw),
        cmocka_unit_test(test_tensors_are_checked),
        cmocka_unit_test(test_arguments_are_checked),
        cmocka_unit_test(test_option_structs_may_be_longer_or_too_short),
        cmocka_unit_test(test_model_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
