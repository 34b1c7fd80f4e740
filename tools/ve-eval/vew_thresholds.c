/* SPDX-License-Identifier: MIT */
/* Puts a threshold table into a copy of a weight file: a new header, the same data behind it. docs/format.md
 * describes both. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/memory.h"
#include "complain.h"
#include "vew_thresholds.h"
#include "weights/vew.h"

#define SOURCE_FIELD "thresholds_from"

typedef struct header {
    unsigned char *bytes;
    size_t size, fields_end; /* fields_end: where the tensor table starts */
    uint32_t field_count, tensor_count;
} header;

static size_t record_bytes(const char *name, size_t value_bytes)
{
    return VE__VEW_FIELD_BYTES + ve__round_up(strlen(name), 8) + ve__round_up(value_bytes, 8);
}

/* Appends an optional field. The memory behind *at is zero. */
static void put_record(header *h, const char *name, ve__vew_type type, size_t count, const void *value,
                       size_t value_bytes)
{
    unsigned char *to = h->bytes + h->fields_end;
    ve__store_u32(to, (uint32_t)record_bytes(name, value_bytes));
    to[4] = (unsigned char)type;
    ve__store_u16(to + 6, (uint16_t)strlen(name));
    ve__store_u32(to + 8, (uint32_t)count);
    ve__store_u32(to + 12, (uint32_t)value_bytes);
    memcpy(to + VE__VEW_FIELD_BYTES, name, strlen(name));
    memcpy(to + VE__VEW_FIELD_BYTES + ve__round_up(strlen(name), 8), value, value_bytes);
    h->fields_end += record_bytes(name, value_bytes);
    h->field_count++;
}

static int is_named(const unsigned char *record, const char *name)
{
    return ve__load_u16(record + 6) == strlen(name) &&
           memcmp(record + VE__VEW_FIELD_BYTES, name, strlen(name)) == 0;
}

/* Copies all fields but those that are to be replaced; where the old tensor table starts. */
static size_t copy_fields(header *h, const unsigned char *old)
{
    uint32_t count = ve__load_u32(old + VE__VEW_AT_FIELD_COUNT);
    size_t at = VE__VEW_HEADER_BYTES;
    h->fields_end = at;
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = ve__load_u32(old + at);
        if (!is_named(old + at, VE__VEW_THRESHOLDS) && !is_named(old + at, SOURCE_FIELD)) {
            memcpy(h->bytes + h->fields_end, old + at, bytes);
            h->fields_end += bytes;
            h->field_count++;
        }
        at += bytes;
    }
    return at;
}

static void put_thresholds(header *h, const ve_threshold *rows, size_t count, const char *source)
{
    unsigned char values[8 * VE__VEW_MAX_THRESHOLDS];
    for (size_t i = 0; i < count; i++) {
        ve__store_u32(values + 8 * i, ve__float_bits(rows[i].false_accept_rate));
        ve__store_u32(values + 8 * i + 4, ve__float_bits(rows[i].similarity));
    }
    if (count)
        put_record(h, VE__VEW_THRESHOLDS, VE__VEW_F32, 2 * count, values, 8 * count);
    if (count)
        put_record(h, SOURCE_FIELD, VE__VEW_TEXT, strlen(source), source, strlen(source));
}

/* Copies the tensor table, and moves what it points at by as much as the header has grown. */
static void finish_header(header *h, const ve__mapped *old, size_t old_table)
{
    size_t old_size = ve__load_u32(old->bytes + VE__VEW_AT_HEADER_BYTES), at = old_table, to = h->fields_end;
    size_t table_bytes = 0;
    for (uint32_t i = 0; i < h->tensor_count; i++)
        table_bytes += VE__VEW_TENSOR_BYTES + ve__round_up(ve__load_u16(old->bytes + at + table_bytes + 22), 8);
    h->size = ve__round_up(to + table_bytes, VE__VEW_ALIGN);
    memcpy(h->bytes + to, old->bytes + at, table_bytes);
    for (uint32_t i = 0; i < h->tensor_count; i++) {
        ve__store_u64(h->bytes + to, ve__load_u64(h->bytes + to) + h->size - old_size);
        to += VE__VEW_TENSOR_BYTES + ve__round_up(ve__load_u16(h->bytes + to + 22), 8);
    }
    memcpy(h->bytes, old->bytes, VE__VEW_HEADER_BYTES);
    ve__store_u32(h->bytes + VE__VEW_AT_HEADER_BYTES, (uint32_t)h->size);
    ve__store_u64(h->bytes + VE__VEW_AT_FILE_BYTES, old->size + h->size - old_size);
    ve__store_u32(h->bytes + VE__VEW_AT_FIELD_COUNT, h->field_count);
    ve__store_u32(h->bytes + VE__VEW_AT_HEADER_CRC, 0);
    ve__store_u32(h->bytes + VE__VEW_AT_HEADER_CRC, ve__crc32c(0, h->bytes, h->size));
}

static int make_header(header *h, const ve__mapped *old, const ve_threshold *rows, size_t count,
                       const char *source)
{
    size_t room = ve__load_u32(old->bytes + VE__VEW_AT_HEADER_BYTES) +
                  record_bytes(VE__VEW_THRESHOLDS, 8 * count) + record_bytes(SOURCE_FIELD, strlen(source)) +
                  VE__VEW_ALIGN;
    memset(h, 0, sizeof *h);
    h->tensor_count = ve__load_u32(old->bytes + VE__VEW_AT_TENSOR_COUNT);
    if (!(h->bytes = calloc(1, room)))
        return complain_memory("a header");
    size_t old_table = copy_fields(h, old->bytes);
    put_thresholds(h, rows, count, source);
    finish_header(h, old, old_table);
    return 0;
}

/* ---- the file */

static int same_model(const char *path, const ve_model *before, const ve_threshold *rows, size_t count)
{
    ve_model *after;
    ve_model_info a = VE_MODEL_INFO_INIT, b = VE_MODEL_INFO_INIT;
    const ve_threshold *found;
    if (ve_model_open(path, NULL, &after) != VE_OK)
        return complain("the copy does not open: %s", ve_last_error());
    ve_model_get_info(before, &a);
    ve_model_get_info(after, &b);
    int is_same = strcmp(a.fingerprint, b.fingerprint) == 0 && ve_model_thresholds(after, &found) == count;
    for (size_t i = 0; is_same && i < count; i++)
        is_same = memcmp(&found[i], &rows[i], sizeof *rows) == 0;
    ve_model_close(after);
    return is_same ? 0 : complain("%s: the copy is not the same model", path);
}

static int write_bytes(const char *path, int fd, const header *h, const ve__mapped *old)
{
    size_t old_size = ve__load_u32(old->bytes + VE__VEW_AT_HEADER_BYTES);
    FILE *file = fdopen(fd, "wb");
    if (!file) {
        close(fd);
        return complain("%s: %s", path, strerror(errno));
    }
    int failed = fwrite(h->bytes, 1, h->size, file) != h->size ||
                 fwrite(old->bytes + old_size, 1, old->size - old_size, file) != old->size - old_size ||
                 fflush(file) != 0 || fsync(fileno(file)) != 0;
    failed = fclose(file) != 0 || failed;
    return failed ? complain("writing %s: %s", path, strerror(errno)) : 0;
}

/* Writes beside `to` and moves there in one step. */
static int replace_file(const char *to, const header *h, const ve__mapped *old, const ve_model *model,
                        const ve_threshold *rows, size_t count)
{
    char temporary[4200];
    mode_t mask = umask(0);
    umask(mask);
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", to);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return complain("%s: too long a path", to);
    int fd = mkstemp(temporary);
    if (fd < 0)
        return complain("cannot create a file beside %s: %s", to, strerror(errno));
    fchmod(fd, 0666 & ~mask); /* mkstemp makes it private; weights are not */
    int result = write_bytes(temporary, fd, h, old);
    if (result == 0)
        result = same_model(temporary, model, rows, count);
    if (result == 0 && rename(temporary, to) != 0)
        result = complain("%s: %s", to, strerror(errno));
    if (result != 0)
        unlink(temporary);
    return result;
}

int vew_thresholds_write(const char *from, const char *to, const ve_threshold *rows, size_t count,
                         const char *source)
{
    ve_model *model;
    ve__mapped old;
    header h = {0};
    /* Opening checks every offset and size that is relied upon here. */
    if (count > VE__VEW_MAX_THRESHOLDS || !ve__vew_is_text(source, strlen(source)))
        return complain("a threshold table that a weight file cannot hold");
    if (ve_model_open(from, NULL, &model) != VE_OK)
        return complain("%s", ve_last_error());
    int result = ve__map_file(from, &old) == VE_OK ? 0 : complain("%s", ve_last_error());
    if (result == 0) {
        result = make_header(&h, &old, rows, count, source);
        if (result == 0)
            result = replace_file(to, &h, &old, model, rows, count);
        ve__unmap(&old);
    }
    free(h.bytes);
    ve_model_close(model);
    return result;
}
