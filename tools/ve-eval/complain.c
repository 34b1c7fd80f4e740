/* SPDX-License-Identifier: MIT */
/* Messages of ve-eval. */
#include <stdarg.h>
#include <stdio.h>

#include "complain.h"

int complain(const char *format, ...)
{
    va_list arguments;
    fputs("ve-eval: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    putc('\n', stderr);
    return -1;
}

int complain_memory(const char *what)
{
    return complain("no memory for %s", what);
}
