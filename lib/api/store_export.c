/* SPDX-License-Identifier: MIT */
/* ve_store_export: a store's vectors in other programs' formats. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "store/store.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define NPY_HEADER   128u

static const ve__io plain_io;

/* A file that is written front to back. */
typedef struct output {
    ve__file file;
    uint64_t offset;
    size_t used;
    char *buffer;
} output;

typedef struct exporter {
    ve_store *store;
    uint32_t dim;
    output out, labels; /* labels: PATH.labels, where the format has no place for them */
    char *labels_path;
    ve_store_record record;
    float *vector;
    uint8_t *metadata;
    uint64_t count;
} exporter;

static ve_status flush(output *out)
{
    VE_TRY(ve__io_write(&plain_io, &out->file, out->offset, out->buffer, out->used));
    out->offset += out->used;
    out->used = 0;
    return VE_OK;
}

static ve_status put(output *out, const void *bytes, size_t size)
{
    if (out->used + size > BUFFER_BYTES)
        VE_TRY(flush(out));
    memcpy(out->buffer + out->used, bytes, size); /* no piece is larger than the buffer */
    out->used += size;
    return VE_OK;
}

static ve_status put_text(output *out, const char *text)
{
    return put(out, text, strlen(text));
}

static ve_status put_id(output *out, uint64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    return put_text(out, text);
}

/* [1,0.5,...]; nine digits bring every float back to the bit. */
static ve_status put_list(output *out, const float *vector, uint32_t dim)
{
    for (uint32_t i = 0; i < dim; i++) {
        char text[32];
        snprintf(text, sizeof text, "%c%.9g", i == 0 ? '[' : ',', (double)vector[i]);
        VE_TRY(put_text(out, text));
    }
    return put_text(out, "]");
}

/* Labels hold no control characters: only these need care, in JSON and in COPY text. */
static ve_status put_escaped(output *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            VE_TRY(put(out, "\\", 1));
        VE_TRY(put(out, text, 1));
    }
    return VE_OK;
}

static ve_status put_base64(output *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < size ? bytes[i + 2] : 0);
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        i + 1 < size ? digits[group >> 6 & 63] : '=', i + 2 < size ? digits[group & 63] : '='};
        VE_TRY(put(out, text, sizeof text));
    }
    return VE_OK;
}

static ve_status put_hex(output *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char text[3];
        snprintf(text, sizeof text, "%02x", bytes[i]);
        VE_TRY(put(out, text, 2));
    }
    return VE_OK;
}

static ve_status put_json(exporter *e)
{
    output *out = &e->out;
    VE_TRY(put_text(out, "{\"id\":"));
    VE_TRY(put_id(out, e->record.id));
    VE_TRY(put_text(out, ",\"label\":\""));
    VE_TRY(put_escaped(out, e->record.label, "\"\\"));
    VE_TRY(put_text(out, "\",\"metadata\":\""));
    VE_TRY(put_base64(out, e->metadata, e->record.metadata_size));
    VE_TRY(put_text(out, "\",\"vector\":"));
    VE_TRY(put_list(out, e->vector, e->dim));
    return put_text(out, "}\n");
}

static ve_status put_copy(exporter *e)
{
    output *out = &e->out;
    VE_TRY(put_id(out, e->record.id));
    VE_TRY(put_text(out, "\t"));
    VE_TRY(put_escaped(out, e->record.label, "\\"));
    VE_TRY(put_text(out, "\t\\\\x"));
    VE_TRY(put_hex(out, e->metadata, e->record.metadata_size));
    VE_TRY(put_text(out, "\t"));
    VE_TRY(put_list(out, e->vector, e->dim));
    return put_text(out, "\n");
}

static ve_status put_label_line(exporter *e)
{
    VE_TRY(put_id(&e->labels, e->record.id));
    VE_TRY(put_text(&e->labels, "\t"));
    VE_TRY(put_text(&e->labels, e->record.label));
    return put_text(&e->labels, "\n");
}

static ve_status put_record(exporter *e, ve_store_format format)
{
    uint8_t dim[4];
    if (format == VE_STORE_JSONL)
        return put_json(e);
    if (format == VE_STORE_PGCOPY)
        return put_copy(e);
    ve__store_u32(dim, e->dim);
    if (format == VE_STORE_FVECS)
        VE_TRY(put(&e->out, dim, sizeof dim));
    VE_TRY(put(&e->out, e->vector, e->dim * sizeof *e->vector));
    return put_label_line(e);
}

/* NumPy's format 1.0. The number of rows is known at the end; the header's size does not depend on it. */
static void fill_npy_header(char header[NPY_HEADER], uint64_t count, uint32_t dim)
{
    memset(header, ' ', NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    ve__store_u16(header + 8, NPY_HEADER - 10);
    int length = snprintf(header + 10, NPY_HEADER - 10,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %u), }",
                          (unsigned long long)count, dim);
    header[10 + length] = ' ';
    header[NPY_HEADER - 1] = '\n';
}

static ve_status put_all(exporter *e, ve_store_format format)
{
    char header[NPY_HEADER];
    if (format == VE_STORE_NPY) {
        fill_npy_header(header, 0, e->dim);
        VE_TRY(put(&e->out, header, sizeof header));
    }
    for (ve_status status;;) {
        size_t size;
        status = ve_store_next(e->store, e->record.id, &e->record, e->vector);
        if (status == VE_ERR_NOT_FOUND)
            break;
        VE_TRY(status);
        status = ve_store_get_metadata(e->store, e->record.id, e->metadata, VE_STORE_MAX_METADATA, &size);
        if (status == VE_ERR_NOT_FOUND)
            continue; /* removed in this moment */
        VE_TRY(status);
        e->record.metadata_size = (uint32_t)size;
        VE_TRY(put_record(e, format));
        e->count++;
    }
    VE_TRY(flush(&e->out));
    fill_npy_header(header, e->count, e->dim);
    return format == VE_STORE_NPY ? ve__io_write(&plain_io, &e->out.file, 0, header, sizeof header) : VE_OK;
}

static ve_status open_output(output *out, const char *path)
{
    out->buffer = ve__allocate(BUFFER_BYTES);
    if (!out->buffer)
        return ve__fail(VE_ERR_MEMORY, "no memory to write %s", path);
    return ve__io_open(&plain_io, path, O_WRONLY | O_CREAT | O_EXCL, &out->file);
}

static ve_status finish_output(output *out)
{
    VE_TRY(flush(out));
    return ve__io_sync(&plain_io, &out->file);
}

static void close_output(output *out, const char *path, ve_status status)
{
    if (out->file.descriptor >= 0 && status != VE_OK)
        ve__io_unlink(&plain_io, path);
    ve__io_close(&out->file);
    ve__wipe(out->buffer, out->buffer ? BUFFER_BYTES : 0);
    ve__release(out->buffer);
}

static ve_status prepare(exporter *e, const char *path, ve_store_format format)
{
    size_t length = strlen(path);
    ve_store_info info = VE_STORE_INFO_INIT;
    VE_TRY(ve_store_get_info(e->store, &info));
    e->dim = info.dim;
    e->vector = ve__allocate(e->dim * sizeof *e->vector);
    e->metadata = ve__allocate(VE_STORE_MAX_METADATA);
    e->labels_path = ve__allocate(length + 8);
    if (!e->vector || !e->metadata || !e->labels_path)
        return ve__fail(VE_ERR_MEMORY, "no memory to write %s", path);
    memcpy(e->labels_path, path, length);
    memcpy(e->labels_path + length, ".labels", 8);
    VE_TRY(open_output(&e->out, path));
    return format == VE_STORE_NPY || format == VE_STORE_FVECS ? open_output(&e->labels, e->labels_path) : VE_OK;
}

static ve_status export(exporter *e, const char *path, ve_store_format format)
{
    /* Numbers have a point in every language's settings, for this thread and this while. */
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return ve__fail(VE_ERR_MEMORY, "no memory for a locale");
    locale_t old = uselocale(plain);
    ve_status status = prepare(e, path, format);
    if (status == VE_OK)
        status = put_all(e, format);
    if (status == VE_OK)
        status = finish_output(&e->out);
    if (status == VE_OK && e->labels.file.descriptor >= 0)
        status = finish_output(&e->labels);
    uselocale(old);
    freelocale(plain);
    return status;
}

ve_status ve_store_export(ve_store *store, const char *path, ve_store_format format)
{
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(path != NULL);
    if (format < VE_STORE_NPY || format > VE_STORE_PGCOPY)
        return ve__fail(VE_ERR_ARGUMENT, "format %d is none of ve_store_format", (int)format);
    exporter e = {.store = store, .out = {.file = {-1, NULL}}, .labels = {.file = {-1, NULL}}};
    ve_status status = export(&e, path, format);
    close_output(&e.out, path, status);
    close_output(&e.labels, e.labels_path, status);
    ve__wipe(e.vector, e.vector ? e.dim * sizeof *e.vector : 0);
    ve__wipe(e.metadata, e.metadata ? VE_STORE_MAX_METADATA : 0);
    ve__release(e.vector);
    ve__release(e.metadata);
    ve__release(e.labels_path);
    return status;
}
