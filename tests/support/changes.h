/* SPDX-License-Identifier: MIT */
/* Random changes to a store, and what it must hold after them. The same seed makes the same changes, with a
 * store or without one: so a parent can follow what its child did. */
#ifndef VE_TESTS_SUPPORT_CHANGES_H
#define VE_TESTS_SUPPORT_CHANGES_H

#include "support/stores.h"

#define CHANGES_DIM   16u
#define CHANGES_ITEMS 1024u /* ids stay below */

typedef struct expected {
    unsigned char versions[CHANGES_ITEMS]; /* of the item that has this id; 0: not there, else version + 1 */
    uint64_t next_key;                     /* also the next id */
} expected;

void expected_start(expected *state);
/* One change: to the state, and to the store unless that is NULL. */
ve_status change_make(ve_store *store, chance *random, expected *state);
/* Does the store hold just that? */
int expected_holds(ve_store *store, const expected *state);
/* Does the file hold no vector and no metadata of items that are not in the state? */
int expected_is_all(const char *path, const expected *state);

#endif
