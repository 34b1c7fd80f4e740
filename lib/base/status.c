/* SPDX-License-Identifier: MIT */
/* Status names and texts, and the thread-local detail line behind ve_last_error(). */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_BYTES 512

static __thread char detail[DETAIL_BYTES];

static const struct {
    ve_status status;
    char name[20], message[72]; /* no pointers: each would be relocated when the library is loaded */
} table[] = {
    {VE_OK, "VE_OK", "success"},
    {VE_ERR_ARGUMENT, "VE_ERR_ARGUMENT", "an argument can never work"},
    {VE_ERR_MEMORY, "VE_ERR_MEMORY", "out of memory"},
    {VE_ERR_IO, "VE_ERR_IO", "the operating system refused to open, read or write"},
    {VE_ERR_FORMAT, "VE_ERR_FORMAT", "not a file of the expected kind, or it breaks the rules of its format"},
    {VE_ERR_CORRUPT, "VE_ERR_CORRUPT", "damaged: a checksum does not match"},
    {VE_ERR_VERSION, "VE_ERR_VERSION", "written in a newer format than this library reads"},
    {VE_ERR_UNSUPPORTED, "VE_ERR_UNSUPPORTED", "valid, but this build or version cannot do it"},
    {VE_ERR_NOT_FOUND, "VE_ERR_NOT_FOUND", "not found"},
    {VE_ERR_EXISTS, "VE_ERR_EXISTS", "already there"},
    {VE_ERR_BUSY, "VE_ERR_BUSY", "locked by somebody else"},
    {VE_ERR_TOO_SMALL, "VE_ERR_TOO_SMALL", "the buffer is too small"},
    {VE_ERR_MISMATCH, "VE_ERR_MISMATCH", "two things that do not belong together"},
    {VE_ERR_STATE, "VE_ERR_STATE", "not allowed in the present state"},
    {VE_ERR_TOO_LARGE, "VE_ERR_TOO_LARGE", "above a limit"},
    {VE_ERR_KEY, "VE_ERR_KEY", "sealed with another key"},
    {VE_ERR_ACCESS, "VE_ERR_ACCESS", "others may read or change a private file"},
};

const char *ve_status_name(ve_status status)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status)
            return table[i].name;
    return "VE_ERR_UNKNOWN";
}

const char *ve_status_message(ve_status status)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status)
            return table[i].message;
    return "a status that this library does not know";
}

const char *ve_last_error(void)
{
    return detail;
}

ve_status ve__fail(ve_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return status;
}

ve_status ve__fail_within(ve_status status, const char *format, ...)
{
    char old[DETAIL_BYTES];
    va_list arguments;
    memcpy(old, detail, sizeof old);
    va_start(arguments, format);
    int length = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof detail &&
        snprintf(detail + length, sizeof detail - (size_t)length, ": %s", old) < 0)
        detail[length] = '\0';
    return status;
}

ve_status ve__fail_errno(const char *what, const char *path)
{
    int number = errno;
    char reason[128];
    ve_status status = number == ENOENT || number == ENOTDIR ? VE_ERR_NOT_FOUND
                       : number == EEXIST                    ? VE_ERR_EXISTS
                       : number == ENOMEM                    ? VE_ERR_MEMORY
                                                             : VE_ERR_IO;
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
    return ve__fail(status, "%s %s: %s", what, path, reason);
}
