/* SPDX-License-Identifier: MIT */
/* The shared library may be loaded, used with threads and unloaded a thousand times: neither memory nor
 * mappings nor open files grow. run-tests names the library by VE_TEST_LIBRARY. */
#include "support/cmocka_all.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fixture.h"

/* A function of the library: ISO C has no way from void * to a function pointer but through memory. */
#define LOAD(function)                                                                                         \
    do {                                                                                                       \
        void *at = dlsym(library, "ve_" #function);                                                            \
        assert_non_null(at);                                                                                   \
        memcpy(&function, &at, sizeof at);                                                                     \
    } while (0)

static void use_once(const char *path, float *row)
{
    ve_status (*model_open)(const char *, const ve_model_options *, ve_model **);
    ve_status (*session_create)(const ve_model *, const ve_session_options *, ve_session **);
    ve_status (*image_from_pixels)(const uint8_t *, uint32_t, uint32_t, size_t, ve_pixel_format, ve_image **);
    ve_status (*embed)(ve_session *, const ve_image *, float *);
    const char *(*last_error)(void);
    void (*image_free)(ve_image *), (*session_free)(ve_session *), (*model_close)(ve_model *);
    static uint8_t pixels[3 * 40 * 40];
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail_msg("%s", dlerror());
    LOAD(model_open);
    LOAD(session_create);
    LOAD(image_from_pixels);
    LOAD(embed);
    LOAD(last_error);
    LOAD(image_free);
    LOAD(session_free);
    LOAD(model_close);

    ve_model *model = NULL;
    ve_session *session = NULL;
    ve_image *image = NULL;
    ve_session_options options = VE_SESSION_OPTIONS_INIT;
    options.threads = 2;
    /* A failure first: its text lies in thread-local memory. */
    assert_int_equal(model_open("/nowhere.vew", NULL, &model), VE_ERR_NOT_FOUND);
    assert_non_null(strstr(last_error(), "nowhere"));
    assert_int_equal(model_open(fixture_path("timm_v1"), NULL, &model), VE_OK);
    assert_int_equal(session_create(model, &options, &session), VE_OK);
    assert_int_equal(image_from_pixels(pixels, 40, 40, 0, VE_PIXELS_RGB, &image), VE_OK);
    assert_int_equal(embed(session, image, row), VE_OK);
    image_free(image);
    session_free(session);
    model_close(model);
    assert_int_equal(dlclose(library), 0);
    assert_null(dlopen(path, RTLD_NOW | RTLD_NOLOAD)); /* really gone */
}

static int is_under_emulation(void)
{
    /* qemu's own memory is counted as ours. */
    const char *runner = getenv("RUN");
    return runner && *runner;
}

/* Anonymous memory in use, counted page by page: the numbers in /proc/self/statm lag behind by some pages for
 * each processor. */
static long anonymous_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Anonymous: %ld", &kib) == 1)
            break;
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

static int count_mappings(void)
{
    int lines = 0, c;
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static int count_open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void test_a_thousand_times(void **state)
{
    (void)state;
    const char *path = getenv("VE_TEST_LIBRARY");
    if (!path)
        skip(); /* run by hand */
    static float first[VE_MAX_DIM], row[VE_MAX_DIM];
    int rounds = built_with_sanitizer() || is_under_emulation() ? 100 : 1000;
    use_once(path, first);
    for (int round = 0; round < 50; round++)
        use_once(path, row);
    long memory = is_under_emulation() ? 0 : anonymous_kib();
    int mappings = count_mappings(), files = count_open_files();
    for (int round = 0; round < rounds; round++) {
        use_once(path, row);
        assert_memory_equal(row, first, sizeof row);
    }
    assert_int_equal(count_open_files(), files);
    if (built_with_sanitizer() || is_under_emulation())
        return;
    assert_true(count_mappings() <= mappings + 2);
    /* 64 bytes lost in each round would be seen. */
    long growth = anonymous_kib() - memory;
    if (growth >= 62)
        fail_msg("%ld KiB more after %d rounds", growth, rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
