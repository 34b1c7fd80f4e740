/* SPDX-License-Identifier: MIT */
/* The weight files that are made of tests/fixtures at build time, and pictures to embed with them. */
#ifndef VE_TESTS_FIXTURE_H
#define VE_TESTS_FIXTURE_H

#include "visembed.h"

/* The path of fixture NAME's weight file: in the folder that the environment variable VE_TEST_FIXTURES names,
 * or else in that of this build. Static memory, overwritten by the next call. */
const char *fixture_path(const char *name);

/* Opens a fixture; fails the test where that does not work. */
ve_model *fixture_model(const char *name);

/* A picture that is all noise, different for each seed. */
ve_image *noise_image(uint32_t width, uint32_t height, uint32_t seed);

/* A session of that many threads; 0 for width and height: the model's own. */
ve_session *fixture_session(const ve_model *model, uint32_t threads, uint32_t width, uint32_t height);

/* True in programs built with AddressSanitizer or ThreadSanitizer: what the system says of memory then says
 * little about the library. */
int built_with_sanitizer(void);

/* False in GEMM=openblas builds: the order of sgemm's additions depends on how the rows are cut into bands. */
int same_bits_for_any_thread_count(void);

#endif
