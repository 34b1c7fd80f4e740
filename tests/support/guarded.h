/* SPDX-License-Identifier: MIT */
/* Memory blocks that end, or begin, at a page that may not be touched: one byte too many is a crash. */
#ifndef TESTS_SUPPORT_GUARDED_H
#define TESTS_SUPPORT_GUARDED_H

#include <stddef.h>

typedef enum guarded_side { GUARDED_BELOW, GUARDED_ABOVE } guarded_side;

/* A block of `size` bytes next to a forbidden page: the block's first byte follows it (GUARDED_BELOW), or it
 * follows the block's last byte (GUARDED_ABOVE; with alignment > 1 the size is rounded up to it first). Both
 * sides of the mapping are forbidden. The content is noise, the same in every run. Fails the program when
 * memory is short. */
void *guarded_new(size_t size, size_t alignment, guarded_side side);
/* Gives back all blocks. */
void guarded_release_all(void);

#endif
