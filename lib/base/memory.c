/* SPDX-License-Identifier: MIT */
/* Aligned allocation that can be made to fail, and the arena. */
#define _DEFAULT_SOURCE /* madvise */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of this size and more ask for huge pages: weights are read from end to end for every picture, and a
 * page table walk less for each 4 KB, and 500 page faults less for each 2 MB when they are packed, are worth
 * it. */
#define HUGE_PAGE (2u * 1024u * 1024u)

/* Only tests set it; read without a lock because tests that set it run one thread. */
static long fail_after = -1;

static int should_fail(void)
{
    long left = __atomic_load_n(&fail_after, __ATOMIC_RELAXED);
    if (left < 0)
        return 0;
    __atomic_store_n(&fail_after, left - 1, __ATOMIC_RELAXED);
    return left == 0;
}

void ve__allocate_fail_after(long count)
{
    __atomic_store_n(&fail_after, count, __ATOMIC_RELAXED);
}

int ve__multiply(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b)
        return 0;
    *product = a * b;
    return 1;
}

void *ve__allocate(size_t size_bytes)
{
    void *block = NULL;
    if (should_fail() || size_bytes > SIZE_MAX - VE__ALIGN)
        return NULL;
    int is_huge = size_bytes >= 2 * HUGE_PAGE;
    if (posix_memalign(&block, is_huge ? HUGE_PAGE : VE__ALIGN, size_bytes ? size_bytes : 1) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (is_huge) /* whole pages only, so that the block does not take more than it asked for; advice may be
                    refused */
        madvise(block, size_bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return block;
}

void *ve__allocate_zeroed(size_t size_bytes)
{
    void *block = ve__allocate(size_bytes);
    if (block)
        memset(block, 0, size_bytes);
    return block;
}

void *ve__resize(void *block, size_t size_bytes)
{
    if (should_fail())
        return NULL;
    return realloc(block, size_bytes ? size_bytes : 1);
}

void ve__release(void *block)
{
    free(block);
}

void ve__wipe(void *memory, size_t size_bytes)
{
    if (!memory || size_bytes == 0)
        return;
    memset(memory, 0, size_bytes);
    /* The compiler must believe that somebody reads it. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}

void *ve__arena_take(ve__arena *arena, size_t size_bytes)
{
    void *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used += ve__round_up(size_bytes, VE__ALIGN);
    return piece;
}
