/* SPDX-License-Identifier: MIT */
/* cmocka.h with all that it expects to be included before it. */
#ifndef VE_TESTS_CMOCKA_ALL_H
#define VE_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
