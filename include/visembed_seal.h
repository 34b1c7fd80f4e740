/* SPDX-License-Identifier: MIT */
/*
 * visembed_seal.h - seals for stores: a key from a file or a pass phrase, XChaCha20-Poly1305 for the contents.
 *
 *     ve_store_seal *seal;
 *     ve_seal_with_key_file("people.key", &seal);
 *     options.seal = seal;                         ve_store_open, ve_store_reseal
 *     ...
 *     ve_store_close(store);
 *     ve_seal_free(seal);
 *
 * This is a library of its own, libvisembed-seal, made of libsodium: libvisembed needs only the C library. Keys
 * lie in memory that is locked and wiped. These functions return a status and leave no text for
 * ve_last_error().
 */
#ifndef VISEMBED_SEAL_H
#define VISEMBED_SEAL_H

#include "visembed.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a new random key to a new file of mode 0600: 64 hex digits and a newline. VE_ERR_EXISTS, VE_ERR_IO. */
VE_API ve_status ve_seal_make_key_file(const char *path);
/* A seal with the key in that file. VE_ERR_NOT_FOUND, VE_ERR_IO; VE_ERR_FORMAT: no such key in it;
 * VE_ERR_ACCESS: other users may read the file, or it is a symbolic link. */
VE_API ve_status ve_seal_with_key_file(const char *path, ve_store_seal **seal);
/* A seal with a pass phrase, which goes through Argon2id (64 MiB of memory, about a second on a small board)
 * whenever a store is opened or made. VE_ERR_ARGUMENT: an empty one. */
VE_API ve_status ve_seal_with_passphrase(const char *passphrase, size_t size, ve_store_seal **seal);
/* After the stores that use it have been closed. */
VE_API void ve_seal_free(ve_store_seal *seal);

#ifdef __cplusplus
}
#endif
#endif
