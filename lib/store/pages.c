/* SPDX-License-Identifier: MIT */
/* Pages from mmap, with what Linux offers beyond POSIX where it is there. */
#if defined(__linux__)
#define _GNU_SOURCE /* madvise, mlock2 */
#else
#define _DEFAULT_SOURCE
#endif
#include "store/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif

/* From here on one large page (2 MB) holds what would take 512 small ones: scans miss the TLB less often. */
#define LARGE_PAGE ((size_t)2 * 1024 * 1024)

/* Pages become locked as they are first used, where the system can do that: a large block reserved for later
 * growth costs nothing. */
static int lock_pages(void *bytes, size_t size)
{
#ifdef MLOCK_ONFAULT
    if (mlock2(bytes, size, MLOCK_ONFAULT) == 0)
        return 1;
#endif
    return mlock(bytes, size) == 0;
}

ve_status ve__pages_take(const ve__io *io, size_t size, ve__pages *pages)
{
    ve__io_call call = {.kind = VE__IO_MAP, .size = size, .file = -1};
    size_t rounded = ve__round_up(size ? size : 1, size >= LARGE_PAGE ? LARGE_PAGE : 4096);
    int error = io->before ? io->before(io->context, &call) : 0;
    void *bytes = MAP_FAILED;
    if (error == 0 && rounded >= size)
        bytes = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return ve__fail(VE_ERR_MEMORY, "no memory for %zu bytes of vectors", size);
#ifdef MADV_DONTDUMP
    madvise(bytes, rounded, MADV_DONTDUMP);
#endif
#ifdef MADV_HUGEPAGE
    if (rounded >= LARGE_PAGE)
        madvise(bytes, rounded, MADV_HUGEPAGE);
#endif
    pages->is_locked = lock_pages(bytes, rounded);
    pages->bytes = bytes;
    pages->size = rounded;
    return VE_OK;
}

void ve__pages_give(ve__pages *pages)
{
    if (!pages->bytes)
        return;
    ve__wipe(pages->bytes, pages->size);
    munmap(pages->bytes, pages->size);
    memset(pages, 0, sizeof *pages);
}
