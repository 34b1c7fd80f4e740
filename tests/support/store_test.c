/* SPDX-License-Identifier: MIT */
/* Set-up of the store's tests. */
#include "support/store_test.h"

#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_test_make(store_test *test)
{
    strcpy(test->folder, make_folder());
    snprintf(test->path, sizeof test->path, "%s/test.ves", test->folder);
}

void store_test_free(store_test *test)
{
    remove_folder(test->folder);
}

int store_test_set_up(void **state)
{
    store_test *test = malloc(sizeof *test);
    if (!test)
        return -1;
    store_test_make(test);
    *state = test;
    return 0;
}

int store_test_tear_down(void **state)
{
    store_test_free(*state);
    free(*state);
    return 0;
}

ve_store *store_test_open(const store_test *test, uint32_t flags, unsigned dim)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store *store = NULL;
    options.flags = flags;
    options.dim = dim;
    if (ve_store_open(test->path, &options, &store) != VE_OK)
        fail_msg("%s", ve_last_error());
    return store;
}

uint64_t store_test_add(ve_store *store, uint64_t key, unsigned version, unsigned dim)
{
    item one;
    uint64_t id = 0;
    item_make(&one, key, version, dim);
    if (ve_store_add(store, &one.entry, &id) != VE_OK)
        fail_msg("%s", ve_last_error());
    return id;
}

void store_test_replace(ve_store *store, uint64_t id, uint64_t key, unsigned version, unsigned dim)
{
    item one;
    item_make(&one, key, version, dim);
    if (ve_store_replace(store, id, &one.entry) != VE_OK)
        fail_msg("%s", ve_last_error());
}
