/* SPDX-License-Identifier: MIT */
/* CPU features agree with what the system says about this CPU, and the count of cores with what may be used. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "support/cmocka_all.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"

/* Does the first "flags" (x86) or "Features" (ARM) line of /proc/cpuinfo hold this word? */
static int system_says(const char *word)
{
    char line[8192], padded[64];
    int found = 0;
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return 0;
    snprintf(padded, sizeof padded, " %s ", word);
    while (!found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = ' ';
        found = (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0) && strstr(line, padded);
    }
    fclose(file);
    return found;
}

static int has(ve__cpu_feature feature)
{
    return (ve__cpu_features() & (unsigned)feature) != 0;
}

static void test_features_are_those_of_the_system(void **state)
{
    (void)state;
#if defined(__x86_64__)
    assert_int_equal(has(VE__CPU_AVX2), system_says("avx2") && system_says("fma") && system_says("f16c"));
    assert_int_equal(has(VE__CPU_AVX512), system_says("avx512f") && system_says("avx512bw") &&
                                              system_says("avx512dq") && system_says("avx512vl"));
    assert_int_equal(has(VE__CPU_AVX512_VNNI), has(VE__CPU_AVX512) && system_says("avx512_vnni"));
    assert_false(has(VE__CPU_NEON));
#elif defined(__aarch64__)
    /* Under qemu-user /proc/cpuinfo may be the host's: then only what the ABI promises can be checked. */
    assert_true(has(VE__CPU_NEON));
    if (system_says("asimd")) {
        assert_int_equal(has(VE__CPU_NEON_DOT), system_says("asimddp"));
        assert_int_equal(has(VE__CPU_NEON_FP16), system_says("asimdhp"));
    }
    assert_false(has(VE__CPU_AVX2));
#else
    assert_int_equal(ve__cpu_features(), 0);
#endif
}

static void test_a_better_set_has_the_plainer_one(void **state)
{
    (void)state;
    assert_true(!has(VE__CPU_AVX512) || has(VE__CPU_AVX2));
    assert_true(!has(VE__CPU_AVX512_VNNI) || has(VE__CPU_AVX512));
    assert_true(!has(VE__CPU_NEON_DOT) || has(VE__CPU_NEON));
}

static void test_count_is_that_of_the_allowed_cores(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_true(ve__cpu_count() >= 1);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(ve__cpu_count(), CPU_COUNT(&before));
    size_t first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(ve__cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_are_those_of_the_system),
        cmocka_unit_test(test_a_better_set_has_the_plainer_one),
        cmocka_unit_test(test_count_is_that_of_the_allowed_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
