/* SPDX-License-Identifier: MIT */
/* What this CPU can do. Everything here is built for the ABI's floor (SSE2, ARMv8.0). */
#ifndef VE_BASE_CPU_H
#define VE_BASE_CPU_H

typedef enum ve__cpu_feature {
    VE__CPU_AVX2 = 1 << 0,        /* AVX2, FMA and F16C, and the system saves the registers */
    VE__CPU_AVX512 = 1 << 1,      /* AVX-512 F, BW, DQ, VL */
    VE__CPU_AVX512_VNNI = 1 << 2, /* and VNNI */
    VE__CPU_NEON = 1 << 3,        /* always there on aarch64 */
    VE__CPU_NEON_DOT = 1 << 4,    /* SDOT, UDOT (ASIMDDP) */
    VE__CPU_NEON_FP16 = 1 << 5    /* half precision arithmetic (ASIMDHP) */
} ve__cpu_feature;

/* A set of ve__cpu_feature bits. */
unsigned ve__cpu_features(void);
/* Cores this process may run on, at least 1. */
unsigned ve__cpu_count(void);

#endif
