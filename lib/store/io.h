/* SPDX-License-Identifier: MIT */
/* The store's only way to the operating system: every call that touches a file goes through here, so that tests
 * can watch the calls, make any of them fail, or cut a write short. */
#ifndef VE_STORE_IO_H
#define VE_STORE_IO_H

#include <sys/types.h>

#include "base/status.h"

typedef enum ve__io_kind {
    VE__IO_OPEN = 1,
    VE__IO_READ,
    VE__IO_WRITE,
    VE__IO_SYNC,
    VE__IO_TRUNCATE,
    VE__IO_RENAME,
    VE__IO_UNLINK,
    VE__IO_SYNC_FOLDER,
    VE__IO_MAKE_FOLDER,
    VE__IO_LOCK,
    VE__IO_STAT,
    VE__IO_MAP /* memory for vectors */
} ve__io_kind;

typedef struct ve__io_call {
    ve__io_kind kind;
    const char *path;     /* of the file or folder; NULL for MAP */
    const char *new_path; /* RENAME */
    int file;             /* descriptor, for calls on an open file; set after OPEN */
    int flags;            /* OPEN */
    uint64_t offset;      /* READ, WRITE; TRUNCATE: the new size */
    const void *bytes;    /* WRITE */
    size_t size;
} ve__io_call;

/* What tests put in between. NULL functions do nothing; a zeroed struct is the plain system. */
typedef struct ve__io {
    void *context;
    /* Before a call: 0 lets it happen, another value is the errno that it fails with. May lower call->size of a
     * WRITE, which then is a short one. */
    int (*before)(void *context, ve__io_call *call);
    /* After a call that succeeded. */
    void (*after)(void *context, const ve__io_call *call);
} ve__io;

typedef struct ve__file {
    int descriptor; /* -1: not open */
    const char *path;
} ve__file;

/* open(2) with O_CLOEXEC, O_NOFOLLOW and, for new files, mode 0600. */
ve_status ve__io_open(const ve__io *io, const char *path, int flags, ve__file *file);
void ve__io_close(ve__file *file);
/* Reads up to the end of the file at most; *done says how much. Buffers are filled one after the other:
 * `first_bytes`, then `second_bytes`, and so on in turns, `count` times (a slot's vector and its trailer). */
ve_status ve__io_read_pairs(const ve__io *io, const ve__file *file, uint64_t offset, uint8_t *first,
                            size_t first_bytes, uint8_t *second, size_t second_bytes, size_t count,
                            size_t *done);
ve_status ve__io_read(const ve__io *io, const ve__file *file, uint64_t offset, void *bytes, size_t size,
                      size_t *done);
/* Writes all. */
ve_status ve__io_write(const ve__io *io, const ve__file *file, uint64_t offset, const void *bytes, size_t size);
/* Waits until the file's data and its size are on the disk. */
ve_status ve__io_sync(const ve__io *io, const ve__file *file);
ve_status ve__io_truncate(const ve__io *io, const ve__file *file, uint64_t size);
ve_status ve__io_rename(const ve__io *io, const char *path, const char *new_path);
/* No failure when there is no such file. */
ve_status ve__io_unlink(const ve__io *io, const char *path);
/* Makes the names in the folder of `path` durable. */
ve_status ve__io_sync_folder(const ve__io *io, const char *path);
/* Makes the folder of `path`, mode 0700, if it is missing. */
ve_status ve__io_make_folder(const ve__io *io, const char *path);

typedef struct ve__file_facts {
    uint64_t device, inode, size;
    int is_regular, is_shared; /* shared: group or others may read or write it */
} ve__file_facts;
ve_status ve__io_facts(const ve__io *io, const ve__file *file, ve__file_facts *facts);
ve_status ve__io_facts_of_path(const ve__io *io, const char *path, ve__file_facts *facts);

/* The writers' lock: on the open file description, so that two handles of one process exclude each other, too.
 * VE_ERR_BUSY when somebody else still holds it after wait_ms. Closing the file unlocks. */
ve_status ve__io_lock(const ve__io *io, const ve__file *file, uint32_t wait_ms);
void ve__io_unlock(const ve__file *file);

#endif
