/* SPDX-License-Identifier: MIT */
/* Set-up of the store's tests: a folder of their own with room for one store, test.ves. */
#ifndef VE_TESTS_SUPPORT_STORE_TEST_H
#define VE_TESTS_SUPPORT_STORE_TEST_H

#include "support/stores.h"

typedef struct store_test {
    char folder[64], path[128];
} store_test;

void store_test_make(store_test *test);
void store_test_free(store_test *test);
/* For cmocka: *state becomes a store_test. */
int store_test_set_up(void **state);
int store_test_tear_down(void **state);

/* Opens test.ves; the test fails if that does. */
ve_store *store_test_open(const store_test *test, uint32_t flags, unsigned dim);
/* Adds a version of an item (stores.h) and returns its id, or replaces `id` by it. */
uint64_t store_test_add(ve_store *store, uint64_t key, unsigned version, unsigned dim);
void store_test_replace(ve_store *store, uint64_t id, uint64_t key, unsigned version, unsigned dim);

#endif
