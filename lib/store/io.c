/* SPDX-License-Identifier: MIT */
/* The system calls, retried where a signal or a short count interrupts them. */
#define _FILE_OFFSET_BITS 64 /* stores above 2 GB on 32-bit machines, too */
#if defined(__linux__)
#define _GNU_SOURCE /* F_OFD_SETLK */
#else
#define _DEFAULT_SOURCE /* preadv, flock */
#endif
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

/* At most this many pieces in one preadv: POSIX's _XOPEN_IOV_MAX is 16, every system here allows 1024. */
#define MAX_PIECES 256

static int before(const ve__io *io, ve__io_call *call)
{
    int error = io->before ? io->before(io->context, call) : 0;
    errno = error;
    return error;
}

static void after(const ve__io *io, const ve__io_call *call)
{
    if (io->after)
        io->after(io->context, call);
}

ve_status ve__io_open(const ve__io *io, const char *path, int flags, ve__file *file)
{
    ve__io_call call = {.kind = VE__IO_OPEN, .path = path, .flags = flags, .file = -1};
    if (before(io, &call) != 0)
        return ve__fail_errno("cannot open", path);
    do
        call.file = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, S_IRUSR | S_IWUSR);
    while (call.file < 0 && errno == EINTR);
    if (call.file < 0 && errno == ELOOP)
        return ve__fail(VE_ERR_ACCESS, "cannot open %s: it is a symbolic link", path);
    if (call.file < 0)
        return ve__fail_errno("cannot open", path);
    file->descriptor = call.file;
    file->path = path;
    after(io, &call);
    return VE_OK;
}

void ve__io_close(ve__file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

/* Makes the list of pieces for what is missing of `count` pairs after `done` bytes. */
static int list_pieces(struct iovec *pieces, uint8_t *first, size_t first_bytes, uint8_t *second,
                       size_t second_bytes, size_t count, size_t done)
{
    size_t pair = done / (first_bytes + second_bytes), within = done % (first_bytes + second_bytes);
    int used = 0;
    for (; pair < count && used + 2 <= MAX_PIECES; pair++, within = 0) {
        size_t skip_first = within < first_bytes ? within : first_bytes, skip_second = within - skip_first;
        if (first_bytes > skip_first) {
            pieces[used].iov_base = first + pair * first_bytes + skip_first;
            pieces[used++].iov_len = first_bytes - skip_first;
        }
        if (second_bytes > skip_second) {
            pieces[used].iov_base = second + pair * second_bytes + skip_second;
            pieces[used++].iov_len = second_bytes - skip_second;
        }
    }
    return used;
}

ve_status ve__io_read_pairs(const ve__io *io, const ve__file *file, uint64_t offset, uint8_t *first,
                            size_t first_bytes, uint8_t *second, size_t second_bytes, size_t count,
                            size_t *done)
{
    struct iovec pieces[MAX_PIECES];
    size_t total = count * (first_bytes + second_bytes), got = 0;
    while (got < total) {
        ve__io_call call = {.kind = VE__IO_READ,
                            .path = file->path,
                            .file = file->descriptor,
                            .offset = offset + got,
                            .size = total - got};
        int used = list_pieces(pieces, first, first_bytes, second, second_bytes, count, got);
        if (before(io, &call) != 0)
            return ve__fail_errno("cannot read", file->path);
        ssize_t size = preadv(file->descriptor, pieces, used, (off_t)(offset + got));
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return ve__fail_errno("cannot read", file->path);
        if (size == 0)
            break;
        got += (size_t)size;
    }
    *done = got;
    return VE_OK;
}

ve_status ve__io_read(const ve__io *io, const ve__file *file, uint64_t offset, void *bytes, size_t size,
                      size_t *done)
{
    return ve__io_read_pairs(io, file, offset, bytes, size, NULL, 0, 1, done);
}

ve_status ve__io_write(const ve__io *io, const ve__file *file, uint64_t offset, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ve__io_call call = {.kind = VE__IO_WRITE,
                            .path = file->path,
                            .file = file->descriptor,
                            .offset = offset + done,
                            .bytes = (const uint8_t *)bytes + done,
                            .size = size - done};
        if (before(io, &call) != 0)
            return ve__fail_errno("cannot write", file->path);
        ssize_t written = pwrite(file->descriptor, call.bytes, call.size, (off_t)call.offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return ve__fail_errno("cannot write", file->path);
        }
        call.size = (size_t)written;
        after(io, &call);
        done += (size_t)written;
    }
    return VE_OK;
}

ve_status ve__io_sync(const ve__io *io, const ve__file *file)
{
    ve__io_call call = {.kind = VE__IO_SYNC, .path = file->path, .file = file->descriptor};
    /* Not retried after EINTR or anything else: the kernel may have dropped the pages that it could not write.
     */
    if (before(io, &call) != 0 || fdatasync(file->descriptor) != 0)
        return ve__fail_errno("cannot write to the disk:", file->path);
    after(io, &call);
    return VE_OK;
}

ve_status ve__io_truncate(const ve__io *io, const ve__file *file, uint64_t size)
{
    ve__io_call call = {.kind = VE__IO_TRUNCATE, .path = file->path, .file = file->descriptor, .offset = size};
    if (before(io, &call) != 0)
        return ve__fail_errno("cannot shorten", file->path);
    while (ftruncate(file->descriptor, (off_t)size) != 0)
        if (errno != EINTR)
            return ve__fail_errno("cannot shorten", file->path);
    after(io, &call);
    return VE_OK;
}

ve_status ve__io_rename(const ve__io *io, const char *path, const char *new_path)
{
    ve__io_call call = {.kind = VE__IO_RENAME, .path = path, .new_path = new_path, .file = -1};
    if (before(io, &call) != 0 || rename(path, new_path) != 0)
        return ve__fail_errno("cannot rename", path);
    after(io, &call);
    return VE_OK;
}

ve_status ve__io_unlink(const ve__io *io, const char *path)
{
    ve__io_call call = {.kind = VE__IO_UNLINK, .path = path, .file = -1};
    if (before(io, &call) != 0)
        return ve__fail_errno("cannot remove", path);
    if (unlink(path) != 0)
        return errno == ENOENT ? VE_OK : ve__fail_errno("cannot remove", path);
    after(io, &call);
    return VE_OK;
}

/* The folder part of a path: ".", "/" or what stands before the last slash. Allocated. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *folder = ve__allocate(length + 1);
    if (folder) {
        memcpy(folder, slash ? path : ".", length);
        folder[length] = 0;
    }
    return folder;
}

static ve_status sync_folder(const ve__io *io, const char *folder)
{
    ve__io_call call = {.kind = VE__IO_SYNC_FOLDER, .path = folder};
    if (before(io, &call) != 0)
        return ve__fail_errno("cannot write to the disk: folder", folder);
    call.file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (call.file < 0)
        return ve__fail_errno("cannot open folder", folder);
    int result = fsync(call.file), error = errno;
    close(call.file);
    errno = error;
    /* Some file systems know no fsync of a folder. */
    if (result != 0 && error != EINVAL)
        return ve__fail_errno("cannot write to the disk: folder", folder);
    after(io, &call);
    return VE_OK;
}

ve_status ve__io_sync_folder(const ve__io *io, const char *path)
{
    char *folder = folder_of(path);
    if (!folder)
        return ve__fail(VE_ERR_MEMORY, "no memory for the name of %s's folder", path);
    ve_status status = sync_folder(io, folder);
    ve__release(folder);
    return status;
}

static ve_status make_folder(const ve__io *io, const char *folder)
{
    struct stat facts;
    ve__io_call call = {.kind = VE__IO_MAKE_FOLDER, .path = folder, .file = -1};
    if (stat(folder, &facts) == 0)
        return VE_OK;
    if (before(io, &call) != 0 || (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST))
        return ve__fail_errno("cannot make folder", folder);
    after(io, &call);
    return ve__io_sync_folder(io, folder);
}

ve_status ve__io_make_folder(const ve__io *io, const char *path)
{
    char *folder = folder_of(path);
    if (!folder)
        return ve__fail(VE_ERR_MEMORY, "no memory for the name of %s's folder", path);
    ve_status status = make_folder(io, folder);
    ve__release(folder);
    return status;
}

static void copy_facts(const struct stat *from, ve__file_facts *facts)
{
    facts->device = (uint64_t)from->st_dev;
    facts->inode = (uint64_t)from->st_ino;
    facts->size = (uint64_t)from->st_size;
    facts->is_regular = S_ISREG(from->st_mode);
    facts->is_shared = (from->st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

ve_status ve__io_facts(const ve__io *io, const ve__file *file, ve__file_facts *facts)
{
    struct stat found;
    ve__io_call call = {.kind = VE__IO_STAT, .path = file->path, .file = file->descriptor};
    if (before(io, &call) != 0 || fstat(file->descriptor, &found) != 0)
        return ve__fail_errno("cannot examine", file->path);
    copy_facts(&found, facts);
    return VE_OK;
}

ve_status ve__io_facts_of_path(const ve__io *io, const char *path, ve__file_facts *facts)
{
    struct stat found;
    ve__io_call call = {.kind = VE__IO_STAT, .path = path, .file = -1};
    if (before(io, &call) != 0 || lstat(path, &found) != 0)
        return ve__fail_errno("cannot examine", path);
    copy_facts(&found, facts);
    return VE_OK;
}

/* 0, or an errno: EAGAIN while somebody else holds the lock. */
static int try_lock(int descriptor, int wanted)
{
#ifdef F_OFD_SETLK
    struct flock lock = {.l_type = wanted ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET};
    int result = fcntl(descriptor, F_OFD_SETLK, &lock);
#else
    int result = flock(descriptor, wanted ? LOCK_EX | LOCK_NB : LOCK_UN);
#endif
    if (result == 0)
        return 0;
    return errno == EACCES || errno == EWOULDBLOCK ? EAGAIN : errno;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

ve_status ve__io_lock(const ve__io *io, const ve__file *file, uint32_t wait_ms)
{
    ve__io_call call = {.kind = VE__IO_LOCK, .path = file->path, .file = file->descriptor};
    struct timespec pause = {0, 100000};
    uint64_t end = now_ms() + wait_ms;
    if (before(io, &call) != 0)
        return ve__fail_errno("cannot lock", file->path);
    for (;;) {
        int error = try_lock(file->descriptor, 1);
        if (error == 0)
            return VE_OK;
        errno = error;
        if (error != EAGAIN && error != EINTR)
            return ve__fail_errno("cannot lock", file->path);
        if (now_ms() >= end)
            return ve__fail(VE_ERR_BUSY, "%s: another writer held the lock for %u ms", file->path, wait_ms);
        nanosleep(&pause, NULL);
        /* Longer and longer, up to 5 ms: a fair share without burning a core. */
        pause.tv_nsec = pause.tv_nsec < 4000000 ? pause.tv_nsec * 3 / 2 : 5000000;
    }
}

void ve__io_unlock(const ve__file *file)
{
    try_lock(file->descriptor, 0);
}
