/* SPDX-License-Identifier: MIT */
/* Encoding and decoding of a store's header and slots. */
#include "store/format.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/memory.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vectors are mapped from little-endian files without conversion"
#endif

static const uint8_t magic[8] = {'V', 'E', 'S', 'T', 'O', 'R', 'E', 0x1a};

/* Offsets in a header copy. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_HEADER_BYTES = 12,
    AT_DIM = 16,
    AT_METRIC = 20,
    AT_ELEMENT = 24,
    AT_REQUIRED = 28, /* bits of features that a reader must know; none yet */
    AT_SLOT_BYTES = 32,
    AT_SEALED = 36,
    AT_GENERATION = 40,
    AT_NEXT_ID = 48,
    AT_SALT = 56,
    AT_FINGERPRINT = 72,
    AT_MODEL_NAME = 144,
    AT_PARAMETERS = 512,
    AT_KEY_NONCE = 576,
    AT_WRAPPED_KEY = 600,
    AT_KEY_TAG = 632,
    AT_CRC = VE__STORE_COPY_BYTES - 4
};
#define ELEMENT_F32 1u

/* Offsets in a trailer, from the start of the structure. */
enum {
    STRUCTURE = 88,
    STRUCTURE_FROM = 92, /* what the structure's CRC covers */
    KIND = 92,
    FLAGS = 93,
    TEXT_SLOTS = 94,
    ID = 96,
    COMMIT = 104,
    TARGET = 112,
    CONTENT_CRC = 120,
    STATE = 124
};

size_t ve__store_payload_bytes(uint32_t dim)
{
    return ve__round_up((size_t)dim * sizeof(float), 64);
}

size_t ve__store_slot_bytes(uint32_t dim)
{
    return ve__store_payload_bytes(dim) + VE__STORE_TRAILER_BYTES;
}

void ve__store_header_encode(const ve__store_header *header, uint8_t page[VE__STORE_HEADER_BYTES])
{
    memset(page, 0, VE__STORE_HEADER_BYTES);
    memcpy(page + AT_MAGIC, magic, sizeof magic);
    ve__store_u32(page + AT_VERSION, VE__STORE_VERSION);
    ve__store_u32(page + AT_HEADER_BYTES, VE__STORE_HEADER_BYTES);
    ve__store_u32(page + AT_DIM, header->dim);
    ve__store_u32(page + AT_METRIC, header->metric);
    ve__store_u32(page + AT_ELEMENT, ELEMENT_F32);
    ve__store_u32(page + AT_SLOT_BYTES, (uint32_t)ve__store_slot_bytes(header->dim));
    ve__store_u32(page + AT_SEALED, header->is_sealed);
    ve__store_u64(page + AT_GENERATION, header->generation);
    ve__store_u64(page + AT_NEXT_ID, header->next_id);
    memcpy(page + AT_SALT, header->salt, sizeof header->salt);
    memcpy(page + AT_FINGERPRINT, header->fingerprint, strlen(header->fingerprint));
    memcpy(page + AT_MODEL_NAME, header->model_name, strlen(header->model_name));
    memcpy(page + AT_PARAMETERS, header->parameters, sizeof header->parameters);
    memcpy(page + AT_KEY_NONCE, header->key_nonce, sizeof header->key_nonce);
    memcpy(page + AT_WRAPPED_KEY, header->wrapped_key, sizeof header->wrapped_key);
    memcpy(page + AT_KEY_TAG, header->key_tag, sizeof header->key_tag);
    ve__store_u32(page + AT_CRC, ve__crc32c(0, page, AT_CRC));
    memcpy(page + VE__STORE_SECOND_COPY, page, VE__STORE_COPY_BYTES);
    ve__store_mark_encode(header->marked_slots, header->salt, page + VE__STORE_MARK_OFFSET);
}

/* Everything that later code divides by, multiplies or prints. */
static ve_status check_fields(const uint8_t *copy, const char *path)
{
    uint32_t dim = ve__load_u32(copy + AT_DIM), metric = ve__load_u32(copy + AT_METRIC);
    if (dim < 1 || dim > VE_MAX_DIM)
        return ve__fail(VE_ERR_FORMAT, "%s: %u dimensions, allowed are 1 to %u", path, dim, VE_MAX_DIM);
    if (metric != VE_METRIC_COSINE && metric != VE_METRIC_INNER_PRODUCT)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: unknown metric %u", path, metric);
    if (ve__load_u32(copy + AT_ELEMENT) != ELEMENT_F32)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: unknown element type %u", path,
                        ve__load_u32(copy + AT_ELEMENT));
    if (ve__load_u32(copy + AT_REQUIRED) != 0 || ve__load_u32(copy + AT_SEALED) > 1)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: needs features 0x%x, which this version lacks", path,
                        ve__load_u32(copy + AT_REQUIRED));
    if (ve__load_u32(copy + AT_HEADER_BYTES) != VE__STORE_HEADER_BYTES ||
        ve__load_u32(copy + AT_SLOT_BYTES) != ve__store_slot_bytes(dim))
        return ve__fail(VE_ERR_FORMAT, "%s: slots of %u bytes do not fit %u dimensions", path,
                        ve__load_u32(copy + AT_SLOT_BYTES), dim);
    if (copy[AT_FINGERPRINT + 64] != 0 || copy[AT_MODEL_NAME + 127] != 0)
        return ve__fail(VE_ERR_FORMAT, "%s: a name in the header has no end", path);
    return VE_OK;
}

ve_status ve__store_header_decode(const uint8_t *page, size_t size, unsigned copy_number, const char *path,
                                  ve__store_header *header)
{
    unsigned offset = copy_number * VE__STORE_SECOND_COPY;
    const uint8_t *copy = page + offset;
    if (size < VE__STORE_HEADER_BYTES)
        return ve__fail(VE_ERR_FORMAT, "%s: too short to be a store (%zu bytes)", path, size);
    if (memcmp(copy, magic, sizeof magic) != 0)
        return ve__fail(VE_ERR_FORMAT, "%s: not a store", path);
    if (ve__load_u32(copy + AT_VERSION) > VE__STORE_VERSION)
        return ve__fail(VE_ERR_VERSION, "%s: written in format version %u, this library reads up to %u", path,
                        ve__load_u32(copy + AT_VERSION), VE__STORE_VERSION);
    if (ve__load_u32(copy + AT_CRC) != ve__crc32c(0, copy, AT_CRC))
        return ve__fail(VE_ERR_CORRUPT, "%s: the header (offset %u) is damaged", path, offset);
    VE_TRY(check_fields(copy, path));
    memset(header, 0, sizeof *header);
    header->dim = ve__load_u32(copy + AT_DIM);
    header->metric = ve__load_u32(copy + AT_METRIC);
    header->is_sealed = ve__load_u32(copy + AT_SEALED);
    header->generation = ve__load_u64(copy + AT_GENERATION);
    header->next_id = ve__load_u64(copy + AT_NEXT_ID);
    memcpy(header->salt, copy + AT_SALT, sizeof header->salt);
    memcpy(header->fingerprint, copy + AT_FINGERPRINT, sizeof header->fingerprint);
    memcpy(header->model_name, copy + AT_MODEL_NAME, sizeof header->model_name);
    memcpy(header->parameters, copy + AT_PARAMETERS, sizeof header->parameters);
    memcpy(header->key_nonce, copy + AT_KEY_NONCE, sizeof header->key_nonce);
    memcpy(header->wrapped_key, copy + AT_WRAPPED_KEY, sizeof header->wrapped_key);
    memcpy(header->key_tag, copy + AT_KEY_TAG, sizeof header->key_tag);
    header->marked_slots = ve__store_mark_decode(page + VE__STORE_MARK_OFFSET, header->salt);
    return VE_OK;
}

/* The CRC that both of a slot's checksums go on from. */
static uint32_t seed(const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number)
{
    uint8_t bytes[VE__STORE_SALT_BYTES + 8];
    memcpy(bytes, salt, VE__STORE_SALT_BYTES);
    ve__store_u64(bytes + VE__STORE_SALT_BYTES, number);
    return ve__crc32c(0, bytes, sizeof bytes);
}

static uint32_t structure_crc(uint32_t start, const uint8_t *trailer)
{
    return ve__crc32c(start, trailer + STRUCTURE_FROM, CONTENT_CRC - STRUCTURE_FROM);
}

static uint32_t content_crc(uint32_t start, const uint8_t *payload, size_t payload_bytes,
                            const uint8_t *trailer)
{
    uint32_t crc = ve__crc32c(start, trailer + STATE, 4);
    crc = ve__crc32c(crc, payload, payload_bytes);
    return ve__crc32c(crc, trailer, STRUCTURE);
}

static uint32_t mark_crc(const uint8_t *mark, const uint8_t salt[VE__STORE_SALT_BYTES])
{
    return ve__crc32c(ve__crc32c(0, salt, VE__STORE_SALT_BYTES), mark, 8);
}

void ve__store_mark_encode(uint64_t slots, const uint8_t salt[VE__STORE_SALT_BYTES],
                           uint8_t mark[VE__STORE_MARK_BYTES])
{
    ve__store_u64(mark, slots);
    ve__store_u32(mark + 8, mark_crc(mark, salt));
}

uint64_t ve__store_mark_decode(const uint8_t mark[VE__STORE_MARK_BYTES],
                               const uint8_t salt[VE__STORE_SALT_BYTES])
{
    return ve__load_u32(mark + 8) == mark_crc(mark, salt) ? ve__load_u64(mark) : 0;
}

void ve__slot_encode_structure(const ve__slot *slot, const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number,
                               uint8_t trailer[VE__STORE_TRAILER_BYTES])
{
    trailer[KIND] = slot->kind;
    trailer[FLAGS] = slot->flags;
    ve__store_u16(trailer + TEXT_SLOTS, slot->text_slots);
    ve__store_u64(trailer + ID, slot->id);
    ve__store_u64(trailer + COMMIT, slot->commit);
    ve__store_u64(trailer + TARGET, slot->target + 1); /* VE__NO_SLOT + 1 == 0 */
    ve__store_u32(trailer + STRUCTURE, structure_crc(seed(salt, number), trailer));
}

void ve__slot_encode(const ve__slot *slot, const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number,
                     const uint8_t *payload, size_t payload_bytes, uint8_t trailer[VE__STORE_TRAILER_BYTES])
{
    ve__slot_encode_structure(slot, salt, number, trailer);
    ve__store_u32(trailer + STATE, slot->state);
    ve__store_u32(trailer + CONTENT_CRC, content_crc(seed(salt, number), payload, payload_bytes, trailer));
}

void ve__slot_erase(uint8_t *payload, size_t payload_bytes, uint8_t trailer[VE__STORE_TRAILER_BYTES],
                    const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number)
{
    memset(payload, 0, payload_bytes);
    memset(trailer, 0, STRUCTURE);
    ve__store_u32(trailer + STATE, VE__SLOT_ERASED);
    ve__store_u32(trailer + CONTENT_CRC, content_crc(seed(salt, number), payload, payload_bytes, trailer));
}

/* Rules that hold whatever the contents are. */
static int is_structure_sane(const ve__slot *slot)
{
    if (slot->kind < VE__SLOT_ADD || slot->kind > VE__SLOT_REMOVE || (slot->flags & ~VE__SLOT_LAST) != 0)
        return 0;
    if (slot->id == 0 || slot->commit == 0)
        return 0;
    if (slot->kind != VE__SLOT_ADD && slot->text_slots != 0)
        return 0;
    return slot->kind != VE__SLOT_REMOVE || slot->target != VE__NO_SLOT;
}

ve__slot_verdict ve__slot_decode(const uint8_t *payload, size_t payload_bytes,
                                 const uint8_t trailer[VE__STORE_TRAILER_BYTES],
                                 const uint8_t salt[VE__STORE_SALT_BYTES], uint64_t number, ve__slot *slot)
{
    uint32_t start = seed(salt, number);
    slot->kind = trailer[KIND];
    slot->flags = trailer[FLAGS];
    slot->text_slots = ve__load_u16(trailer + TEXT_SLOTS);
    slot->id = ve__load_u64(trailer + ID);
    slot->commit = ve__load_u64(trailer + COMMIT);
    slot->target = ve__load_u64(trailer + TARGET) - 1;
    slot->state = trailer[STATE];
    if (ve__load_u32(trailer + STRUCTURE) != structure_crc(start, trailer) || !is_structure_sane(slot))
        return VE__SLOT_BAD_STRUCTURE;
    if (ve__load_u32(trailer + CONTENT_CRC) != content_crc(start, payload, payload_bytes, trailer) ||
        ve__load_u32(trailer + STATE) > VE__SLOT_ERASED)
        return VE__SLOT_BAD_CONTENT;
    return VE__SLOT_GOOD;
}

void ve__slot_bound(const uint8_t trailer[VE__STORE_TRAILER_BYTES], const uint8_t salt[VE__STORE_SALT_BYTES],
                    uint64_t number, uint8_t bound[VE__SLOT_BOUND_BYTES])
{
    memcpy(bound, salt, VE__STORE_SALT_BYTES);
    ve__store_u64(bound + VE__STORE_SALT_BYTES, number);
    memcpy(bound + VE__STORE_SALT_BYTES + 8, trailer + STRUCTURE, CONTENT_CRC - STRUCTURE);
}
