/* SPDX-License-Identifier: MIT */
/* The safetensors reader. The rules are those of the format's specification; every one that a file breaks is
 * named in the message, with the tensor. */
#include "safetensors.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8u

static const safetensors_dtype dtypes[] = {
    {"F32", 32, SAFETENSORS_F32},      {"F16", 16, SAFETENSORS_F16},      {"BF16", 16, SAFETENSORS_BF16},
    {"F64", 64, SAFETENSORS_OTHER},    {"I64", 64, SAFETENSORS_OTHER},    {"U64", 64, SAFETENSORS_OTHER},
    {"I32", 32, SAFETENSORS_OTHER},    {"U32", 32, SAFETENSORS_OTHER},    {"I16", 16, SAFETENSORS_OTHER},
    {"U16", 16, SAFETENSORS_OTHER},    {"I8", 8, SAFETENSORS_OTHER},      {"U8", 8, SAFETENSORS_OTHER},
    {"BOOL", 8, SAFETENSORS_OTHER},    {"F8_E4M3", 8, SAFETENSORS_OTHER}, {"F8_E5M2", 8, SAFETENSORS_OTHER},
    {"F8_E8M0", 8, SAFETENSORS_OTHER}, {"C64", 64, SAFETENSORS_OTHER},    {"F4", 4, SAFETENSORS_OTHER},
    {"F6_E2M3", 6, SAFETENSORS_OTHER}, {"F6_E3M2", 6, SAFETENSORS_OTHER},
};

static const safetensors_dtype *find_dtype(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

static ve_status read_count(const char *name, const char *what, const json_t *value, uint64_t *count)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: %s is not a whole number >= 0", name, what);
    *count = (uint64_t)json_integer_value(value);
    return VE_OK;
}

static ve_status read_dtype(const json_t *value, safetensors_tensor *t)
{
    if (!json_is_string(value))
        return ve__fail(VE_ERR_FORMAT, "tensor %s: dtype is missing or not a string", t->name);
    t->dtype = find_dtype(json_string_value(value));
    if (!t->dtype)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: unknown dtype %.32s", t->name,
                        json_string_value(value));
    return VE_OK;
}

static ve_status read_shape(const json_t *value, safetensors_tensor *t)
{
    if (!json_is_array(value))
        return ve__fail(VE_ERR_FORMAT, "tensor %s: shape is missing or not an array", t->name);
    if (json_array_size(value) > SAFETENSORS_MAX_RANK)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: more than %u dimensions", t->name,
                        SAFETENSORS_MAX_RANK);
    t->rank = (unsigned)json_array_size(value);
    t->count = 1;
    for (unsigned i = 0; i < t->rank; i++) {
        VE_TRY(read_count(t->name, "a dimension", json_array_get(value, i), &t->shape[i]));
        if (t->shape[i] > SIZE_MAX || !ve__multiply(t->count, (size_t)t->shape[i], &t->count))
            return ve__fail(VE_ERR_FORMAT, "tensor %s: its shape overflows", t->name);
    }
    return VE_OK;
}

static ve_status read_offsets(const json_t *value, size_t buffer_bytes, const unsigned char *buffer,
                              safetensors_tensor *t)
{
    uint64_t begin = 0, end = 0;
    size_t bits;
    if (!json_is_array(value) || json_array_size(value) != 2)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: data_offsets is missing or not a pair", t->name);
    VE_TRY(read_count(t->name, "an offset", json_array_get(value, 0), &begin));
    VE_TRY(read_count(t->name, "an offset", json_array_get(value, 1), &end));
    if (begin > end || end > buffer_bytes)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: data_offsets [%llu, %llu] leave the file's %llu data bytes",
                        t->name, (unsigned long long)begin, (unsigned long long)end,
                        (unsigned long long)buffer_bytes);
    t->data = buffer + begin;
    t->size_bytes = (size_t)(end - begin);
    if (!ve__multiply(t->count, t->dtype->bits, &bits) || bits % 8 != 0 || bits / 8 != t->size_bytes)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: %llu bytes do not hold %llu elements of %s", t->name,
                        (unsigned long long)t->size_bytes, (unsigned long long)t->count, t->dtype->name);
    return VE_OK;
}

static ve_status check_keys(const json_t *object, const char *name)
{
    void *at = json_object_iter((json_t *)object);
    for (; at; at = json_object_iter_next((json_t *)object, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, "dtype") != 0 && strcmp(key, "shape") != 0 && strcmp(key, "data_offsets") != 0)
            return ve__fail(VE_ERR_FORMAT, "tensor %s: unknown key %.64s", name, key);
    }
    return VE_OK;
}

static ve_status read_tensor(const char *name, const json_t *object, const unsigned char *buffer,
                             size_t buffer_bytes, safetensors_tensor *t)
{
    size_t name_bytes = strlen(name);
    if (name_bytes == 0 || name_bytes > SAFETENSORS_MAX_NAME)
        return ve__fail(VE_ERR_FORMAT, "a tensor's name has %llu bytes", (unsigned long long)name_bytes);
    t->name = malloc(name_bytes + 1);
    if (!t->name)
        return ve__fail(VE_ERR_MEMORY, "no memory for a tensor's name");
    memcpy(t->name, name, name_bytes + 1);
    if (!json_is_object(object))
        return ve__fail(VE_ERR_FORMAT, "tensor %s: not an object", name);
    VE_TRY(check_keys(object, name));
    VE_TRY(read_dtype(json_object_get(object, "dtype"), t));
    VE_TRY(read_shape(json_object_get(object, "shape"), t));
    return read_offsets(json_object_get(object, "data_offsets"), buffer_bytes, buffer, t);
}

static ve_status check_metadata(const json_t *object)
{
    if (!json_is_object(object))
        return ve__fail(VE_ERR_FORMAT, "__metadata__ is not an object");
    for (void *at = json_object_iter((json_t *)object); at; at = json_object_iter_next((json_t *)object, at))
        if (!json_is_string(json_object_iter_value(at)))
            return ve__fail(VE_ERR_FORMAT, "__metadata__ %.64s is not a string", json_object_iter_key(at));
    return VE_OK;
}

static int by_place(const void *a, const void *b)
{
    const safetensors_tensor *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size_bytes > y->size_bytes) - (x->size_bytes < y->size_bytes);
}

/* Every byte of the buffer belongs to just one tensor. */
static ve_status check_tiling(const safetensors *st, const unsigned char *buffer, size_t buffer_bytes)
{
    const unsigned char *next = buffer;
    for (size_t i = 0; i < st->tensor_count; i++) {
        const safetensors_tensor *t = &st->tensors[i];
        if (t->data != next)
            return ve__fail(VE_ERR_FORMAT, "tensor %s: its data %s", t->name,
                            t->data < next ? "overlaps another tensor's" : "leaves a hole before it");
        next += t->size_bytes;
    }
    if (next != buffer + buffer_bytes)
        return ve__fail(VE_ERR_FORMAT, "%llu bytes behind the last tensor belong to none",
                        (unsigned long long)(buffer + buffer_bytes - next));
    return VE_OK;
}

static ve_status read_tensors(const json_t *root, const unsigned char *buffer, size_t buffer_bytes,
                              safetensors *st)
{
    json_t *object = (json_t *)root;
    size_t count = json_object_size(root);
    st->tensors = calloc(count ? count : 1, sizeof *st->tensors);
    if (!st->tensors)
        return ve__fail(VE_ERR_MEMORY, "no memory for %llu tensors", (unsigned long long)count);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, "__metadata__") == 0)
            VE_TRY(check_metadata(json_object_iter_value(at)));
        else
            VE_TRY(read_tensor(key, json_object_iter_value(at), buffer, buffer_bytes,
                               &st->tensors[st->tensor_count++]));
    }
    qsort(st->tensors, st->tensor_count, sizeof *st->tensors, by_place);
    return check_tiling(st, buffer, buffer_bytes);
}

static ve_status parse_header(const char *header, size_t header_bytes, json_t **root)
{
    json_error_t error;
    size_t end = header_bytes;
    while (end > 0 && header[end - 1] == ' ')
        end--;
    if (end < 2 || header[0] != '{' || header[end - 1] != '}')
        return ve__fail(VE_ERR_FORMAT, "the header is not a JSON object (padded with spaces at most)");
    *root = json_loadb(header, end, JSON_REJECT_DUPLICATES, &error);
    if (!*root)
        return ve__fail(VE_ERR_FORMAT, "the header is not good JSON: %s (byte %d)", error.text, error.position);
    return VE_OK;
}

static ve_status parse(safetensors *st, size_t max_header_bytes)
{
    json_t *root = NULL;
    if (st->file.size < LENGTH_BYTES)
        return ve__fail(VE_ERR_FORMAT, "not a safetensors file: %llu bytes", (unsigned long long)st->file.size);
    uint64_t header_bytes = ve__load_u64(st->file.bytes);
    if (header_bytes > SAFETENSORS_FORMAT_MAX_HEADER)
        return ve__fail(VE_ERR_FORMAT, "not a safetensors file: a header of %llu bytes",
                        (unsigned long long)header_bytes);
    if (header_bytes > max_header_bytes)
        return ve__fail(VE_ERR_TOO_LARGE, "a header of %llu bytes, allowed are %llu",
                        (unsigned long long)header_bytes, (unsigned long long)max_header_bytes);
    if (header_bytes > st->file.size - LENGTH_BYTES)
        return ve__fail(VE_ERR_FORMAT, "a header of %llu bytes in a file of %llu (cut short?)",
                        (unsigned long long)header_bytes, (unsigned long long)st->file.size);
    const unsigned char *header = st->file.bytes + LENGTH_BYTES;
    VE_TRY(parse_header((const char *)header, (size_t)header_bytes, &root));
    ve_status status =
        read_tensors(root, header + header_bytes, st->file.size - LENGTH_BYTES - (size_t)header_bytes, st);
    json_decref(root);
    return status;
}

ve_status safetensors_open(const char *path, size_t max_header_bytes, safetensors *st)
{
    VE_TRY(ve__map_file(path, &st->file));
    st->is_mapped = 1;
    ve_status status = parse(st, max_header_bytes);
    return status == VE_OK ? VE_OK : ve__fail_within(status, "%s", path);
}

ve_status safetensors_open_memory(const void *bytes, size_t size, size_t max_header_bytes, safetensors *st)
{
    st->file.bytes = bytes;
    st->file.size = size;
    return parse(st, max_header_bytes);
}

void safetensors_close(safetensors *st)
{
    for (size_t i = 0; i < st->tensor_count; i++)
        free(st->tensors[i].name);
    free(st->tensors);
    if (st->is_mapped)
        ve__unmap(&st->file);
    memset(st, 0, sizeof *st);
}

void safetensors_forget(const safetensors *st, const safetensors_tensor *tensor)
{
    if (st->is_mapped && tensor->size_bytes > 0)
        ve__map_forget(&st->file, (size_t)(tensor->data - st->file.bytes), tensor->size_bytes);
}
