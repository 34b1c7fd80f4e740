/* SPDX-License-Identifier: MIT */
/* CRC-32C: the CPU's instruction (SSE4.2, ARMv8 CRC) or eight table look-ups for eight bytes ("slicing by
 * eight", Kounavis and Berry 2005). */
#include "base/crc32c.h"

#include <pthread.h>

#include "base/bytes.h"

/* The instruction takes three cycles, but one can start in each: three parts of STREAM bytes go through it side
 * by side. A vector of 512 floats is four times 3 * 168 bytes, and 32. */
#define STREAM ((size_t)168)

static uint32_t tables[8][256];
/* What STREAM zero bytes make of a CRC, by its bytes: moves the CRC of a part on over the part behind it. */
static uint32_t over_stream[4][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    const uint32_t reversed_polynomial = 0x82f63b78;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? reversed_polynomial : 0);
        tables[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t i = 0; i < 256; i++)
            tables[slice][i] = tables[slice - 1][i] >> 8 ^ tables[0][tables[slice - 1][i] & 0xff];
    for (int place = 0; place < 4; place++)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = i << 8 * place;
            for (size_t byte = 0; byte < STREAM; byte++)
                crc = crc >> 8 ^ tables[0][crc & 0xff];
            over_stream[place][i] = crc;
        }
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *bytes, size_t size)
{
    pthread_once(&tables_once, make_tables);
    for (; size >= 8; size -= 8, bytes += 8) {
        uint32_t low = crc ^ ve__load_u32(bytes), high = ve__load_u32(bytes + 4);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
              tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    for (; size > 0; size--, bytes++)
        crc = crc >> 8 ^ tables[0][(crc ^ *bytes) & 0xff];
    return crc;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>

#define CRC_TARGET __attribute__((target("sse4.2")))

/* CPUID takes microseconds on a virtual machine, so its answer is kept; __builtin_cpu_supports() would bring 4
 * KB of code that knows every CPU. */
static int has_instruction(void)
{
    static int answer; /* atomic; 0: not asked yet, 1: no, 2: yes */
    unsigned a, b, c, d;
    int now = __atomic_load_n(&answer, __ATOMIC_RELAXED);
    if (now == 0) {
        now = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) ? 2 : 1;
        __atomic_store_n(&answer, now, __ATOMIC_RELAXED);
    }
    return now == 2;
}

CRC_TARGET static inline uint32_t crc_word(uint32_t crc, uint64_t word)
{
    return (uint32_t)_mm_crc32_u64(crc, word);
}

CRC_TARGET static inline uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
    return _mm_crc32_u8(crc, byte);
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

static int has_instruction(void)
{
    return (getauxval(AT_HWCAP) & 1 << 7) != 0; /* HWCAP_CRC32 */
}

#define CRC_TARGET __attribute__((target("+crc")))

/* In assembly, because the intrinsic's header refuses compilers that build for the ARMv8.0 floor. */
CRC_TARGET static inline uint32_t crc_word(uint32_t crc, uint64_t word)
{
    __asm__("crc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    return crc;
}

CRC_TARGET static inline uint32_t crc_byte(uint32_t crc, uint32_t byte)
{
    __asm__("crc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
    return crc;
}

#else

static int has_instruction(void)
{
    return 0;
}

static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *bytes, size_t size)
{
    return crc_by_table(crc, bytes, size);
}

#endif

#ifdef CRC_TARGET
static inline uint32_t move_on(uint32_t crc)
{
    return over_stream[0][crc & 0xff] ^ over_stream[1][crc >> 8 & 0xff] ^ over_stream[2][crc >> 16 & 0xff] ^
           over_stream[3][crc >> 24];
}

CRC_TARGET static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *bytes, size_t size)
{
    if (size >= 3 * STREAM)
        pthread_once(&tables_once, make_tables);
    for (; size >= 3 * STREAM; size -= 3 * STREAM, bytes += 3 * STREAM) {
        uint32_t second = 0, third = 0;
        for (size_t i = 0; i < STREAM; i += 8) {
            crc = crc_word(crc, ve__load_u64(bytes + i));
            second = crc_word(second, ve__load_u64(bytes + STREAM + i));
            third = crc_word(third, ve__load_u64(bytes + 2 * STREAM + i));
        }
        crc = move_on(move_on(crc) ^ second) ^ third;
    }
    for (; size >= 8; size -= 8, bytes += 8)
        crc = crc_word(crc, ve__load_u64(bytes));
    for (; size > 0; size--, bytes++)
        crc = crc_byte(crc, *bytes);
    return crc;
}
#endif

uint32_t ve__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return ~(has_instruction() ? crc_by_cpu(~crc, bytes, size) : crc_by_table(~crc, bytes, size));
}
