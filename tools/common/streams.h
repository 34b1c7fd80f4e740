/* SPDX-License-Identifier: MIT */
/* Standard input, output and error as a caller may have left them. */
#ifndef VE_TOOLS_STREAMS_H
#define VE_TOOLS_STREAMS_H

#include <stdio.h>

/* Call first. A file opened while descriptor 0, 1 or 2 is closed would get that number, and messages would go
 * into it: closed input and error become /dev/null. Returns -1, with a message, where standard output is
 * closed. */
int streams_prepare(const char *program);

/* Flushes and, unless it is stdout, closes out; a disk may turn out to be full only here. 0, or -1 with a
 * message naming path. */
int streams_finish(const char *program, FILE *out, const char *path);

#endif
