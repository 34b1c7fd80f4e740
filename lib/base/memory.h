/* SPDX-License-Identifier: MIT */
/* Memory: products of sizes that cannot overflow, aligned blocks, and an arena that is measured first
 * and carved afterwards, so that a session takes all its memory in one allocation. */
#ifndef VE_BASE_MEMORY_H
#define VE_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Alignment of every block: a cache line, which is also the widest vector. */
#define VE__ALIGN 64u

static inline size_t ve__round_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/* *product = a * b; false (and *product untouched) when that does not fit. */
int ve__multiply(size_t a, size_t b, size_t *product);

/* calloc/malloc/free under one roof, so that tests can make the n-th allocation fail.
 * ve__allocate gives VE__ALIGN-aligned memory that is zeroed where `zero` says so; NULL when there is none.
 * Blocks come back through ve__release. */
void *ve__allocate(size_t size_bytes);
void *ve__allocate_zeroed(size_t size_bytes);
/* Grows or shrinks an unaligned block made by this function (NULL: a new one). */
void *ve__resize(void *block, size_t size_bytes);
void ve__release(void *block);

/* Overwrites memory with zeros in a way that the compiler keeps; NULL is allowed. */
void ve__wipe(void *memory, size_t size_bytes);

/* For tests: the allocation after `count` more fails, once (negative: none will). */
void ve__allocate_fail_after(long count);

/* An arena. With base == NULL it only adds up what would be needed; run the same code again over a block
 * of `used` bytes and the same calls hand out the pieces. */
typedef struct ve__arena {
    unsigned char *base;
    size_t used; /* bytes handed out so far, a multiple of VE__ALIGN */
} ve__arena;

/* The next piece, VE__ALIGN-aligned; NULL while measuring. */
void *ve__arena_take(ve__arena *arena, size_t size_bytes);

#endif
