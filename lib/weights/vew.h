/* SPDX-License-Identifier: MIT */
/*
 * The .vew file, byte by byte: what its reader (here) and its writer (tools/ve-export) share. docs/format.md
 * tells the same in prose. All numbers are little-endian.
 *
 *   header            VE__VEW_HEADER_BYTES
 *     0  8  magic: a byte above 127, VEW, CR LF ^Z LF, so that a file damaged by a text-mode copy shows it
 *     8  4  format version
 *    12  4  header_bytes: everything before the first tensor's data, a multiple of VE__VEW_ALIGN
 *    16  8  file_bytes
 *    24  4  field count
 *    28  4  tensor count
 *    32  4  CRC-32C of the header_bytes, these four bytes taken as zero
 *    36 28  zero
 *   fields            one after the other, each a multiple of 8 bytes
 *     0  4  bytes of this record
 *     4  1  type (ve__vew_type)
 *     5  1  flags: VE__VEW_REQUIRED; other bits zero
 *     6  2  bytes of the name
 *     8  4  number of elements
 *    12  4  bytes of the value
 *    16     name, zeros to a multiple of 8; value, zeros to a multiple of 8
 *   tensor entries    one after the other, each a multiple of 8 bytes
 *     0  8  offset of the data in the file
 *     8  8  bytes of the data
 *    16  4  CRC-32C of the data
 *    20  1  element type (ve__type)
 *    21  1  rank
 *    22  2  bytes of the name
 *    24 16  shape, 1 beyond the rank
 *    40     name, zeros to a multiple of 8
 *   zeros             to header_bytes
 *   data              tensor after tensor, each at the next multiple of VE__VEW_ALIGN, zeros between
 */
#ifndef VE_WEIGHTS_VEW_H
#define VE_WEIGHTS_VEW_H

#include "weights/weights.h"

#define VE__VEW_MAGIC       "\x89VEW\r\n\x1a\n"
#define VE__VEW_MAGIC_BYTES 8u
#define VE__VEW_VERSION     1u
#define VE__VEW_ALIGN       64u

#define VE__VEW_HEADER_BYTES 64u
#define VE__VEW_FIELD_BYTES  16u
#define VE__VEW_TENSOR_BYTES 40u

#define VE__VEW_AT_VERSION      8u
#define VE__VEW_AT_HEADER_BYTES 12u
#define VE__VEW_AT_FILE_BYTES   16u
#define VE__VEW_AT_FIELD_COUNT  24u
#define VE__VEW_AT_TENSOR_COUNT 28u
#define VE__VEW_AT_HEADER_CRC   32u
#define VE__VEW_AT_RESERVED     36u

/* Limits. The largest architecture that arch.h allows has fewer than 3,000 tensors. */
#define VE__VEW_MAX_HEADER_BYTES (4u * 1024u * 1024u)
#define VE__VEW_MAX_FIELDS       256u
#define VE__VEW_MAX_TENSORS      4096u
#define VE__VEW_MAX_FIELD_NAME   63u
#define VE__VEW_MAX_TEXT         127u
#define VE__VEW_MAX_THRESHOLDS   64u

#define VE__VEW_REQUIRED 1u /* a reader that does not know this field must refuse the file */

typedef enum ve__vew_type {
    VE__VEW_U32 = 1,
    VE__VEW_F32 = 2,
    VE__VEW_U64 = 3,
    VE__VEW_TEXT = 4, /* UTF-8 without NUL or control characters, not terminated; elements are bytes */
    VE__VEW_BYTES = 5
} ve__vew_type;

/* Bytes of one element; 0 for an unknown type. */
uint32_t ve__vew_type_bytes(uint32_t type);

/* Everything that fields hold, as the reader finds it and the writer writes it. */
typedef struct ve__description {
    ve__arch arch;
    ve__preprocess preprocess;
    char name[VE__VEW_MAX_TEXT + 1];
    char weight_type[16];
    char source_file[VE__VEW_MAX_TEXT + 1];
    char source_sha256[65]; /* "" or 64 hex digits */
    char fingerprint[65];
    uint32_t threshold_count;
    ve_threshold thresholds[VE__VEW_MAX_THRESHOLDS];
} ve__description;

/* A field that this version knows: where its value lies in a ve__description. Numbers lie there one after the
 * other; texts as strings. */
typedef struct ve__vew_field {
    char name[22];
    uint8_t type;
    uint8_t flags;
    uint8_t is_identity; /* part of what the fingerprint is taken over */
    uint8_t is_optional; /* may be left out of a file */
    uint32_t count;      /* elements; texts: the most bytes; thresholds: the most floats */
    size_t at;           /* offset in ve__description */
} ve__vew_field;

/* The limits of arch.h, hex digits where they must be, thresholds in order (VE_ERR_FORMAT, naming the field).
 */
ve_status ve__vew_check(const ve__description *about);

/* The known fields in the order of writing; NULL past the end. */
const ve__vew_field *ve__vew_field_at(size_t index);
#define VE__VEW_THRESHOLDS "thresholds" /* pairs: false accept rate, similarity */

/* Reads `count` field records from bytes[*at, end) into *description and moves *at behind them. */
ve_status ve__vew_read_fields(const unsigned char *bytes, size_t end, uint32_t count, size_t *at,
                              ve__description *description);

/* Whether a text may stand in a field: UTF-8-like, no control characters. */
int ve__vew_is_text(const void *bytes, size_t size);

#endif
