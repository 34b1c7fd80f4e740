/* SPDX-License-Identifier: MIT */
/* Weight files, sessions and pictures for tests of the whole library. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/cmocka_all.h"

const char *fixture_path(const char *name)
{
    static char path[1024];
    const char *folder = getenv("VE_TEST_FIXTURES");
    snprintf(path, sizeof path, "%s/%s.vew", folder && *folder ? folder : VE_TEST_FIXTURES_DIR, name);
    return path;
}

ve_model *fixture_model(const char *name)
{
    ve_model *model = NULL;
    if (ve_model_open(fixture_path(name), NULL, &model) != VE_OK)
        fail_msg("%s", ve_last_error());
    return model;
}

ve_image *noise_image(uint32_t width, uint32_t height, uint32_t seed)
{
    ve_image *image = NULL;
    size_t size = (size_t)3 * width * height;
    uint8_t *pixels = malloc(size);
    assert_non_null(pixels);
    seed = seed * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    assert_int_equal(ve_image_from_pixels(pixels, width, height, 0, VE_PIXELS_RGB, &image), VE_OK);
    free(pixels);
    return image;
}

ve_session *fixture_session(const ve_model *model, uint32_t threads, uint32_t width, uint32_t height)
{
    ve_session *session = NULL;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    options.threads = threads;
    options.width = width;
    options.height = height;
    if (ve_session_create(model, &options, &session) != VE_OK)
        fail_msg("%s", ve_last_error());
    return session;
}

int built_with_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 1;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return 1;
#else
    return 0;
#endif
#else
    return 0;
#endif
}

int same_bits_for_any_thread_count(void)
{
#ifdef VE_GEMM_OPENBLAS
    return 0;
#else
    return 1;
#endif
}
