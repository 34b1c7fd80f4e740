/* SPDX-License-Identifier: MIT */
/* The bytes of a store file (docs/store-format.md): a header page, then slots of one size. Pure functions: they
 * turn bytes into numbers and back, and check. All numbers are little-endian.
 *
 *   offset 0      header copy, 1024 bytes; its last four are the CRC-32C of the others
 *   offset 1024   mark: u64 number of slots that are known to be on the disk, u32 CRC-32C of salt and number
 *   offset 2048   the header copy again, for recovery
 *   offset 4096   slot 0, slot 1, ...
 *
 * A slot, payload_bytes + 128 long:
 *
 *   0   payload         the vector (f32), zeros up to a multiple of 64; in a TEXT slot, text
 *   then the trailer:
 *   0   private  48     u16 label bytes, u16 0, u32 metadata bytes, 40 bytes of text (label, then metadata)
 *   48  nonce    24     sealed stores: payload and private are encrypted under these, otherwise zeros
 *   72  tag      16
 *   88  structure: u32 CRC of the 28 bytes that follow; u8 kind, u8 flags, u16 TEXT slots that follow,
 *       u64 id, u64 commit, u64 target slot + 1
 *   120 u32 CRC of state, payload, private, nonce and tag; u8 state, 3 zeros
 *
 * Both CRCs start from the file's salt and the slot's number: a slot that was copied elsewhere, or that an
 * older file left on the disk, is never valid. Erasing a slot changes payload, private, nonce, tag, state and
 * the second CRC, never the structure: an interrupted erasure leaves a slot that can still be told apart. */
#ifndef VE_STORE_FORMAT_H
#define VE_STORE_FORMAT_H

#include "base/status.h"

#define VE__STORE_VERSION       1u
#define VE__STORE_HEADER_BYTES  4096u
#define VE__STORE_COPY_BYTES    1024u
#define VE__STORE_MARK_OFFSET   1024u
#define VE__STORE_MARK_BYTES    12u
#define VE__STORE_SECOND_COPY   2048u
#define VE__STORE_TRAILER_BYTES 128u
#define VE__STORE_PRIVATE_BYTES 48u
#define VE__STORE_INLINE_TEXT   40u
#define VE__STORE_SALT_BYTES    16u

typedef struct ve__store_header {
    uint32_t dim;
    uint32_t metric;
    uint32_t is_sealed;
    uint64_t generation;
    uint64_t next_id; /* ids below were given before this file was made, whether or not they are in it */
    uint8_t salt[VE__STORE_SALT_BYTES];
    char fingerprint[65];
    char model_name[128];
    /* sealed: how the key is found again, and the key of this file encrypted with that key */
    uint8_t parameters[64];
    uint8_t key_nonce[24], wrapped_key[32], key_tag[16];
    uint64_t marked_slots; /* the mark; encoded apart */
} ve__store_header;

typedef enum ve__slot_kind { VE__SLOT_ADD = 1, VE__SLOT_TEXT = 2, VE__SLOT_REMOVE = 3 } ve__slot_kind;
#define VE__SLOT_LAST 1u /* flag: the last slot of its commit */

typedef enum ve__slot_state { VE__SLOT_LIVE = 0, VE__SLOT_ERASED = 1 } ve__slot_state;

typedef struct ve__slot {
    uint8_t kind, flags, state;
    uint16_t text_slots;
    uint64_t id, commit;
    uint64_t target; /* slot that this one removes or replaces, VE__NO_SLOT: none */
} ve__slot;
#define VE__NO_SLOT UINT64_MAX

typedef enum ve__slot_verdict {
    VE__SLOT_GOOD = 0,
    VE__SLOT_BAD_STRUCTURE = 1, /* nothing in it can be believed */
    VE__SLOT_BAD_CONTENT = 2    /* kind, id, commit and target are sound, the contents are not */
} ve__slot_verdict;

/* Bytes of a slot's payload, and of a slot. */
size_t ve__store_payload_bytes(uint32_t dim);
size_t ve__store_slot_bytes(uint32_t dim);
static inline uint64_t ve__store_slot_offset(uint32_t dim, uint64_t slot)
{
    return VE__STORE_HEADER_BYTES + slot * ve__store_slot_bytes(dim);
}

void ve__store_header_encode(const ve__store_header *header, uint8_t page[VE__STORE_HEADER_BYTES]);
/* Reads the first copy, or the second (copy = 1). size: bytes of the file that are there, up to a whole page.
 */
ve_status ve__store_header_decode(const uint8_t *page, size_t size, unsigned copy, const char *path,
                                  ve__store_header *header);

/* The mark is written when a store is closed and when it is rewritten, always after the slots were synced. Bad
 * slots in front of it were good once: they are damage, never a torn tail. A mark that is not whole says
 * nothing (0). */
void ve__store_mark_encode(uint64_t slots, const uint8_t salt[VE__STORE_SALT_BYTES],
                           uint8_t mark[VE__STORE_MARK_BYTES]);
uint64_t ve__store_mark_decode(const uint8_t mark[VE__STORE_MARK_BYTES],
                               const uint8_t salt[VE__STORE_SALT_BYTES]);

/* Fills in structure and checksums; private, nonce, tag and payload must be there already. */
void ve__slot_encode(const ve__slot *slot, const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number,
                     const uint8_t *payload, size_t payload_bytes, uint8_t trailer[VE__STORE_TRAILER_BYTES]);
ve__slot_verdict ve__slot_decode(const uint8_t *payload, size_t payload_bytes,
                                 const uint8_t trailer[VE__STORE_TRAILER_BYTES],
                                 const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number, ve__slot *slot);
/* Turns a slot into an erased one, keeping its structure. */
void ve__slot_erase(uint8_t *payload, size_t payload_bytes, uint8_t trailer[VE__STORE_TRAILER_BYTES],
                    const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number);

/* What seals bind the contents of a slot to: salt, slot number, structure. */
#define VE__SLOT_BOUND_BYTES 56u
void ve__slot_bound(const uint8_t trailer[VE__STORE_TRAILER_BYTES], const uint8_t salt[VE__STORE_SALT_BYTES],
                    uint64_t number, uint8_t bound[VE__SLOT_BOUND_BYTES]);
/* Structure alone, written before sealing. */
void ve__slot_encode_structure(const ve__slot *slot, const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number,
                               uint8_t trailer[VE__STORE_TRAILER_BYTES]);

#define VE__SLOT_NONCE 48u /* offsets in the trailer */
#define VE__SLOT_TAG   72u

#endif
