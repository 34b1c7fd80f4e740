/* SPDX-License-Identifier: MIT */
/* CRC-32C: the CPU's instruction (SSE4.2, ARMv8 CRC) or eight table look-ups for eight bytes ("slicing by
 * eight", Kounavis and Berry 2005). */
#include "base/crc32c.h"

#include <pthread.h>

#include "base/bytes.h"

static uint32_t tables[8][256];
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
#include <nmmintrin.h>

static int has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *bytes,
                                                             size_t size)
{
    uint64_t wide = crc;
    for (; size >= 8; size -= 8, bytes += 8)
        wide = _mm_crc32_u64(wide, ve__load_u64(bytes));
    for (crc = (uint32_t)wide; size > 0; size--, bytes++)
        crc = _mm_crc32_u8(crc, *bytes);
    return crc;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

static int has_instruction(void)
{
    return (getauxval(AT_HWCAP) & 1 << 7) != 0; /* HWCAP_CRC32 */
}

/* In assembly, because the intrinsic's header refuses compilers that build for the ARMv8.0 floor. */
__attribute__((target("+crc"))) static uint32_t crc_by_cpu(uint32_t crc, const unsigned char *bytes,
                                                           size_t size)
{
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word = ve__load_u64(bytes);
        __asm__("crc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    }
    for (; size > 0; size--, bytes++) {
        uint32_t byte = *bytes;
        __asm__("crc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
    }
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

uint32_t ve__crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return ~(has_instruction() ? crc_by_cpu(~crc, bytes, size) : crc_by_table(~crc, bytes, size));
}
