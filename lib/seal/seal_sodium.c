/* SPDX-License-Identifier: MIT */
/*
 * Seals made of libsodium. What lies in a store's header as parameters[64]:
 *
 *   0   1: key file, 2: pass phrase      8   u64 Argon2id passes      16  u64 Argon2id memory, bytes
 *   24  salt, 16 bytes
 *
 * Key file: key = BLAKE2b(salt, keyed with the file's key). Pass phrase: key = Argon2id(pass phrase, salt).
 */
#include "visembed_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { KIND = 0, PASSES = 8, MEMORY = 16, SALT = 24, SALT_BYTES = 16, KEY_BYTES = 32, HEX_DIGITS = 64 };
enum { KEY_FILE = 1, PASSPHRASE = 2 };

/* The parameters come from a file that nobody vouches for: no more work than this. */
#define MOST_PASSES 16u
#define MOST_MEMORY (1024u * 1024u * 1024u)

/* In guarded, locked memory, all of it. */
typedef struct context {
    ve_store_seal seal; /* first: the caller's pointer is the block */
    int kind;
    size_t size;
    unsigned char secret[]; /* the key, or the pass phrase */
} context;

static void store_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static ve_status fill_random(void *data, uint8_t *bytes, size_t size)
{
    (void)data;
    randombytes_buf(bytes, size);
    return VE_OK;
}

static ve_status derive(const context *c, const uint8_t parameters[64], uint8_t key[32])
{
    if (c->kind == KEY_FILE)
        return crypto_generichash(key, KEY_BYTES, parameters + SALT, SALT_BYTES, c->secret, c->size) == 0
                   ? VE_OK
                   : VE_ERR_KEY;
    return crypto_pwhash(key, KEY_BYTES, (const char *)c->secret, c->size, parameters + SALT,
                         load_u64(parameters + PASSES), (size_t)load_u64(parameters + MEMORY),
                         crypto_pwhash_ALG_ARGON2ID13) == 0
               ? VE_OK
               : VE_ERR_MEMORY;
}

static ve_status make_key(void *data, uint8_t parameters[64], uint8_t key[32])
{
    const context *c = data;
    memset(parameters, 0, 64);
    parameters[KIND] = (uint8_t)c->kind;
    if (c->kind == PASSPHRASE) {
        store_u64(parameters + PASSES, crypto_pwhash_OPSLIMIT_INTERACTIVE);
        store_u64(parameters + MEMORY, crypto_pwhash_MEMLIMIT_INTERACTIVE);
    }
    randombytes_buf(parameters + SALT, SALT_BYTES);
    return derive(c, parameters, key);
}

static ve_status find_key(void *data, const uint8_t parameters[64], uint8_t key[32])
{
    const context *c = data;
    uint64_t passes = load_u64(parameters + PASSES), memory = load_u64(parameters + MEMORY);
    if (parameters[KIND] != c->kind)
        return VE_ERR_KEY;
    if (c->kind == PASSPHRASE && (passes < crypto_pwhash_OPSLIMIT_MIN || passes > MOST_PASSES ||
                                  memory < crypto_pwhash_MEMLIMIT_MIN || memory > MOST_MEMORY))
        return VE_ERR_UNSUPPORTED;
    return derive(c, parameters, key);
}

static ve_status encrypt(void *data, const uint8_t key[32], const uint8_t nonce[24], const void *bound,
                         size_t bound_size, uint8_t *bytes, size_t size, uint8_t tag[16])
{
    (void)data;
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(bytes, tag, NULL, bytes, size, bound, bound_size, NULL,
                                                        nonce, key);
    return VE_OK;
}

static ve_status decrypt(void *data, const uint8_t key[32], const uint8_t nonce[24], const void *bound,
                         size_t bound_size, uint8_t *bytes, size_t size, const uint8_t tag[16])
{
    (void)data;
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(bytes, NULL, bytes, size, tag, bound, bound_size,
                                                               nonce, key) == 0
               ? VE_OK
               : VE_ERR_KEY;
}

static ve_status make_seal(int kind, const void *secret, size_t size, ve_store_seal **seal)
{
    /* Blocks end at a guard page: only a multiple of the alignment starts at an aligned address. */
    context *c = sodium_malloc((sizeof *c + size + 63) / 64 * 64);
    if (!c)
        return VE_ERR_MEMORY;
    c->seal = (ve_store_seal){.struct_size = sizeof c->seal,
                              .context = c,
                              .random = fill_random,
                              .make_key = make_key,
                              .find_key = find_key,
                              .encrypt = encrypt,
                              .decrypt = decrypt};
    c->kind = kind;
    c->size = size;
    memcpy(c->secret, secret, size);
    *seal = &c->seal;
    return VE_OK;
}

ve_status ve_seal_with_passphrase(const char *passphrase, size_t size, ve_store_seal **seal)
{
    if (!passphrase || size == 0 || !seal)
        return VE_ERR_ARGUMENT;
    return sodium_init() < 0 ? VE_ERR_UNSUPPORTED : make_seal(PASSPHRASE, passphrase, size, seal);
}

static ve_status status_of_errno(void)
{
    return errno == ENOENT   ? VE_ERR_NOT_FOUND
           : errno == EEXIST ? VE_ERR_EXISTS
           : errno == ELOOP  ? VE_ERR_ACCESS
                             : VE_ERR_IO;
}

/* 64 hex digits, perhaps a newline, nothing else. */
static ve_status read_key(int file, unsigned char key[KEY_BYTES])
{
    char text[HEX_DIGITS + 2];
    struct stat facts;
    size_t length;
    if (fstat(file, &facts) != 0)
        return VE_ERR_IO;
    if (facts.st_mode & (S_IRWXG | S_IRWXO))
        return VE_ERR_ACCESS;
    ssize_t size = read(file, text, sizeof text);
    int is_good =
        size >= HEX_DIGITS && (size == HEX_DIGITS || (size == HEX_DIGITS + 1 && text[HEX_DIGITS] == '\n')) &&
        sodium_hex2bin(key, KEY_BYTES, text, HEX_DIGITS, NULL, &length, NULL) == 0 && length == KEY_BYTES;
    sodium_memzero(text, sizeof text);
    return is_good ? VE_OK : VE_ERR_FORMAT;
}

ve_status ve_seal_with_key_file(const char *path, ve_store_seal **seal)
{
    unsigned char key[KEY_BYTES];
    if (!path || !seal)
        return VE_ERR_ARGUMENT;
    if (sodium_init() < 0)
        return VE_ERR_UNSUPPORTED;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return status_of_errno();
    ve_status status = read_key(file, key);
    close(file);
    if (status == VE_OK)
        status = make_seal(KEY_FILE, key, sizeof key, seal);
    sodium_memzero(key, sizeof key);
    return status;
}

static ve_status write_key(int file)
{
    unsigned char key[KEY_BYTES];
    char text[HEX_DIGITS + 1];
    randombytes_buf(key, sizeof key);
    sodium_bin2hex(text, sizeof text, key, sizeof key);
    text[HEX_DIGITS] = '\n';
    ssize_t size = write(file, text, sizeof text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return size == (ssize_t)sizeof text && fsync(file) == 0 ? VE_OK : VE_ERR_IO;
}

ve_status ve_seal_make_key_file(const char *path)
{
    if (!path)
        return VE_ERR_ARGUMENT;
    if (sodium_init() < 0)
        return VE_ERR_UNSUPPORTED;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (file < 0)
        return status_of_errno();
    ve_status status = write_key(file);
    close(file);
    if (status != VE_OK)
        unlink(path);
    return status;
}

void ve_seal_free(ve_store_seal *seal)
{
    sodium_free(seal); /* which wipes it; NULL is nothing */
}
