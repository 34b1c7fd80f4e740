/* SPDX-License-Identifier: MIT */
/* Standard input, output and error as a caller may have left them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/streams.h"

static int is_closed(int descriptor)
{
    return fcntl(descriptor, F_GETFD) < 0 && errno == EBADF;
}

int streams_prepare(const char *program)
{
    int output_closed = is_closed(STDOUT_FILENO);
    /* open() gives the lowest free number, so in this order each gets its own. */
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (is_closed(i) && open("/dev/null", O_RDWR) < 0)
            return -1;
    if (output_closed)
        fprintf(stderr, "%s: standard output is closed\n", program);
    return output_closed ? -1 : 0;
}

int streams_finish(const char *program, FILE *out, const char *path)
{
    int failed = ferror(out);
    errno = 0;
    failed |= fflush(out) != 0;
    int reason = errno;
    if (out != stdout && fclose(out) != 0) {
        failed = 1;
        reason = reason ? reason : errno;
    }
    if (!failed)
        return 0;
    fprintf(stderr, "%s: writing %s: %s\n", program, path, reason ? strerror(reason) : "failed");
    return -1;
}
