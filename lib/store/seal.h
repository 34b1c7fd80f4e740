/* SPDX-License-Identifier: MIT */
/* Sealing of a store's key and slots through the functions that the program gave. Every file has a random key
 * of its own, kept in the header, encrypted with the key that the program's seal makes. */
#ifndef VE_STORE_SEAL_H
#define VE_STORE_SEAL_H

#include "store/format.h"
#include "store/pages.h"

#define VE__KEY_BYTES 32u

/* A new key for a new file: into *key (pages) and, encrypted, into the header. */
ve_status ve__seal_make_key(const ve__io *io, const ve_store_seal *seal, ve__store_header *header,
                            ve__pages *key);
/* The key of an existing file. VE_ERR_KEY when the seal is NULL or makes another key. */
ve_status ve__seal_find_key(const ve__io *io, const ve_store_seal *seal, const ve__store_header *header,
                            const char *path, ve__pages *key);
/* Encrypts a slot's payload and private part, which lie together in slot_bytes bytes, in place. The structure
 * must have been written. */
ve_status ve__seal_slot(const ve_store_seal *seal, const ve__pages *key, const ve__store_header *header,
                        uint64_t number, uint8_t *slot);
/* Decrypts; `scratch` has room for a payload and VE__STORE_PRIVATE_BYTES. VE_ERR_CORRUPT when it was tampered
 * with. */
ve_status ve__unseal_slot(const ve_store_seal *seal, const ve__pages *key, const ve__store_header *header,
                          uint64_t number, uint8_t *payload, uint8_t *trailer, uint8_t *scratch);

#endif
