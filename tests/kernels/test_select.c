/* SPDX-License-Identifier: MIT */
/* Which kernel table a process gets. The choice is made once per process, so each case has a process of its
 * own. */
#include "kernels/common.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a child that selects with VE_FORCE_ISA=forced (NULL: unset): the index of its table; 100 when
 * it was refused as it should be; 101 when refused otherwise. */
static int select_in_child(const char *forced)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        const ve__kernels *chosen = NULL, *again = NULL;
        if (forced)
            setenv("VE_FORCE_ISA", forced, 1);
        else
            unsetenv("VE_FORCE_ISA");
        if (ve__kernels_select(&chosen) != VE_OK)
            _exit(ve__kernels_select(&again) == VE_ERR_UNSUPPORTED && !again && strstr(ve_last_error(), forced)
                      ? 100
                      : 101);
        for (unsigned i = 0; i < 8; i++)
            if (ve__kernels_available(i) == chosen && ve__kernels_select(&again) == VE_OK && again == chosen)
                _exit((int)i);
        _exit(102);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static unsigned count_in_child(char names[8][16])
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; ve__kernels_available(i); i++) {
            char name[16] = {0};
            strncpy(name, ve__kernels_available(i)->name, sizeof name - 1);
            if (write(ends[1], name, sizeof name) != (ssize_t)sizeof name)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    unsigned count = 0;
    while (count < 8 && read(ends[0], names[count], 16) == 16)
        count++;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return count;
}

static void the_best_or_the_named_one(void **state)
{
    char names[8][16];
    unsigned count = count_in_child(names);
    (void)state;
    assert_in_range(count, 1, 4);
    assert_string_equal(names[0], "scalar");
    assert_int_equal(select_in_child(NULL), (int)count - 1);
    assert_int_equal(select_in_child(""), (int)count - 1);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(select_in_child(names[i]), (int)i);
}

static void an_unknown_one_is_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(select_in_child("sse9"), 100);
#ifdef __x86_64__
    assert_int_equal(select_in_child("neon"), 100);
#else
    assert_int_equal(select_in_child("avx512"), 100);
#endif
}

static void tables_are_complete(void **state)
{
    (void)state;
    FOR_EACH_TABLE(t)
    {
        const ve__dense *d = &t->dense_f32;
        assert_true(d->packed_bytes && d->pack && d->panel_bytes && d->panel_write && d->panel_norm);
        assert_true(d->panel_scale && d->multiply && d->multiply_gelu);
        assert_true(t->depthwise_bytes && t->depthwise_pack && t->depthwise && t->norm_rows && t->interleave &&
                    t->sum_rows);
        assert_true(t->gelu && t->pixels && t->half_to_float && t->dot);
    }
    assert_null(ve__kernels_available(7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_or_the_named_one), cmocka_unit_test(an_unknown_one_is_refused_by_name),
        cmocka_unit_test(tables_are_complete), /* last: it makes this process's choice */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
