/* SPDX-License-Identifier: MIT */
/* CPU features: CPUID on x86 (with the check that the system saves the wide registers), the auxiliary
 * vector on aarch64. Built for the ABI's floor, like everything outside kernels/. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static unsigned long long saved_registers(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

unsigned ve__cpu_features(void)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, F16C = 1 << 29 };       /* leaf 1 ECX */
    enum { AVX2 = 1 << 5, F = 1 << 16, DQ = 1 << 17, BW = 1 << 30 }; /* leaf 7 EBX */
    const unsigned VL = 1u << 31;
    enum { VNNI = 1 << 11 };                     /* leaf 7 ECX */
    enum { YMM_STATE = 0x06, ZMM_STATE = 0xe6 }; /* XCR0 */
    unsigned a, b, c, d, ecx1, features = 0;
    if (!__get_cpuid(1, &a, &b, &ecx1, &d) || !(ecx1 & OSXSAVE) || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    unsigned long long saved = saved_registers();
    if ((saved & YMM_STATE) == YMM_STATE && (ecx1 & FMA) && (ecx1 & F16C) && (b & AVX2))
        features |= VE__CPU_AVX2;
    if ((features & VE__CPU_AVX2) && (saved & ZMM_STATE) == ZMM_STATE && (b & F) && (b & DQ) && (b & BW) &&
        (b & VL))
        features |= VE__CPU_AVX512;
    if ((features & VE__CPU_AVX512) && (c & VNNI))
        features |= VE__CPU_AVX512_VNNI;
    return features;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

unsigned ve__cpu_features(void)
{
    enum { ASIMD = 1 << 1, ASIMDHP = 1 << 10, ASIMDDP = 1 << 20 }; /* AT_HWCAP, Linux's uapi/asm/hwcap.h */
    unsigned long capabilities = getauxval(AT_HWCAP);
    unsigned features = 0;
    if (capabilities & ASIMD)
        features |= VE__CPU_NEON;
    if (capabilities & ASIMDDP)
        features |= VE__CPU_NEON_DOT;
    if (capabilities & ASIMDHP)
        features |= VE__CPU_NEON_FP16;
    return features;
}

#else

unsigned ve__cpu_features(void)
{
    return 0;
}

#endif

unsigned ve__cpu_count(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0)
        return (unsigned)CPU_COUNT(&allowed);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}
