/* SPDX-License-Identifier: MIT */
/* Memory for vectors and keys: whole pages of their own, kept out of core dumps and, where the system lets us,
 * out of the swap space; wiped before they go back. */
#ifndef VE_STORE_PAGES_H
#define VE_STORE_PAGES_H

#include "base/memory.h" /* ve__wipe */
#include "store/io.h"

typedef struct ve__pages {
    void *bytes; /* zeroed when new; NULL: none */
    size_t size;
    int is_locked; /* the system keeps them in memory */
} ve__pages;

ve_status ve__pages_take(const ve__io *io, size_t size, ve__pages *pages);
void ve__pages_give(ve__pages *pages);

#endif
