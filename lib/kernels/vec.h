/* SPDX-License-Identifier: MIT */
/*
 * What the vec_*.h share. Each of them gives one instruction set's vector of floats the same small set of
 * names, so that an algorithm is written once (the *_template.h) and compiled once per instruction set:
 *
 *     VEC_LANES  vec  vec_zero  vec_set1  vec_load  vec_store  vec_add  vec_sub  vec_mul  vec_min  vec_max
 * vec_abs vec_fma(a, b, c) = a * b + c    vec_fnma(a, b, c) = c - a * b    vec_sum: over the lanes
 *     vec_load_part(p, n)             the first n < VEC_LANES lanes from memory, the others 0; touches n floats
 * only vec_store_part(p, v, n)         the first n lanes vec_keep(v, n)                  the first n lanes, the
 * others 0 vec_load_u8(p)                  VEC_LANES bytes as floats vec_load_f16(p)                 VEC_LANES
 * half floats as floats
 *
 * vec_min and vec_max give their second operand where one is NaN (or NaN: NEON).
 */
#ifndef VE_KERNELS_VEC_H
#define VE_KERNELS_VEC_H

#include <string.h>

#include "kernels/kernels.h"

#define VE__INLINE inline __attribute__((always_inline, unused))

/* Loops over register arrays, whose bounds are constants once everything is inlined: they must be unrolled
 * whole, or the arrays would live in memory. */
#if defined(__clang__)
#define VE__UNROLL _Pragma("clang loop unroll(full)")
#else
#define VE__UNROLL _Pragma("GCC unroll 32")
#endif

/* What runs once a model: the shortest code. */
#define VE__COLD __attribute__((cold))

/* Makes a pointer a new value for the compiler. Without it GCC sees that one round of a loop loads what lies
 * beside the last round's values, loads it ahead, and spills the sums to keep it. */
#define VE__FORGET(pointer) __asm__("" : "+r"(pointer))

#endif
