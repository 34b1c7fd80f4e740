/* SPDX-License-Identifier: MIT */
/* A picture file, read whole. It is read rather than mapped, so that pipes work and a file that shrinks
 * meanwhile cannot kill the program. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"

enum { FIRST_BYTES = 64 * 1024 };

typedef struct buffer {
    uint8_t *bytes;
    size_t size, room;
} buffer;

/* Room for at least one more byte, up to one byte above the limit. */
static ve_status grow(buffer *to)
{
    size_t most = (size_t)VE_MAX_IMAGE_BYTES + 1;
    size_t room = to->room ? 2 * to->room : FIRST_BYTES;
    if (room > most)
        room = most;
    uint8_t *bytes = ve__resize(to->bytes, room);
    if (!bytes)
        return ve__fail(VE_ERR_MEMORY, "no memory for %zu bytes of an encoded picture", room);
    to->bytes = bytes;
    to->room = room;
    return VE_OK;
}

static ve_status read_all(int file, const char *path, buffer *to)
{
    for (;;) {
        if (to->size == to->room)
            VE_TRY(grow(to));
        ssize_t got = read(file, to->bytes + to->size, to->room - to->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ve__fail_errno("cannot read", path);
        if (got == 0)
            return VE_OK;
        to->size += (size_t)got;
        if (to->size > VE_MAX_IMAGE_BYTES)
            return ve__fail(VE_ERR_TOO_LARGE, "%s: longer than the %u bytes that an encoded picture may have",
                            path, VE_MAX_IMAGE_BYTES);
    }
}

/* Where the size is known it is refused, or reserved, at once. */
static ve_status reserve(int file, const char *path, buffer *to)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return ve__fail_errno("cannot examine", path);
    if (!S_ISREG(about.st_mode) || about.st_size <= 0)
        return VE_OK;
    if (about.st_size > (off_t)VE_MAX_IMAGE_BYTES)
        return ve__fail(VE_ERR_TOO_LARGE, "%s: %lld bytes, an encoded picture may have %u", path,
                        (long long)about.st_size, VE_MAX_IMAGE_BYTES);
    to->bytes = ve__resize(NULL, (size_t)about.st_size + 1);
    if (!to->bytes)
        return ve__fail(VE_ERR_MEMORY, "%s: no memory for %lld bytes", path, (long long)about.st_size);
    to->room = (size_t)about.st_size + 1;
    return VE_OK;
}

static ve_status read_file(const char *path, buffer *to)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ve__fail_errno("cannot open", path);
    ve_status status = reserve(file, path, to);
    if (status == VE_OK)
        status = read_all(file, path, to);
    close(file);
    return status;
}

ve_status ve__image_read(const char *path, ve_image **image)
{
    buffer encoded = {NULL, 0, 0};
    ve_status status = read_file(path, &encoded);
    if (status == VE_OK) {
        status = ve__image_decode(encoded.bytes, encoded.size, image);
        if (status != VE_OK)
            status = ve__fail_within(status, "%s", path);
    }
    ve__release(encoded.bytes);
    return status;
}
