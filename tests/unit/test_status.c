/* SPDX-License-Identifier: MIT */
/* Status codes: each has a name, a message and its number for ever; the detail text belongs to a thread. */
#include "support/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

/* Numbers as published: none may ever change. */
static const struct {
    int number;
    const char *name;
} published[] = {
    {0, "VE_OK"},
    {-1, "VE_ERR_ARGUMENT"},
    {-2, "VE_ERR_MEMORY"},
    {-3, "VE_ERR_IO"},
    {-4, "VE_ERR_FORMAT"},
    {-5, "VE_ERR_CORRUPT"},
    {-6, "VE_ERR_VERSION"},
    {-7, "VE_ERR_UNSUPPORTED"},
    {-8, "VE_ERR_NOT_FOUND"},
    {-9, "VE_ERR_EXISTS"},
    {-10, "VE_ERR_BUSY"},
    {-11, "VE_ERR_TOO_SMALL"},
    {-12, "VE_ERR_MISMATCH"},
    {-13, "VE_ERR_STATE"},
    {-14, "VE_ERR_TOO_LARGE"},
    {-15, "VE_ERR_KEY"},
    {-16, "VE_ERR_ACCESS"},
};

static void test_every_code_has_its_name_and_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        ve_status status = (ve_status)published[i].number;
        assert_string_equal(ve_status_name(status), published[i].name);
        assert_true(strlen(ve_status_message(status)) > 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ve_status_message(status),
                                    ve_status_message((ve_status)published[j].number));
    }
}

static void test_unknown_codes_are_said_to_be_unknown(void **state)
{
    (void)state;
    static const int unknown[] = {1, -17, -1000, 1000000};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_string_equal(ve_status_name((ve_status)unknown[i]), "VE_ERR_UNKNOWN");
        assert_non_null(ve_status_message((ve_status)unknown[i]));
    }
}

static void test_fail_keeps_the_text_and_passes_the_status(void **state)
{
    (void)state;
    assert_int_equal(ve__fail(VE_ERR_FORMAT, "tensor %s: %u", "stem", 7u), VE_ERR_FORMAT);
    assert_string_equal(ve_last_error(), "tensor stem: 7");
    assert_int_equal(ve__fail_within(VE_ERR_CORRUPT, "%s", "face.vew"), VE_ERR_CORRUPT);
    assert_string_equal(ve_last_error(), "face.vew: tensor stem: 7");
}

static void test_long_texts_are_cut_not_overrun(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ve__fail(VE_ERR_IO, "%s", text);
    assert_int_equal(strlen(ve_last_error()), 511);
    ve__fail_within(VE_ERR_IO, "path");
    assert_int_equal(strlen(ve_last_error()), 511);
    assert_memory_equal(ve_last_error(), "path: xxx", 9);
    ve__fail_within(VE_ERR_IO, "%s", text);
    assert_int_equal(strlen(ve_last_error()), 511);
}

static void test_errno_becomes_a_status(void **state)
{
    (void)state;
    static const struct {
        int error;
        ve_status status;
    } rows[] = {{ENOENT, VE_ERR_NOT_FOUND}, {ENOTDIR, VE_ERR_NOT_FOUND}, {EEXIST, VE_ERR_EXISTS},
                {ENOMEM, VE_ERR_MEMORY},    {EACCES, VE_ERR_IO},         {ENOSPC, VE_ERR_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        errno = rows[i].error;
        assert_int_equal(ve__fail_errno("cannot open", "a/b"), rows[i].status);
        assert_memory_equal(ve_last_error(), "cannot open a/b: ", 17);
        assert_true(strlen(ve_last_error()) > 17);
    }
}

static void *fail_in_thread(void *seen)
{
    /* Nothing of another thread's failure is seen here. */
    memcpy(seen, ve_last_error(), strlen(ve_last_error()) + 1);
    ve__fail(VE_ERR_BUSY, "of the other thread");
    return NULL;
}

static void test_the_text_belongs_to_a_thread(void **state)
{
    (void)state;
    char seen[600] = "?";
    pthread_t thread;
    ve__fail(VE_ERR_IO, "of this thread");
    assert_int_equal(pthread_create(&thread, NULL, fail_in_thread, seen), 0);
    pthread_join(thread, NULL);
    assert_string_equal(seen, "");
    assert_string_equal(ve_last_error(), "of this thread");
}

static ve_status fails(void)
{
    return ve__fail(VE_ERR_BUSY, "busy");
}

static ve_status tries(int *went_on)
{
    VE_TRY(VE_OK);
    VE_TRY(fails());
    *went_on = 1;
    return VE_OK;
}

static ve_status checks(const void *pointer)
{
    VE_CHECK_ARG(pointer != NULL);
    return VE_OK;
}

static void test_macros(void **state)
{
    (void)state;
    int went_on = 0;
    assert_int_equal(tries(&went_on), VE_ERR_BUSY);
    assert_int_equal(went_on, 0);
    assert_int_equal(checks(&went_on), VE_OK);
    assert_int_equal(checks(NULL), VE_ERR_ARGUMENT);
    assert_non_null(strstr(ve_last_error(), "pointer != NULL"));
}

static void test_version_is_that_of_the_header(void **state)
{
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", VE_VERSION_MAJOR, VE_VERSION_MINOR, VE_VERSION_PATCH);
    assert_string_equal(ve_version(), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_its_name_and_message),
        cmocka_unit_test(test_unknown_codes_are_said_to_be_unknown),
        cmocka_unit_test(test_fail_keeps_the_text_and_passes_the_status),
        cmocka_unit_test(test_long_texts_are_cut_not_overrun),
        cmocka_unit_test(test_errno_becomes_a_status),
        cmocka_unit_test(test_the_text_belongs_to_a_thread),
        cmocka_unit_test(test_macros),
        cmocka_unit_test(test_version_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
