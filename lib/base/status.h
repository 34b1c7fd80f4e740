/* SPDX-License-Identifier: MIT */
/* Status codes inside the library: every fallible function returns a ve_status, and the place that
 * detects an error writes the one line of detail that ve_last_error() hands out. */
#ifndef VE_BASE_STATUS_H
#define VE_BASE_STATUS_H

#include "visembed.h"

#if defined(__GNUC__)
#define VE__PRINTF(text, arguments) __attribute__((format(printf, text, arguments)))
#else
#define VE__PRINTF(text, arguments)
#endif

/* Stores the detail text for this thread (cut at 511 bytes) and returns status, so that a caller can
 * write `return ve__fail(VE_ERR_FORMAT, "tensor %s: ...", name);`. */
ve_status ve__fail(ve_status status, const char *format, ...) VE__PRINTF(2, 3);
/* Puts "context: " in front of the present detail text (used while a status travels up). */
ve_status ve__fail_within(ve_status status, const char *format, ...) VE__PRINTF(2, 3);
/* VE_ERR_IO, or NOT_FOUND / EXISTS where errno says so; detail: "what PATH: strerror". */
ve_status ve__fail_errno(const char *what, const char *path);

/* Passes a failure up. */
#define VE_TRY(call)                                                                                           \
    do {                                                                                                       \
        ve_status ve__status_ = (call);                                                                        \
        if (ve__status_ != VE_OK)                                                                              \
            return ve__status_;                                                                                \
    } while (0)

/* Refuses a bad argument of a public function by name. */
#define VE_CHECK_ARG(condition)                                                                                \
    do {                                                                                                       \
        if (!(condition))                                                                                      \
            return ve__fail(VE_ERR_ARGUMENT, "%s: must hold: %s", __func__, #condition);                       \
    } while (0)

#endif
