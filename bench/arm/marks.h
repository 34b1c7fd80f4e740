/* SPDX-License-Identifier: MIT */
/* Marks that a program leaves in its own instruction stream for count.c: hint instructions that every CPU and
 * every emulator executes as a no-op.
 *
 *     MARK_PASS       between two passes that are to be counted apart
 *     MARK_KIND + i   from here on instructions are of kind i, until
 *     MARK_END        here */
#ifndef BENCH_ARM_MARKS_H
#define BENCH_ARM_MARKS_H

#define MARK_KIND  64
#define MARK_KINDS 48
#define MARK_END   126
#define MARK_PASS  127

/* number: a constant. The memory clobber keeps loads and stores on their side of the mark. */
#ifdef __aarch64__
#define MARK(number) __asm__ volatile("hint #%0" : : "i"(number) : "memory")
#else
#define MARK(number) ((void)(number))
#endif

/* The mark's number in an instruction, or -1. */
#define MARK_IN_CODE(code) (((code)&0xfffff01fu) == 0xd503201fu ? (int)((code) >> 5 & 127) : -1)

#endif
