/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, RFC 3720 B.4): the checksum of weight files and stores. Uses the CPU's instruction
 * where there is one. Start with 0; feed the result back in to continue. */
#ifndef VE_BASE_CRC32C_H
#define VE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t ve__crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
