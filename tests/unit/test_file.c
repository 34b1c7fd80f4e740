/* SPDX-License-Identifier: MIT */
/* Mapped files: contents, and plain errors for all that is no readable regular file. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/visembed-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc((int)(i * 7 % 251), file);
    assert_int_equal(fclose(file), 0);
}

static void assert_contents(const ve__mapped *mapped, size_t size)
{
    assert_int_equal(mapped->size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(mapped->bytes[i], i * 7 % 251);
}

static void test_a_file_is_mapped_and_forgotten(void **state)
{
    (void)state;
    const size_t size = 5 * 4096 + 100;
    const char *path = path_of("data");
    ve__mapped mapped;
    write_file(path, size);
    assert_int_equal(ve__map_file(path, &mapped), VE_OK);
    assert_contents(&mapped, size);
    /* Forgetting frees the memory, not the contents; any range will do. */
    ve__map_forget(&mapped, 0, size);
    ve__map_forget(&mapped, 1, 4095);
    ve__map_forget(&mapped, 4096, 0);
    ve__map_forget(&mapped, size, 0);
    assert_contents(&mapped, size);
    /* The mapping outlives the name. */
    assert_int_equal(unlink(path), 0);
    assert_contents(&mapped, size);
    ve__unmap(&mapped);
    assert_null(mapped.bytes);
    assert_int_equal(mapped.size, 0);
    ve__unmap(&mapped);
}

static void test_an_empty_file_has_no_bytes(void **state)
{
    (void)state;
    const char *path = path_of("empty");
    ve__mapped mapped = {(const unsigned char *)"x", 1};
    write_file(path, 0);
    assert_int_equal(ve__map_file(path, &mapped), VE_OK);
    assert_null(mapped.bytes);
    assert_int_equal(mapped.size, 0);
    ve__map_forget(&mapped, 0, 0);
    ve__unmap(&mapped);
    unlink(path);
}

static void test_what_is_no_file_is_refused_by_name(void **state)
{
    (void)state;
    ve__mapped mapped;
    assert_int_equal(ve__map_file(path_of("absent"), &mapped), VE_ERR_NOT_FOUND);
    assert_non_null(strstr(ve_last_error(), "/absent"));
    assert_int_equal(ve__map_file(folder, &mapped), VE_ERR_IO);
    assert_non_null(strstr(ve_last_error(), folder));
    assert_int_equal(ve__map_file("/dev/null", &mapped), VE_ERR_IO);
    assert_non_null(strstr(ve_last_error(), "not a regular file"));
    assert_int_equal(ve__map_file("/dev/null/x", &mapped), VE_ERR_NOT_FOUND);
}

static void test_a_fifo_does_not_hang(void **state)
{
    (void)state;
    ve__mapped mapped;
    const char *path = path_of("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20); /* a hang kills the test */
    assert_int_equal(ve__map_file(path, &mapped), VE_ERR_IO);
    alarm(0);
    unlink(path);
}

static void test_no_right_to_read(void **state)
{
    (void)state;
    ve__mapped mapped;
    const char *path = path_of("private");
    write_file(path, 10);
    assert_int_equal(chmod(path, 0), 0);
    uid_t user = geteuid();
    if (user == 0)
        assert_int_equal(seteuid(65534), 0); /* root may read everything */
    ve_status status = ve__map_file(path, &mapped);
    if (user == 0)
        assert_int_equal(seteuid(user), 0);
    assert_int_equal(status, VE_ERR_IO);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_mapped_and_forgotten),
        cmocka_unit_test(test_an_empty_file_has_no_bytes),
        cmocka_unit_test(test_what_is_no_file_is_refused_by_name),
        cmocka_unit_test(test_a_fifo_does_not_hang),
        cmocka_unit_test(test_no_right_to_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
