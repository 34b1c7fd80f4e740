/* SPDX-License-Identifier: MIT */
/* 8-bit codes of vectors, with a bound on what they lose: v = scale * code + e with |e| <= error (L2 norm). */
#ifndef VE_STORE_CODES_H
#define VE_STORE_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "kernels/search.h"

/* Codes of one row: a multiple of 64 bytes, zeros behind the dim-th. */
static inline unsigned ve__codes_bytes(unsigned dim)
{
    return (unsigned)ve__round_up(dim, 64);
}

/* Makes the codes of one vector, which is padded with zeros to a multiple of VE__SEARCH_LANES; returns its
 * norm, rounded up. */
float ve__codes_make(const ve__search_kernels *kernels, const float *vector, unsigned dim, int8_t *codes,
                     float *scale, float *error);

/* A query in 16 bits: q = scale * code + e, |e| <= error; the sum of products with any vector's codes fits 32
 * bits. */
typedef struct ve__query_codes {
    int16_t *codes; /* ve__codes_bytes(dim) of them */
    float scale, error, norm;
} ve__query_codes;
void ve__codes_make_query(const float *query, unsigned dim, ve__query_codes *codes);

#endif
