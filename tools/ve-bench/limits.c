/* SPDX-License-Identifier: MIT */
/* See limits.h. The loops are compiled for an instruction set that the rest of the program may not assume,
 * which is why each carries a target attribute; one is only called on a CPU that has it. */
#include "limits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "timing.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* More chains than latency times throughput of any CPU in question (Zen 4: 4 x 2; A72: 7 x 1), as many as leave
 * two registers for the factors. */
#define CHAINS_32 24 /* 32 registers */
#define CHAINS_16 12 /* 16 registers */

/* Each loop keeps its chains in registers (which it does only where every inner loop is unrolled), does `steps`
 * dependent multiply-adds in each, and gives one value of the result away so that the compiler must compute it.
 * x <- x * 0.999 + 0.001 neither grows nor dies out. */
typedef float flops_loop(size_t steps);
/* Reads `bytes` (a multiple of 512) `times` times. */
typedef uint64_t read_loop(const unsigned char *from, size_t bytes, size_t times);

/* The scalar loops must stay scalar: the compiler is told that each value passes through a register of its own.
 */
#if defined(__x86_64__)
#define KEEP_SCALAR(value) __asm__("" : "+x"(value))
#elif defined(__aarch64__)
#define KEEP_SCALAR(value) __asm__("" : "+w"(value))
#else
#define KEEP_SCALAR(value) ((void)0)
#endif

static float flops_scalar(size_t steps)
{
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0;
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 24
        for (int i = 0; i < 8; i++) {
            x[i] = x[i] * 0.999f + 0.001f;
            KEEP_SCALAR(x[i]);
        }
#pragma GCC unroll 24
    for (int i = 0; i < 8; i++)
        sum += x[i];
    return sum;
}

static uint64_t read_scalar(const unsigned char *from, size_t bytes, size_t times)
{
    uint64_t sums[4] = {0, 0, 0, 0}, words[4];
    for (size_t t = 0; t < times; t++)
        for (size_t at = 0; at < bytes; at += sizeof words) {
            memcpy(words, from + at, sizeof words);
#pragma GCC unroll 24
            for (int i = 0; i < 4; i++) {
                sums[i] |= words[i];
                __asm__("" : "+r"(sums[i]));
            }
        }
    return sums[0] | sums[1] | sums[2] | sums[3];
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float flops_avx2(size_t steps)
{
    __m256 x[CHAINS_16], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS_16; i++)
        x[i] = _mm256_set1_ps((float)i);
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS_16; i++)
            x[i] = _mm256_fmadd_ps(x[i], a, b);
#pragma GCC unroll 24
    for (int i = 1; i < CHAINS_16; i++)
        x[0] = _mm256_add_ps(x[0], x[i]);
    return _mm256_cvtss_f32(x[0]);
}

__attribute__((target("avx512f"))) static float flops_avx512(size_t steps)
{
    __m512 x[CHAINS_32], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS_32; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS_32; i++)
            x[i] = _mm512_fmadd_ps(x[i], a, b);
#pragma GCC unroll 24
    for (int i = 1; i < CHAINS_32; i++)
        x[0] = _mm512_add_ps(x[0], x[i]);
    return _mm512_cvtss_f32(x[0]);
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const unsigned char *from, size_t bytes, size_t times)
{
    __m256i x[8];
    uint64_t words[4];
#pragma GCC unroll 24
    for (int i = 0; i < 8; i++)
        x[i] = _mm256_setzero_si256();
    for (size_t t = 0; t < times; t++)
        for (size_t at = 0; at < bytes; at += sizeof x)
#pragma GCC unroll 24
            for (int i = 0; i < 8; i++)
                x[i] = _mm256_or_si256(x[i], _mm256_load_si256((const __m256i *)(const void *)(from + at) + i));
#pragma GCC unroll 24
    for (int i = 1; i < 8; i++)
        x[0] = _mm256_or_si256(x[0], x[i]);
    memcpy(words, x, sizeof words);
    return words[0] | words[1] | words[2] | words[3];
}

__attribute__((target("avx512f"))) static uint64_t read_avx512(const unsigned char *from, size_t bytes,
                                                               size_t times)
{
    __m512i x[8];
#pragma GCC unroll 24
    for (int i = 0; i < 8; i++)
        x[i] = _mm512_setzero_si512();
    for (size_t t = 0; t < times; t++)
        for (size_t at = 0; at < bytes; at += sizeof x)
#pragma GCC unroll 24
            for (int i = 0; i < 8; i++)
                x[i] = _mm512_or_si512(x[i], _mm512_load_si512(from + at + 64 * i));
#pragma GCC unroll 24
    for (int i = 1; i < 8; i++)
        x[0] = _mm512_or_si512(x[0], x[i]);
    return (uint64_t)_mm512_reduce_or_epi64(x[0]);
}
#elif defined(__aarch64__)
static float flops_neon(size_t steps)
{
    float32x4_t x[CHAINS_32], a = vdupq_n_f32(0.999f), b = vdupq_n_f32(0.001f);
#pragma GCC unroll 24
    for (int i = 0; i < CHAINS_32; i++)
        x[i] = vdupq_n_f32((float)i);
    /* x <- x + a * b: FMLA adds to the register that it is given. */
    for (size_t s = 0; s < steps; s++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS_32; i++)
            x[i] = vfmaq_f32(x[i], a, b);
#pragma GCC unroll 24
    for (int i = 1; i < CHAINS_32; i++)
        x[0] = vaddq_f32(x[0], x[i]);
    return vgetq_lane_f32(x[0], 0);
}

static uint64_t read_neon(const unsigned char *from, size_t bytes, size_t times)
{
    uint64x2_t x[8];
#pragma GCC unroll 24
    for (int i = 0; i < 8; i++)
        x[i] = vdupq_n_u64(0);
    for (size_t t = 0; t < times; t++)
        for (size_t at = 0; at < bytes; at += sizeof x)
#pragma GCC unroll 24
            for (int i = 0; i < 8; i++)
                x[i] = vorrq_u64(x[i], vreinterpretq_u64_u8(vld1q_u8(from + at + 16 * i)));
#pragma GCC unroll 24
    for (int i = 1; i < 8; i++)
        x[0] = vorrq_u64(x[0], x[i]);
    return vgetq_lane_u64(x[0], 0) | vgetq_lane_u64(x[0], 1);
}
#endif

static const struct instruction_set {
    const char *name;
    flops_loop *flops;
    unsigned flops_a_step;
    read_loop *read;
} sets[] = {{"scalar", flops_scalar, 2 * 8, read_scalar},
#if defined(__x86_64__)
            {"avx2", flops_avx2, 2 * 8 * CHAINS_16, read_avx2},
            {"avx512", flops_avx512, 2 * 16 * CHAINS_32, read_avx512},
#elif defined(__aarch64__)
            {"neon", flops_neon, 2 * 4 * CHAINS_32, read_neon},
#endif
            {NULL, NULL, 0, NULL}};

/* What stands behind a '-' adds 8-bit instructions: the floats are those of the name before it. */
static const struct instruction_set *find_set(const char *name)
{
    size_t length = strcspn(name, "-");
    for (const struct instruction_set *s = sets; s->name; s++)
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0)
            return s;
    return NULL;
}

/* Where results go, so that no loop may be left out. */
static volatile double sink;

#define PROBE_SECONDS 0.0015
#define PROBES        5

/* The best of a few short probes: an interruption can only slow one down. */
double limits_flops(const char *isa)
{
    const struct instruction_set *set = find_set(isa);
    double best = 0;
    size_t steps = 1000;
    for (int probe = 0; set && probe < PROBES;) {
        double started = time_thread();
        float result = set->flops(steps);
        double seconds = time_thread() - started;
        sink = (double)result;
        if (seconds < PROBE_SECONDS) { /* still finding out how many steps that takes */
            steps *= 2;
            continue;
        }
        double rate = (double)steps * set->flops_a_step / seconds * 1e-9;
        best = rate > best ? rate : best;
        probe++;
    }
    return best;
}

typedef struct together {
    const char *isa;
    double rates[VE__MAX_THREADS];
} together;

static void probe_thread(void *data, unsigned thread, unsigned thread_count)
{
    together *t = data;
    (void)thread_count;
    t->rates[thread] = limits_flops(t->isa);
}

double limits_flops_together(const char *isa, unsigned threads)
{
    together t = {isa, {0}};
    ve__pool *pool;
    double sum = 0;
    if (ve__pool_create(threads, &pool) != VE_OK)
        return 0;
    ve__pool_run(pool, probe_thread, &t);
    ve__pool_free(pool);
    for (unsigned i = 0; i < threads; i++)
        sum += t.rates[i];
    return sum;
}

static double read_rate(const struct instruction_set *set, const unsigned char *from, size_t bytes)
{
    double best = 0;
    size_t times = 1;
    for (int probe = 0; probe < PROBES;) {
        double started = time_thread();
        uint64_t result = set->read(from, bytes, times);
        double seconds = time_thread() - started;
        sink = (double)result;
        if (seconds < PROBE_SECONDS) {
            times *= 2;
            continue;
        }
        double rate = (double)bytes * (double)times / seconds * 1e-9;
        best = rate > best ? rate : best;
        probe++;
    }
    return best;
}

#define DRAM_BYTES ((size_t)96 << 20)

/* A level is read over half of its size, so that the rest of the program leaves it there; memory over far more
 * than the last cache (or our share of it) holds. */
size_t limits_memory(const char *isa, const size_t cache_bytes[3], memory_level *levels)
{
    static const char *const names[] = {"L1", "L2", "L3"};
    const struct instruction_set *set = find_set(isa);
    unsigned char *memory = set ? ve__allocate(DRAM_BYTES) : NULL;
    size_t count = 0;
    if (!memory)
        return 0;
    memset(memory, 1, DRAM_BYTES); /* untouched pages would all be the same one */
    for (size_t i = 0; i < 3; i++) {
        size_t bytes = cache_bytes[i] / 2 / 512 * 512;
        if (bytes == 0 || bytes > DRAM_BYTES / 2)
            continue;
        levels[count] = (memory_level){names[i], bytes, read_rate(set, memory, bytes)};
        count++;
    }
    levels[count++] = (memory_level){"DRAM", DRAM_BYTES, read_rate(set, memory, DRAM_BYTES)};
    ve__release(memory);
    return count;
}
