/* SPDX-License-Identifier: MIT */
/* ve_store_import: vectors from .npy, .fvecs and JSON lines. The whole file is read and checked before the
 * first vector is added; all are added in one commit. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/store.h"

/* What has been read. Entries point into the blocks, as offsets until all blocks have stopped growing. */
typedef struct importer {
    const char *path;
    uint32_t dim;
    const char *at, *end; /* JSON: what is still to be parsed */
    size_t line;
    float *vectors;
    size_t count, capacity; /* vectors */
    size_t *label_at, *metadata_at, *metadata_size;
    char *bytes; /* labels, each with its 0, and metadata */
    size_t used, room;
} importer;

static ve_status no_memory(const importer *in)
{
    return ve__fail(VE_ERR_MEMORY, "no memory to read %s", in->path);
}

static void *grow(void *block, size_t count, size_t size)
{
    size_t bytes;
    return ve__multiply(count, size, &bytes) ? ve__resize(block, bytes) : NULL;
}

static ve_status reserve_vector(importer *in)
{
    if (in->count < in->capacity)
        return VE_OK;
    size_t wanted = in->capacity ? in->capacity * 2 : 64;
    void *grown;
    if (!(grown = grow(in->vectors, wanted, in->dim * sizeof *in->vectors)))
        return no_memory(in);
    in->vectors = grown;
    size_t **lists[] = {&in->label_at, &in->metadata_at, &in->metadata_size};
    for (size_t i = 0; i < 3; i++) {
        if (!(grown = grow(*lists[i], wanted, sizeof **lists[i])))
            return no_memory(in);
        *lists[i] = grown;
    }
    in->capacity = wanted;
    return VE_OK;
}

/* Room for `size` bytes behind the used ones, for labels and metadata. */
static ve_status reserve_bytes(importer *in, size_t size)
{
    if (in->room - in->used >= size)
        return VE_OK;
    size_t wanted = in->room * 2 > in->used + size ? in->room * 2 : in->used + size + 4096;
    char *grown = ve__resize(in->bytes, wanted);
    if (!grown)
        return no_memory(in);
    in->bytes = grown;
    in->room = wanted;
    return VE_OK;
}

/* Takes a vector in, with an empty label and no metadata. */
static ve_status take_vector(importer *in, const void *floats)
{
    VE_TRY(reserve_vector(in));
    memcpy(in->vectors + in->count * in->dim, floats, in->dim * sizeof *in->vectors);
    in->label_at[in->count] = 0; /* bytes[0] is an empty label */
    in->metadata_at[in->count] = in->metadata_size[in->count] = 0;
    in->count++;
    return VE_OK;
}

/* ---- NumPy, fvecs */

static ve_status read_fvecs(importer *in, const ve__mapped *file)
{
    size_t row = 4 + (size_t)in->dim * sizeof(float);
    for (size_t at = 0; at < file->size; at += row) {
        if (file->size - at < row || ve__load_u32(file->bytes + at) != in->dim)
            return ve__fail(VE_ERR_FORMAT, "%s: at offset %zu: no vector of %u dimensions", in->path, at,
                            in->dim);
        VE_TRY(take_vector(in, file->bytes + at + 4));
    }
    return VE_OK;
}

/* "'key': value" in the header's dictionary; the value's start, NULL: not there. */
static const char *find_key(const char *header, const char *key)
{
    const char *found = strstr(header, key);
    found = found ? found + strlen(key) : NULL;
    while (found && (*found == ' ' || *found == ':'))
        found++;
    return found;
}

static ve_status parse_npy_header(const importer *in, const char *header, unsigned long long *rows)
{
    const char *type = find_key(header, "'descr'"), *order = find_key(header, "'fortran_order'");
    const char *shape = find_key(header, "'shape'");
    unsigned long long columns = 0;
    if (!type || !order || !shape || strncmp(type, "'<f4'", 5) != 0 || strncmp(order, "False", 5) != 0)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: not an array of <f4 in C order", in->path);
    if (sscanf(shape, "(%20llu, %20llu", rows, &columns) != 2)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: not an array of two dimensions", in->path);
    if (columns != in->dim)
        return ve__fail(VE_ERR_MISMATCH, "%s: vectors of %llu dimensions, the store's have %u", in->path,
                        columns, in->dim);
    return VE_OK;
}

static ve_status read_npy(importer *in, const ve__mapped *file)
{
    char header[1024] = {0};
    unsigned long long rows = 0;
    if (file->size < 12 || memcmp(file->bytes, "\x93NUMPY", 6) != 0)
        return ve__fail(VE_ERR_FORMAT, "%s: not a NumPy file", in->path);
    size_t start = file->bytes[6] == 1 ? 10 : 12;
    size_t length = start == 10 ? ve__load_u16(file->bytes + 8) : ve__load_u32(file->bytes + 8);
    if (length >= sizeof header || length > file->size - start)
        return ve__fail(VE_ERR_FORMAT, "%s: its header is cut or too long", in->path);
    memcpy(header, file->bytes + start, length);
    VE_TRY(parse_npy_header(in, header, &rows));
    size_t row = (size_t)in->dim * sizeof(float), left = file->size - start - length;
    if (left % row != 0 || left / row != rows)
        return ve__fail(VE_ERR_FORMAT, "%s: %llu rows are announced, %zu bytes are there", in->path, rows,
                        left);
    for (size_t i = 0; i < rows; i++)
        VE_TRY(take_vector(in, file->bytes + start + length + i * row));
    return VE_OK;
}

/* "id<TAB>label" lines, one per vector, in the same order. */
static ve_status parse_labels(importer *in, const ve__mapped *file, const char *path)
{
    const char *at = (const char *)file->bytes, *end = at + file->size;
    for (size_t i = 0; i < in->count; i++) {
        const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        const char *tab = newline ? memchr(at, '\t', (size_t)(newline - at)) : NULL;
        if (!tab)
            return ve__fail(VE_ERR_FORMAT, "%s: line %zu is not \"id<TAB>label\"", path, i + 1);
        size_t length = (size_t)(newline - tab - 1);
        VE_TRY(reserve_bytes(in, length + 1));
        in->label_at[i] = in->used;
        memcpy(in->bytes + in->used, tab + 1, length);
        in->bytes[in->used + length] = 0;
        in->used += length + 1;
        at = newline + 1;
    }
    return at == end ? VE_OK : ve__fail(VE_ERR_FORMAT, "%s: more lines than vectors (%zu)", path, in->count);
}

static ve_status read_labels(importer *in)
{
    ve__mapped file = {NULL, 0};
    size_t length = strlen(in->path);
    char *path = ve__allocate(length + 8);
    if (!path)
        return no_memory(in);
    memcpy(path, in->path, length);
    memcpy(path + length, ".labels", 8);
    ve_status status = ve__map_file(path, &file);
    if (status == VE_OK)
        status = parse_labels(in, &file, path);
    else if (status == VE_ERR_NOT_FOUND)
        status = VE_OK;
    ve__unmap(&file);
    ve__release(path);
    return status;
}

/* ---- JSON lines */

static ve_status bad_json(const importer *in, const char *what)
{
    return ve__fail(VE_ERR_FORMAT, "%s: line %zu: %s", in->path, in->line, what);
}

static void skip_space(importer *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

/* Is the next character this one? Then goes past it. */
static int accept(importer *in, char wanted)
{
    skip_space(in);
    if (in->at >= in->end || *in->at != wanted)
        return 0;
    in->at++;
    return 1;
}

static int hex_digit(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

/* Four hex digits; -1: there are none. */
static long parse_code(importer *in)
{
    long code = 0;
    for (int i = 0; i < 4; i++, in->at++) {
        int digit = in->at < in->end ? hex_digit(*in->at) : -1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static size_t put_utf8(char *out, unsigned long code)
{
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out[0] = (char)(leads[more] | code >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* Behind a backslash. Writes at most four bytes. */
static ve_status parse_escape(importer *in, char *out, size_t *size)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *name = in->at < in->end && *in->at ? strchr(names, *in->at) : NULL;
    if (name) {
        *out = values[name - names];
        *size = 1;
        in->at++;
        return VE_OK;
    }
    if (in->at >= in->end || *in->at++ != 'u')
        return bad_json(in, "an unknown escape in a string");
    long code = parse_code(in);
    if (code >= 0xd800 && code < 0xdc00 && in->end - in->at > 2 && in->at[0] == '\\' && in->at[1] == 'u') {
        in->at += 2;
        long low = parse_code(in);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (code <= 0 || (code >= 0xd800 && code < 0xe000))
        return bad_json(in, "a bad \\u escape in a string");
    *size = put_utf8(out, (unsigned long)code);
    return VE_OK;
}

/* A string, into in->bytes with a 0 behind it; *length without that. */
static ve_status parse_string(importer *in, size_t *where, size_t *length)
{
    if (!accept(in, '"'))
        return bad_json(in, "a string was expected");
    VE_TRY(reserve_bytes(in, (size_t)(in->end - in->at) + 5)); /* what it stands for is never longer */
    *where = in->used;
    while (in->at < in->end && *in->at != '"') {
        size_t size = 1;
        if (*in->at == 0)
            return bad_json(in, "a zero byte in a string");
        if (*in->at == '\\') {
            in->at++;
            VE_TRY(parse_escape(in, in->bytes + in->used, &size));
        } else {
            in->bytes[in->used] = *in->at++;
        }
        in->used += size;
    }
    if (!accept(in, '"'))
        return bad_json(in, "a string has no end");
    *length = in->used - *where;
    in->bytes[in->used++] = 0;
    return VE_OK;
}

static int base64_digit(char digit)
{
    return digit >= 'A' && digit <= 'Z'   ? digit - 'A'
           : digit >= 'a' && digit <= 'z' ? digit - 'a' + 26
           : digit >= '0' && digit <= '9' ? digit - '0' + 52
           : digit == '+'                 ? 62
           : digit == '/'                 ? 63
                                          : -1;
}

/* Decodes in place; -1: not base64. */
static long decode_base64(char *text, size_t length)
{
    size_t out = 0;
    if (length % 4 != 0)
        return -1;
    for (size_t i = 0; i < length; i += 4) {
        int is_end = i + 4 == length, padding = is_end ? (text[i + 3] == '=') + (text[i + 2] == '=') : 0;
        uint32_t group = 0;
        for (size_t j = 0; j < 4; j++) {
            int digit = (int)j >= 4 - padding ? 0 : base64_digit(text[i + j]);
            if (digit < 0)
                return -1;
            group = group << 6 | (uint32_t)digit;
        }
        for (int j = 0; j < 3 - padding; j++)
            text[out++] = (char)(group >> (16 - 8 * j) & 0xff);
    }
    return (long)out;
}

static ve_status parse_number(importer *in, float *value)
{
    char text[64], *stop;
    size_t length = 0;
    skip_space(in);
    while (in->at + length < in->end && length < sizeof text - 1 && strchr("+-.eE0123456789", in->at[length]) &&
           in->at[length])
        length++;
    memcpy(text, in->at, length);
    text[length] = 0;
    errno = 0;
    *value = strtof(text, &stop);
    if (length == 0 || *stop != 0)
        return bad_json(in, "a number was expected");
    in->at += length;
    return VE_OK;
}

static ve_status parse_vector(importer *in, size_t *count)
{
    float *vector = in->vectors + in->count * in->dim;
    *count = 0;
    if (!accept(in, '['))
        return bad_json(in, "\"vector\" is no list");
    if (accept(in, ']'))
        return VE_OK;
    do {
        float value;
        VE_TRY(parse_number(in, &value));
        if (*count < in->dim)
            vector[*count] = value;
        ++*count;
    } while (accept(in, ','));
    return accept(in, ']') ? VE_OK : bad_json(in, "a list has no end");
}

static ve_status parse_member(importer *in, size_t *numbers)
{
    size_t where, length;
    char name[16];
    float number;
    VE_TRY(parse_string(in, &where, &length));
    snprintf(name, sizeof name, "%s", in->bytes + where);
    in->used = where;
    if (!accept(in, ':'))
        return bad_json(in, "a colon is missing");
    if (strcmp(name, "vector") == 0)
        return parse_vector(in, numbers);
    if (strcmp(name, "id") == 0)
        return parse_number(in, &number); /* new ids are given */
    if (strcmp(name, "label") == 0)
        return parse_string(in, &in->label_at[in->count], &length);
    if (strcmp(name, "metadata") != 0)
        return bad_json(in, "only id, label, metadata and vector are known");
    VE_TRY(parse_string(in, &where, &length));
    long size = decode_base64(in->bytes + where, length);
    if (size < 0)
        return bad_json(in, "\"metadata\" is no base64");
    in->metadata_at[in->count] = where;
    in->metadata_size[in->count] = (size_t)size;
    return VE_OK;
}

static ve_status parse_object(importer *in)
{
    size_t numbers = 0;
    VE_TRY(reserve_vector(in));
    in->label_at[in->count] = in->metadata_at[in->count] = in->metadata_size[in->count] = 0;
    if (!accept(in, '{'))
        return bad_json(in, "no JSON object");
    do
        VE_TRY(parse_member(in, &numbers));
    while (accept(in, ','));
    if (!accept(in, '}'))
        return bad_json(in, "an object has no end");
    skip_space(in);
    if (in->at != in->end)
        return bad_json(in, "something follows the object");
    if (numbers != in->dim)
        return ve__fail(VE_ERR_MISMATCH, "%s: line %zu: a vector of %zu dimensions, the store's have %u",
                        in->path, in->line, numbers, in->dim);
    in->count++;
    return VE_OK;
}

static ve_status read_jsonl(importer *in, const ve__mapped *file)
{
    const char *at = (const char *)file->bytes, *end = at + file->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        in->at = at;
        in->end = newline ? newline : end;
        in->line++;
        at = newline ? newline + 1 : end;
        skip_space(in);
        if (in->at < in->end)
            VE_TRY(parse_object(in));
    }
    return VE_OK;
}

/* ---- the whole */

static ve_status read_file(importer *in, ve_store_format format)
{
    ve__mapped file = {NULL, 0};
    VE_TRY(ve__map_file(in->path, &file));
    ve_status status = reserve_bytes(in, 1);
    if (status == VE_OK)
        in->bytes[in->used++] = 0; /* the empty label */
    if (status == VE_OK)
        status = format == VE_STORE_NPY     ? read_npy(in, &file)
                 : format == VE_STORE_FVECS ? read_fvecs(in, &file)
                                            : read_jsonl(in, &file);
    ve__unmap(&file);
    if (status == VE_OK && format != VE_STORE_JSONL)
        status = read_labels(in);
    return status;
}

static ve_status add_all(const importer *in, ve_store *store)
{
    ve_store_entry *entries = grow(NULL, in->count ? in->count : 1, sizeof *entries);
    if (!entries)
        return no_memory(in);
    for (size_t i = 0; i < in->count; i++)
        entries[i] = (ve_store_entry){.vector = in->vectors + i * in->dim,
                                      .dim = in->dim,
                                      .label = in->bytes + in->label_at[i],
                                      .metadata = in->bytes + in->metadata_at[i],
                                      .metadata_size = in->metadata_size[i]};
    ve_status status = ve_store_add_many(store, entries, in->count, NULL);
    ve__release(entries);
    return status;
}

static void free_importer(importer *in)
{
    if (in->vectors)
        ve__wipe(in->vectors, in->capacity * in->dim * sizeof *in->vectors);
    if (in->bytes)
        ve__wipe(in->bytes, in->room);
    ve__release(in->vectors);
    ve__release(in->bytes);
    ve__release(in->label_at);
    ve__release(in->metadata_at);
    ve__release(in->metadata_size);
}

ve_status ve_store_import(ve_store *store, const char *path, ve_store_format format, uint64_t *added)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    VE_CHECK_ARG(store != NULL);
    VE_CHECK_ARG(path != NULL);
    VE_TRY(ve_store_get_info(store, &info));
    if (format < VE_STORE_NPY || format > VE_STORE_JSONL)
        return ve__fail(VE_ERR_UNSUPPORTED, "format %d cannot be imported", (int)format);
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return ve__fail(VE_ERR_MEMORY, "no memory for a locale");
    locale_t old = uselocale(plain);
    importer in = {.path = path, .dim = info.dim};
    ve_status status = read_file(&in, format);
    if (status == VE_OK)
        status = add_all(&in, store);
    if (status == VE_OK && added)
        *added = in.count;
    free_importer(&in);
    uselocale(old);
    freelocale(plain);
    return status;
}
