/* SPDX-License-Identifier: MIT */
/* Messages of ve-eval. */
#ifndef VE_EVAL_COMPLAIN_H
#define VE_EVAL_COMPLAIN_H

/* Prints "ve-eval: MESSAGE" on standard error and returns -1. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
int complain(const char *format, ...);
/* For malloc and its like: -1, with a message. */
int complain_memory(const char *what);

#endif
