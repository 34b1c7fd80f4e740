/* SPDX-License-Identifier: MIT */
/* Memory: embedding allocates nothing; wherever memory runs out there is a status and no leak. The linker puts
 * the
 * __wrap_ functions below in the place of malloc and its like (Makefile, LDFLAGS_test_allocation). */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/fixture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void __wrap_free(void *block);

static long calls, live; /* atomic: threads of the pool might allocate, too */

static void *counted(void *block)
{
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (block)
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = __real_realloc(block, size);
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (!block && moved)
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return moved;
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    int error = __real_posix_memalign(block, alignment, size);
    if (error == 0)
        counted(*block);
    return error;
}

void __wrap_free(void *block)
{
    if (block)
        __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    __real_free(block);
}

static void test_the_counter_counts(void **state)
{
    (void)state;
    long calls_before = calls, live_before = live;
    ve_model *model = fixture_model("timm_v1");
    assert_true(calls > calls_before);
    assert_true(live > live_before);
    ve_model_close(model);
    assert_int_equal(live, live_before);
}

/* The first call, later calls, and calls with pictures larger than any before. */
static void test_embedding_allocates_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"timm_v1", "timm_v2", "timm_ols_tiered", "openclip_mlp"};
    static float row[VE_MAX_DIM], tensor[3 * 64 * 64];
    ve_image *images[3] = {noise_image(64, 64, 1), noise_image(500, 300, 2), noise_image(20, 2000, 3)};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (uint32_t threads = 1; threads <= 4; threads += 3) {
            ve_model *model = fixture_model(names[n]);
            ve_session *session = fixture_session(model, threads, 64, 64);
            long before = calls;
            for (int round = 0; round < 3; round++)
                for (int i = 0; i < 3; i++)
                    assert_int_equal(ve_embed(session, images[i], row), VE_OK);
            assert_int_equal(ve_embed_tensor(session, tensor, row), VE_OK);
            tensor[7] = 1.0f / 0.0f;
            assert_int_equal(ve_embed_tensor(session, tensor, row), VE_ERR_ARGUMENT);
            tensor[7] = 0;
            assert_int_equal(calls, before);
            ve_session_free(session);
            ve_model_close(model);
        }
    for (int i = 0; i < 3; i++)
        ve_image_free(images[i]);
}

/* Runs an action with its first, second, third ... allocation failing, until it needs no more. */
static void fail_each_allocation(ve_status (*action)(void *data), void *data)
{
    long before = live;
    ve_status status = VE_ERR_MEMORY;
    long count = 0;
    for (; status == VE_ERR_MEMORY; count++) {
        ve__allocate_fail_after(count);
        status = action(data);
        ve__allocate_fail_after(-1);
        if (status != VE_ERR_MEMORY && status != VE_OK)
            fail_msg("allocation %ld failed: %s, %s", count, ve_status_name(status), ve_last_error());
        if (status == VE_ERR_MEMORY)
            assert_true(strlen(ve_last_error()) > 0);
        assert_int_equal(live, before);
        assert_true(count < 10000);
    }
    assert_true(count > 1); /* at least one failed before it went through */
}

static ve_status open_model(void *name)
{
    ve_model *model = NULL;
    ve_status status = ve_model_open(fixture_path(name), NULL, &model);
    assert_int_equal(model != NULL, status == VE_OK);
    ve_model_close(model);
    return status;
}

static void test_opening_a_model_without_memory(void **state)
{
    (void)state;
    char v1[] = "timm_v1", v2[] = "timm_v2", tiered[] = "timm_ols_tiered", half[] = "timm_v1.f16",
         mlp[] = "openclip_mlp";
    fail_each_allocation(open_model, v1);
    fail_each_allocation(open_model, v2);
    fail_each_allocation(open_model, tiered);
    fail_each_allocation(open_model, half);
    fail_each_allocation(open_model, mlp);
}

static ve_status create_session(void *model)
{
    ve_session *session = NULL;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    options.threads = 3;
    ve_status status = ve_session_create(model, &options, &session);
    assert_int_equal(session != NULL, status == VE_OK);
    ve_session_free(session);
    return status;
}

static void test_creating_a_session_without_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"timm_v1", "timm_v2", "timm_ols_tiered"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        ve_model *model = fixture_model(names[n]);
        fail_each_allocation(create_session, model);
        ve_model_close(model);
    }
}

static ve_status copy_pixels(void *pixels)
{
    ve_image *image = NULL;
    ve_status status = ve_image_from_pixels(pixels, 4, 4, 0, VE_PIXELS_RGB, &image);
    ve_image_free(image);
    return status;
}

static void test_making_an_image_without_memory(void **state)
{
    (void)state;
    uint8_t pixels[48] = {0};
    fail_each_allocation(copy_pixels, pixels);
}

static void test_opening_and_closing_leaves_nothing(void **state)
{
    (void)state;
    long before = live;
    for (int round = 0; round < 50; round++) {
        ve_model *model = fixture_model("timm_v2");
        ve_session *session = fixture_session(model, 2, 0, 0);
        ve_session_free(session);
        ve_model_close(model);
        assert_int_equal(live, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_counter_counts),
        cmocka_unit_test(test_embedding_allocates_nothing),
        cmocka_unit_test(test_opening_a_model_without_memory),
        cmocka_unit_test(test_creating_a_session_without_memory),
        cmocka_unit_test(test_making_an_image_without_memory),
        cmocka_unit_test(test_opening_and_closing_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
