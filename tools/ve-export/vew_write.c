/* SPDX-License-Identifier: MIT */
/* The writer. The header's size follows from the architecture, so that data can be written first and the
 * header, which has the checksums of the data, last. */
#include "vew_write.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "kernels/dense_i8.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct entry {
    ve__tensor_spec spec;
    ve__type type;
    size_t count, offset, size_bytes;
    uint32_t crc;
} entry;

struct vew_writer {
    char *path, *temporary;
    FILE *file;
    ve__description about;
    unsigned char *header;
    size_t header_bytes, file_bytes, written;
    entry *entries;
    size_t entry_count;
    size_t current, done; /* the tensor that is being written, and elements of it that are */
    float *row;           /* of an i8 tensor, until it is whole */
    unsigned char *coded; /* an i8 tensor, until it is whole */
    crypto_hash_sha256_state hash;
};

/* The one file being written, for vew_remove_temporary. */
static char temporary_path[4200];
static volatile sig_atomic_t temporary_exists;

void vew_remove_temporary(void)
{
    if (temporary_exists)
        unlink(temporary_path);
}

/* ---- fields */

static size_t field_count(const ve__vew_field *field, const ve__description *about)
{
    if (field->type == VE__VEW_TEXT)
        return strlen((const char *)about + field->at);
    return strcmp(field->name, VE__VEW_THRESHOLDS) == 0 ? 2 * about->threshold_count : field->count;
}

/* Writes one record (to == NULL: only measures) and gives its bytes. */
static size_t put_field(const ve__vew_field *field, const ve__description *about, unsigned char *to)
{
    size_t name_bytes = strlen(field->name), count = field_count(field, about);
    size_t value_bytes = count * ve__vew_type_bytes(field->type);
    size_t value_at = VE__VEW_FIELD_BYTES + ve__round_up(name_bytes, 8);
    size_t bytes = value_at + ve__round_up(value_bytes, 8);
    const unsigned char *from = (const unsigned char *)about + field->at;
    if (!to)
        return bytes;
    ve__store_u32(to, (uint32_t)bytes);
    to[4] = field->type;
    to[5] = field->flags;
    ve__store_u16(to + 6, (uint16_t)name_bytes);
    ve__store_u32(to + 8, (uint32_t)count);
    ve__store_u32(to + 12, (uint32_t)value_bytes);
    memcpy(to + VE__VEW_FIELD_BYTES, field->name, name_bytes);
    if (field->type == VE__VEW_TEXT)
        memcpy(to + value_at, from, value_bytes);
    for (size_t i = 0; i < count && field->type != VE__VEW_TEXT; i++) {
        uint32_t bits;
        memcpy(&bits, from + 4 * i, 4);
        ve__store_u32(to + value_at + 4 * i, bits);
    }
    return bytes;
}

/* An optional field that says nothing is left out: no text, no rows, the number 0. */
static int is_left_out(const ve__vew_field *field, const ve__description *about)
{
    uint32_t value = 1;
    if (field->type == VE__VEW_U32)
        memcpy(&value, (const unsigned char *)about + field->at, sizeof value);
    return field->is_optional && (field_count(field, about) == 0 || value == 0);
}

static size_t put_fields(const ve__description *about, unsigned char *to, uint32_t *count)
{
    const ve__vew_field *field;
    size_t bytes = 0;
    *count = 0;
    for (size_t i = 0; (field = ve__vew_field_at(i)) != NULL; i++) {
        if (is_left_out(field, about))
            continue;
        bytes += put_field(field, about, to ? to + bytes : NULL);
        ++*count;
    }
    return bytes;
}

/* The fingerprint covers the records of the fields that are part of the model's identity, in order ... */
static void hash_fields(crypto_hash_sha256_state *hash, const ve__description *about)
{
    const ve__vew_field *field;
    for (size_t i = 0; (field = ve__vew_field_at(i)) != NULL; i++) {
        unsigned char record[512] = {0};
        if (field->is_identity && !is_left_out(field, about))
            crypto_hash_sha256_update(hash, record, put_field(field, about, record));
    }
}

/* ... and behind them the bytes of all tensors, in order. */
ve_status vew_fingerprint(const ve__weights *weights, char fingerprint[65])
{
    crypto_hash_sha256_state hash;
    unsigned char digest[crypto_hash_sha256_BYTES];
    ve__description about;
    memset(&about, 0, sizeof about);
    about.arch = *ve__weights_arch(weights);
    about.preprocess = *ve__weights_preprocess(weights);
    snprintf(about.weight_type, sizeof about.weight_type, "%s", ve__weights_type(weights));
    crypto_hash_sha256_init(&hash);
    hash_fields(&hash, &about);
    for (size_t i = 0; i < ve__weights_tensor_count(weights); i++) {
        const ve__tensor *t = ve__weights_tensor(weights, i);
        crypto_hash_sha256_update(&hash, ve__weights_data(weights, t), t->size_bytes);
    }
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(fingerprint, 65, digest, sizeof digest);
    return VE_OK;
}

/* ---- layout */

static size_t entry_bytes(const entry *e)
{
    return VE__VEW_TENSOR_BYTES + ve__round_up(strlen(e->spec.name), 8);
}

static void put_entry(const entry *e, unsigned char *to)
{
    ve__store_u64(to, e->offset);
    ve__store_u64(to + 8, e->size_bytes);
    ve__store_u32(to + 16, e->crc);
    to[20] = (unsigned char)e->type;
    to[21] = (unsigned char)e->spec.rank;
    ve__store_u16(to + 22, (uint16_t)strlen(e->spec.name));
    for (size_t i = 0; i < VE__MAX_RANK; i++)
        ve__store_u32(to + 24 + 4 * i, e->spec.shape[i]);
    memcpy(to + VE__VEW_TENSOR_BYTES, e->spec.name, strlen(e->spec.name));
}

static ve__type type_of(const ve__tensor_spec *spec, const char *weight_type)
{
    int is_i8 = strcmp(weight_type, "i8") == 0;
    if (spec->rank == 1 || (!is_i8 && strcmp(weight_type, "f16") != 0))
        return VE__TYPE_F32;
    /* fc1, fc2 and downsampling, but not the depthwise layers, of rank 3 */
    return is_i8 && spec->rank != 3 && strncmp(spec->name, "stage.", 6) == 0 ? VE__TYPE_I8 : VE__TYPE_F16;
}

static ve_status list_entries(vew_writer *w)
{
    ve__tensor_spec spec;
    while (ve__arch_tensor(&w->about.arch, w->entry_count, &spec))
        w->entry_count++;
    w->entries = calloc(w->entry_count, sizeof *w->entries);
    if (!w->entries)
        return ve__fail(VE_ERR_MEMORY, "no memory for %llu tensors", (unsigned long long)w->entry_count);
    for (size_t i = 0; i < w->entry_count; i++) {
        entry *e = &w->entries[i];
        ve__arch_tensor(&w->about.arch, i, &e->spec);
        e->type = type_of(&e->spec, w->about.weight_type);
        e->count = 1;
        for (uint32_t k = 0; k < e->spec.rank; k++)
            e->count *= e->spec.shape[k];
        e->size_bytes = e->type == VE__TYPE_I8 ? 4 * (size_t)e->spec.shape[0] + e->count
                                               : e->count * (e->type == VE__TYPE_F16 ? 2 : 4);
    }
    return VE_OK;
}

static ve_status lay_out(vew_writer *w)
{
    uint32_t count;
    memset(w->about.fingerprint, '0', 64);
    w->about.fingerprint[64] = '\0';
    VE_TRY(ve__vew_check(&w->about));
    VE_TRY(list_entries(w));
    size_t bytes = VE__VEW_HEADER_BYTES + put_fields(&w->about, NULL, &count);
    for (size_t i = 0; i < w->entry_count; i++)
        bytes += entry_bytes(&w->entries[i]);
    w->header_bytes = ve__round_up(bytes, VE__VEW_ALIGN);
    size_t at = w->header_bytes;
    for (size_t i = 0; i < w->entry_count; i++) {
        w->entries[i].offset = ve__round_up(at, VE__VEW_ALIGN);
        at = w->entries[i].offset + w->entries[i].size_bytes;
    }
    w->file_bytes = at;
    w->header = calloc(1, w->header_bytes);
    return w->header ? VE_OK : ve__fail(VE_ERR_MEMORY, "no memory for the header");
}

static void fill_header(vew_writer *w)
{
    unsigned char *h = w->header;
    uint32_t count;
    memcpy(h, VE__VEW_MAGIC, VE__VEW_MAGIC_BYTES);
    size_t at = VE__VEW_HEADER_BYTES + put_fields(&w->about, h + VE__VEW_HEADER_BYTES, &count);
    ve__store_u32(h + VE__VEW_AT_VERSION, VE__VEW_VERSION);
    ve__store_u32(h + VE__VEW_AT_HEADER_BYTES, (uint32_t)w->header_bytes);
    ve__store_u64(h + VE__VEW_AT_FILE_BYTES, w->file_bytes);
    ve__store_u32(h + VE__VEW_AT_FIELD_COUNT, count);
    ve__store_u32(h + VE__VEW_AT_TENSOR_COUNT, (uint32_t)w->entry_count);
    for (size_t i = 0; i < w->entry_count; i++) {
        put_entry(&w->entries[i], h + at);
        at += entry_bytes(&w->entries[i]);
    }
    ve__store_u32(h + VE__VEW_AT_HEADER_CRC, ve__crc32c(0, h, w->header_bytes));
}

/* ---- the file */

static ve_status open_temporary(vew_writer *w)
{
    size_t size = strlen(w->path) + sizeof ".XXXXXX";
    mode_t mask = umask(0);
    umask(mask);
    w->temporary = malloc(size);
    if (!w->temporary)
        return ve__fail(VE_ERR_MEMORY, "no memory for a path");
    snprintf(w->temporary, size, "%s.XXXXXX", w->path);
    if (size > sizeof temporary_path)
        return ve__fail(VE_ERR_ARGUMENT, "the path is too long: %.64s...", w->path);
    int fd = mkstemp(w->temporary);
    if (fd < 0) {
        free(w->temporary);
        w->temporary = NULL;
        return ve__fail_errno("cannot create a file beside", w->path);
    }
    strcpy(temporary_path, w->temporary);
    temporary_exists = 1;
    fchmod(fd, 0666 & ~mask); /* mkstemp makes it private; weights are not */
    w->file = fdopen(fd, "wb");
    if (!w->file) {
        close(fd);
        return ve__fail_errno("cannot write", w->path);
    }
    return VE_OK;
}

static ve_status put(vew_writer *w, const void *bytes, size_t size)
{
    if (fwrite(bytes, 1, size, w->file) != size)
        return ve__fail_errno("cannot write", w->path);
    w->written += size;
    return VE_OK;
}

static ve_status pad_to(vew_writer *w, size_t offset)
{
    static const unsigned char zeros[VE__VEW_ALIGN];
    return put(w, zeros, offset - w->written);
}

ve_status vew_create(const char *path, const ve__description *about, vew_writer **writer)
{
    vew_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ve__fail(VE_ERR_MEMORY, "no memory for a writer");
    w->about = *about;
    w->path = strdup(path);
    ve_status status = w->path ? lay_out(w) : ve__fail(VE_ERR_MEMORY, "no memory for a path");
    if (status == VE_OK)
        status = open_temporary(w);
    if (status == VE_OK)
        status = put(w, w->header, w->header_bytes); /* zeros, until the commit */
    if (status != VE_OK) {
        vew_abort(w);
        return status;
    }
    crypto_hash_sha256_init(&w->hash);
    hash_fields(&w->hash, &w->about);
    *writer = w;
    return VE_OK;
}

#define PIECE 4096u

static ve_status put_bytes(vew_writer *w, entry *e, const unsigned char *bytes, size_t count)
{
    e->crc = ve__crc32c(e->crc, bytes, count);
    crypto_hash_sha256_update(&w->hash, bytes, count);
    return put(w, bytes, count);
}

static ve_status start_coded(vew_writer *w, const entry *e)
{
    free(w->row);
    free(w->coded);
    w->row = malloc(e->count / e->spec.shape[0] * sizeof *w->row);
    w->coded = malloc(e->size_bytes);
    return w->row && w->coded ? VE_OK : ve__fail(VE_ERR_MEMORY, "no memory for tensor %s", e->spec.name);
}

/* Elements of a tensor in 8 bits, of which the scales stand first: kept until the last of them is there. */
static ve_status append_coded(vew_writer *w, entry *e, const float *values, size_t count)
{
    size_t length = e->count / e->spec.shape[0];
    if (w->done == 0)
        VE_TRY(start_coded(w, e));
    for (size_t i = 0; i < count; i++) {
        size_t row = (w->done + i) / length, column = (w->done + i) % length;
        float scale;
        w->row[column] = values[i];
        if (column + 1 < length)
            continue;
        ve__i8_from_row(w->row, (unsigned)length,
                        (int8_t *)w->coded + 4 * (size_t)e->spec.shape[0] + row * length, &scale);
        ve__store_u32(w->coded + 4 * row, ve__float_bits(scale));
    }
    return w->done + count == e->count ? put_bytes(w, e, w->coded, e->size_bytes) : VE_OK;
}

/* Up to PIECE elements of one tensor. */
static ve_status append_piece(vew_writer *w, entry *e, const float *values, size_t count)
{
    unsigned char bytes[4 * PIECE];
    size_t width = e->type == VE__TYPE_F16 ? 2 : 4;
    for (size_t i = 0; i < count; i++) {
        if (width == 4) {
            ve__store_u32(bytes + 4 * i, ve__float_bits(values[i]));
            continue;
        }
        uint16_t half = ve__float_to_half(values[i]);
        if ((half & 0x7c00u) == 0x7c00u)
            return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: %g does not fit f16; use --precision f32",
                            e->spec.name, (double)values[i]);
        ve__store_u16(bytes + 2 * i, half);
    }
    return put_bytes(w, e, bytes, width * count);
}

ve_status vew_append(vew_writer *w, const float *values, size_t count)
{
    while (count > 0) {
        if (w->current == w->entry_count)
            return ve__fail(VE_ERR_STATE, "more elements than the architecture has");
        entry *e = &w->entries[w->current];
        size_t some = e->count - w->done < count ? e->count - w->done : count;
        if (some > PIECE)
            some = PIECE;
        if (w->done == 0)
            VE_TRY(pad_to(w, e->offset));
        VE_TRY((e->type == VE__TYPE_I8 ? append_coded : append_piece)(w, e, values, some));
        values += some;
        count -= some;
        w->done += some;
        if (w->done == e->count) {
            w->current++;
            w->done = 0;
        }
    }
    return VE_OK;
}

/* The new name is on the disk only when the folder is. */
static ve_status sync_folder(const char *path)
{
    char folder[4200];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        strcpy(folder, ".");
    else
        slash[slash == folder] = '\0';
    int fd = open(folder, O_RDONLY);
    if (fd < 0)
        return ve__fail_errno("cannot open", folder);
    int failed = fsync(fd);
    close(fd);
    return failed ? ve__fail_errno("cannot sync", folder) : VE_OK;
}

static ve_status finish_file(vew_writer *w)
{
    int failed = fseek(w->file, 0, SEEK_SET) != 0 ||
                 fwrite(w->header, 1, w->header_bytes, w->file) != w->header_bytes || fflush(w->file) != 0 ||
                 fsync(fileno(w->file)) != 0;
    failed = fclose(w->file) != 0 || failed;
    w->file = NULL;
    if (failed || rename(w->temporary, w->path) != 0)
        return ve__fail_errno("cannot write", w->path);
    temporary_exists = 0;
    free(w->temporary);
    w->temporary = NULL;
    return sync_folder(w->path);
}

ve_status vew_commit(vew_writer *w, char fingerprint[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    ve_status status = VE_OK;
    if (w->current != w->entry_count)
        status = ve__fail(VE_ERR_STATE, "tensor %s was not written", w->entries[w->current].spec.name);
    crypto_hash_sha256_final(&w->hash, digest);
    sodium_bin2hex(w->about.fingerprint, sizeof w->about.fingerprint, digest, sizeof digest);
    memcpy(fingerprint, w->about.fingerprint, 65);
    fill_header(w);
    if (status == VE_OK)
        status = finish_file(w);
    vew_abort(w);
    return status;
}

void vew_abort(vew_writer *w)
{
    if (!w)
        return;
    if (w->file)
        fclose(w->file);
    if (w->temporary)
        unlink(w->temporary);
    temporary_exists = 0;
    free(w->temporary);
    free(w->path);
    free(w->header);
    free(w->entries);
    free(w->row);
    free(w->coded);
    free(w);
}
