/* SPDX-License-Identifier: MIT */
/* Files mapped for reading. */
#define _DEFAULT_SOURCE /* madvise */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static ve_status map_open_file(int file, const char *path, ve__mapped *mapped)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return ve__fail_errno("cannot examine", path);
    if (!S_ISREG(about.st_mode))
        return ve__fail(VE_ERR_IO, "cannot read %s: not a regular file", path);
    mapped->size = (size_t)about.st_size;
    mapped->bytes = NULL;
    if (mapped->size == 0)
        return VE_OK;
    void *at = mmap(NULL, mapped->size, PROT_READ, MAP_PRIVATE, file, 0);
    if (at == MAP_FAILED)
        return ve__fail_errno("cannot map", path);
    mapped->bytes = at;
    return VE_OK;
}

ve_status ve__map_file(const char *path, ve__mapped *mapped)
{
    /* O_NONBLOCK: opening a FIFO by mistake must not hang. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return ve__fail_errno("cannot open", path);
    ve_status status = map_open_file(file, path, mapped);
    close(file);
    return status;
}

void ve__map_forget(const ve__mapped *mapped, size_t offset, size_t size)
{
    long page_size = sysconf(_SC_PAGESIZE);
    size_t page = page_size > 0 ? (size_t)page_size : 4096;
    size_t first = ve__round_up(offset, page), end = (offset + size) / page * page;
    if (mapped->bytes && first < end)
        madvise((void *)(uintptr_t)(mapped->bytes + first), end - first, MADV_DONTNEED);
}

void ve__unmap(ve__mapped *mapped)
{
    if (mapped->bytes)
        munmap((void *)(uintptr_t)mapped->bytes, mapped->size);
    mapped->bytes = NULL;
    mapped->size = 0;
}
