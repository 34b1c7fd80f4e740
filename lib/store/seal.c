/* SPDX-License-Identifier: MIT */
/* Sealing: the envelope around a file's key, and single slots. */
#include "store/seal.h"

#include <string.h>

/* What the file's key is bound to: the file's salt, so that headers cannot be mixed. */
static ve_status wrap_key(const ve_store_seal *seal, ve__store_header *header, const uint8_t *key,
                          const uint8_t *wrapping)
{
    VE_TRY(seal->random(seal->context, header->key_nonce, sizeof header->key_nonce));
    memcpy(header->wrapped_key, key, VE__KEY_BYTES);
    return seal->encrypt(seal->context, wrapping, header->key_nonce, header->salt, sizeof header->salt,
                         header->wrapped_key, VE__KEY_BYTES, header->key_tag);
}

ve_status ve__seal_make_key(const ve__io *io, const ve_store_seal *seal, ve__store_header *header,
                            ve__pages *key)
{
    VE_TRY(ve__pages_take(io, 2 * VE__KEY_BYTES, key));
    uint8_t *own = key->bytes, *wrapping = own + VE__KEY_BYTES;
    ve_status status = seal->make_key(seal->context, header->parameters, wrapping);
    if (status == VE_OK)
        status = seal->random(seal->context, own, VE__KEY_BYTES);
    if (status == VE_OK)
        status = wrap_key(seal, header, own, wrapping);
    ve__wipe(wrapping, VE__KEY_BYTES);
    if (status != VE_OK)
        ve__pages_give(key);
    header->is_sealed = 1;
    return status;
}

ve_status ve__seal_find_key(const ve__io *io, const ve_store_seal *seal, const ve__store_header *header,
                            const char *path, ve__pages *key)
{
    if (!seal)
        return ve__fail(VE_ERR_KEY, "%s is sealed: it needs a key", path);
    VE_TRY(ve__pages_take(io, 2 * VE__KEY_BYTES, key));
    uint8_t *own = key->bytes, *wrapping = own + VE__KEY_BYTES;
    ve_status status = seal->find_key(seal->context, header->parameters, wrapping);
    memcpy(own, header->wrapped_key, VE__KEY_BYTES);
    if (status == VE_OK)
        status = seal->decrypt(seal->context, wrapping, header->key_nonce, header->salt, sizeof header->salt,
                               own, VE__KEY_BYTES, header->key_tag);
    ve__wipe(wrapping, VE__KEY_BYTES);
    if (status != VE_OK)
        ve__pages_give(key);
    /* The header's own checksum holds, so this is not damage. */
    return status == VE_ERR_KEY ? ve__fail(VE_ERR_KEY, "%s is sealed with another key", path) : status;
}

ve_status ve__seal_slot(const ve_store_seal *seal, const ve__pages *key, const ve__store_header *header,
                        uint64_t number, uint8_t *slot)
{
    uint8_t bound[VE__SLOT_BOUND_BYTES];
    size_t payload_bytes = ve__store_payload_bytes(header->dim);
    uint8_t *trailer = slot + payload_bytes;
    ve__slot_bound(trailer, header->salt, number, bound);
    VE_TRY(seal->random(seal->context, trailer + VE__SLOT_NONCE, 24));
    return seal->encrypt(seal->context, key->bytes, trailer + VE__SLOT_NONCE, bound, sizeof bound, slot,
                         payload_bytes + VE__STORE_PRIVATE_BYTES, trailer + VE__SLOT_TAG);
}

ve_status ve__unseal_slot(const ve_store_seal *seal, const ve__pages *key, const ve__store_header *header,
                          uint64_t number, uint8_t *payload, uint8_t *trailer, uint8_t *scratch)
{
    uint8_t bound[VE__SLOT_BOUND_BYTES];
    size_t payload_bytes = ve__store_payload_bytes(header->dim);
    ve__slot_bound(trailer, header->salt, number, bound);
    memcpy(scratch, payload, payload_bytes);
    memcpy(scratch + payload_bytes, trailer, VE__STORE_PRIVATE_BYTES);
    ve_status status = seal->decrypt(seal->context, key->bytes, trailer + VE__SLOT_NONCE, bound, sizeof bound,
                                     scratch, payload_bytes + VE__STORE_PRIVATE_BYTES, trailer + VE__SLOT_TAG);
    if (status == VE_OK) {
        memcpy(payload, scratch, payload_bytes);
        memcpy(trailer, scratch + payload_bytes, VE__STORE_PRIVATE_BYTES);
    }
    ve__wipe(scratch, payload_bytes + VE__STORE_PRIVATE_BYTES);
    return status == VE_ERR_KEY
               ? ve__fail(VE_ERR_CORRUPT, "slot %llu: its seal is broken", (unsigned long long)number)
               : status;
}
