/* SPDX-License-Identifier: MIT */
/* Opens a .vew file (its bytes: vew.h) and reads its tensors. A weights object is read-only once it is open. */
#include "weights/weights.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "weights/vew.h"

#include <string.h>

struct ve__weights {
    ve__mapped file; /* mapped, or borrowed from the caller */
    int is_mapped;
    ve__description about;
    ve__tensor *tensors;
    ve__tensor_spec *specs; /* hold the names */
    uint32_t tensor_count;
};

static ve_status check_magic(const ve__mapped *file)
{
    static const unsigned char magic[] = VE__VEW_MAGIC;
    if (file->size < VE__VEW_HEADER_BYTES || memcmp(file->bytes, magic, 4) != 0)
        return ve__fail(VE_ERR_FORMAT, "not a .vew weight file");
    if (memcmp(file->bytes, magic, VE__VEW_MAGIC_BYTES) != 0)
        return ve__fail(VE_ERR_CORRUPT, "a .vew file whose line ends were changed (copied as text?)");
    uint32_t version = ve__load_u32(file->bytes + VE__VEW_AT_VERSION);
    if (version != VE__VEW_VERSION)
        return ve__fail(VE_ERR_VERSION, "format version %lu, this library reads %u", (unsigned long)version,
                        VE__VEW_VERSION);
    return VE_OK;
}

static uint32_t header_crc(const unsigned char *bytes, size_t header_bytes)
{
    static const unsigned char zero[4] = {0};
    uint32_t crc = ve__crc32c(0, bytes, VE__VEW_AT_HEADER_CRC);
    crc = ve__crc32c(crc, zero, sizeof zero);
    return ve__crc32c(crc, bytes + VE__VEW_AT_RESERVED, header_bytes - VE__VEW_AT_RESERVED);
}

static int is_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static ve_status check_header(const ve__mapped *file, size_t *header_bytes)
{
    const unsigned char *h = file->bytes;
    uint64_t file_bytes = ve__load_u64(h + VE__VEW_AT_FILE_BYTES);
    size_t bytes = ve__load_u32(h + VE__VEW_AT_HEADER_BYTES);
    VE_TRY(check_magic(file));
    if (file_bytes != file->size)
        return ve__fail(VE_ERR_CORRUPT, "the file has %llu bytes, its header says %llu (cut short?)",
                        (unsigned long long)file->size, (unsigned long long)file_bytes);
    if (bytes < VE__VEW_HEADER_BYTES || bytes > file->size || bytes > VE__VEW_MAX_HEADER_BYTES ||
        bytes % VE__VEW_ALIGN != 0)
        return ve__fail(VE_ERR_FORMAT, "a header of %lu bytes", (unsigned long)bytes);
    if (header_crc(h, bytes) != ve__load_u32(h + VE__VEW_AT_HEADER_CRC))
        return ve__fail(VE_ERR_CORRUPT, "the header's checksum does not match");
    if (!is_zero(h + VE__VEW_AT_RESERVED, VE__VEW_HEADER_BYTES - VE__VEW_AT_RESERVED))
        return ve__fail(VE_ERR_FORMAT, "reserved bytes of the header are not zero");
    *header_bytes = bytes;
    return VE_OK;
}

static ve_status check_type(const ve__tensor_spec *spec, unsigned type)
{
    if (type == VE__TYPE_I8 && spec->rank != 2 && spec->rank != 4)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: element type i8, which only matrices may have", spec->name);
    if (type != VE__TYPE_F32 && type != VE__TYPE_F16 && type != VE__TYPE_I8)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: unknown element type %u", spec->name, type);
    return VE_OK;
}

static ve_status check_shape(const unsigned char *entry, const ve__tensor_spec *spec)
{
    if (entry[21] != spec->rank)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: rank %u, expected %lu", spec->name, entry[21],
                        (unsigned long)spec->rank);
    for (uint32_t i = 0; i < VE__MAX_RANK; i++) {
        uint32_t extent = ve__load_u32(entry + 24 + 4 * i);
        if (extent != spec->shape[i])
            return ve__fail(VE_ERR_FORMAT, "tensor %s: dimension %lu is %lu, expected %lu", spec->name,
                            (unsigned long)i, (unsigned long)extent, (unsigned long)spec->shape[i]);
    }
    return VE_OK;
}

static ve_status check_name(const unsigned char *entry, size_t left, const ve__tensor_spec *spec, size_t *bytes)
{
    size_t expected = strlen(spec->name);
    size_t padded = ve__round_up(expected, 8);
    if (left < VE__VEW_TENSOR_BYTES + padded)
        return ve__fail(VE_ERR_FORMAT, "the tensor table runs past the header's end");
    const unsigned char *name = entry + VE__VEW_TENSOR_BYTES;
    if (ve__load_u16(entry + 22) != expected || memcmp(name, spec->name, expected) != 0)
        return ve__fail(VE_ERR_FORMAT, "the tensor table has another tensor where %s belongs", spec->name);
    if (!is_zero(name + expected, padded - expected))
        return ve__fail(VE_ERR_FORMAT, "tensor %s: the padding is not zero", spec->name);
    *bytes = VE__VEW_TENSOR_BYTES + padded;
    return VE_OK;
}

static ve_status count_elements(const ve__tensor_spec *spec, size_t *count)
{
    *count = 1;
    for (uint32_t i = 0; i < spec->rank; i++)
        if (!ve__multiply(*count, spec->shape[i], count))
            return ve__fail(VE_ERR_FORMAT, "tensor %s is too large", spec->name);
    return VE_OK;
}

/* What a tensor's data take in the file; false where that leaves a size_t. */
static int data_bytes(const ve__tensor *t, size_t *size)
{
    if (t->type != VE__TYPE_I8)
        return ve__multiply(t->count, t->type == VE__TYPE_F32 ? 4 : 2, size);
    size_t scales = t->shape[0] * sizeof(float);
    *size = scales + t->count;
    return *size >= scales;
}

/* The data's place follows from what came before it, so that there are neither holes nor overlaps. */
static ve_status check_place(const ve__mapped *file, const ve__tensor *t, uint64_t offset, uint64_t bytes,
                             size_t after)
{
    size_t expected = ve__round_up(after, VE__VEW_ALIGN), size;
    if (!data_bytes(t, &size) || bytes != size)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: %llu bytes for %llu elements", t->name,
                        (unsigned long long)bytes, (unsigned long long)t->count);
    if (offset != expected)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: data at %llu, expected at %llu", t->name,
                        (unsigned long long)offset, (unsigned long long)expected);
    if (expected > file->size || size > file->size - expected)
        return ve__fail(VE_ERR_FORMAT, "tensor %s: its data runs past the end of the file", t->name);
    if (!is_zero(file->bytes + after, expected - after))
        return ve__fail(VE_ERR_FORMAT, "tensor %s: the padding before its data is not zero", t->name);
    return VE_OK;
}

static ve_status read_entry(const ve__mapped *file, const unsigned char *entry, const ve__tensor_spec *spec,
                            size_t *after, ve__tensor *t)
{
    uint64_t offset = ve__load_u64(entry), bytes = ve__load_u64(entry + 8);
    VE_TRY(check_type(spec, entry[20]));
    VE_TRY(check_shape(entry, spec));
    t->name = spec->name;
    t->type = (ve__type)entry[20];
    t->rank = spec->rank;
    memcpy(t->shape, spec->shape, sizeof t->shape);
    t->crc = ve__load_u32(entry + 16);
    VE_TRY(count_elements(spec, &t->count));
    VE_TRY(check_place(file, t, offset, bytes, *after));
    t->offset = (size_t)offset;
    t->size_bytes = (size_t)bytes;
    *after = t->offset + t->size_bytes;
    return VE_OK;
}

/* The table must be exactly the architecture's list, in its order. */
static ve_status read_table(ve__weights *w, size_t at, size_t header_bytes)
{
    const unsigned char *h = w->file.bytes;
    size_t after = header_bytes, bytes = 0;
    for (uint32_t i = 0; i < w->tensor_count; i++) {
        if (!ve__arch_tensor(&w->about.arch, i, &w->specs[i]))
            return ve__fail(VE_ERR_FORMAT, "%lu tensors, the architecture has %lu",
                            (unsigned long)w->tensor_count, (unsigned long)i);
        VE_TRY(check_name(h + at, header_bytes - at, &w->specs[i], &bytes));
        VE_TRY(read_entry(&w->file, h + at, &w->specs[i], &after, &w->tensors[i]));
        at += bytes;
    }
    ve__tensor_spec next;
    if (ve__arch_tensor(&w->about.arch, w->tensor_count, &next))
        return ve__fail(VE_ERR_FORMAT, "tensor %s is missing", next.name);
    if (header_bytes - at >= VE__VEW_ALIGN || !is_zero(h + at, header_bytes - at))
        return ve__fail(VE_ERR_FORMAT, "something lies between the tensor table and the data");
    if (after != w->file.size)
        return ve__fail(VE_ERR_FORMAT, "something lies behind the last tensor");
    return VE_OK;
}

static ve_status allocate_table(ve__weights *w)
{
    w->tensor_count = ve__load_u32(w->file.bytes + VE__VEW_AT_TENSOR_COUNT);
    if (w->tensor_count == 0 || w->tensor_count > VE__VEW_MAX_TENSORS)
        return ve__fail(VE_ERR_FORMAT, "%lu tensors, allowed are 1 to %u", (unsigned long)w->tensor_count,
                        VE__VEW_MAX_TENSORS);
    w->tensors = ve__allocate_zeroed(w->tensor_count * sizeof *w->tensors);
    w->specs = ve__allocate_zeroed(w->tensor_count * sizeof *w->specs);
    if (!w->tensors || !w->specs)
        return ve__fail(VE_ERR_MEMORY, "no memory for a table of %lu tensors", (unsigned long)w->tensor_count);
    return VE_OK;
}

static ve_status parse(ve__weights *w)
{
    size_t header_bytes = 0, at = VE__VEW_HEADER_BYTES;
    if (w->file.size < VE__VEW_HEADER_BYTES)
        return ve__fail(VE_ERR_FORMAT, "not a .vew weight file (%llu bytes)", (unsigned long long)w->file.size);
    VE_TRY(check_header(&w->file, &header_bytes));
    VE_TRY(ve__vew_read_fields(w->file.bytes, header_bytes,
                               ve__load_u32(w->file.bytes + VE__VEW_AT_FIELD_COUNT), &at, &w->about));
    VE_TRY(ve__vew_check(&w->about));
    VE_TRY(allocate_table(w));
    return read_table(w, at, header_bytes);
}

static ve_status open_bytes(const ve__mapped *file, int is_mapped, const char *what, ve__weights **weights)
{
    ve__weights *w = ve__allocate_zeroed(sizeof *w);
    ve_status status = VE_OK;
    ve__mapped mapped = *file;
    if (!w) {
        if (is_mapped)
            ve__unmap(&mapped);
        return ve__fail(VE_ERR_MEMORY, "no memory for a weight file");
    }
    w->file = *file;
    w->is_mapped = is_mapped;
    status = parse(w);
    if (status != VE_OK) {
        ve__weights_close(w);
        return ve__fail_within(status, "%s", what);
    }
    *weights = w;
    return VE_OK;
}

ve_status ve__weights_open(const char *path, ve__weights **weights)
{
    ve__mapped file = {NULL, 0};
    VE_TRY(ve__map_file(path, &file));
    return open_bytes(&file, 1, path, weights);
}

ve_status ve__weights_open_memory(const void *bytes, size_t size, ve__weights **weights)
{
    ve__mapped file = {bytes, size};
    return open_bytes(&file, 0, "weights in memory", weights);
}

void ve__weights_close(ve__weights *weights)
{
    if (!weights)
        return;
    if (weights->is_mapped)
        ve__unmap(&weights->file);
    ve__release(weights->tensors);
    ve__release(weights->specs);
    ve__release(weights);
}

const ve__arch *ve__weights_arch(const ve__weights *weights)
{
    return &weights->about.arch;
}

const ve__preprocess *ve__weights_preprocess(const ve__weights *weights)
{
    return &weights->about.preprocess;
}

const char *ve__weights_name(const ve__weights *weights)
{
    return weights->about.name;
}

const char *ve__weights_type(const ve__weights *weights)
{
    return weights->about.weight_type;
}

const char *ve__weights_fingerprint(const ve__weights *weights)
{
    return weights->about.fingerprint;
}

const char *ve__weights_source(const ve__weights *weights, const char **sha256)
{
    *sha256 = weights->about.source_sha256;
    return weights->about.source_file;
}

size_t ve__weights_thresholds(const ve__weights *weights, const ve_threshold **rows)
{
    if (rows)
        *rows = weights->about.thresholds;
    return weights->about.threshold_count;
}

size_t ve__weights_tensor_count(const ve__weights *weights)
{
    return weights->tensor_count;
}

const ve__tensor *ve__weights_tensor(const ve__weights *weights, size_t index)
{
    return index < weights->tensor_count ? &weights->tensors[index] : NULL;
}

const ve__tensor *ve__weights_find(const ve__weights *weights, const char *name)
{
    for (uint32_t i = 0; i < weights->tensor_count; i++)
        if (strcmp(weights->tensors[i].name, name) == 0)
            return &weights->tensors[i];
    return NULL;
}

const void *ve__weights_data(const ve__weights *weights, const ve__tensor *tensor)
{
    return weights->file.bytes + tensor->offset;
}

static void copy_f32(const unsigned char *from, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = ve__bits_float(ve__load_u32(from + 4 * i));
}

/* Through a small aligned buffer: borrowed bytes may lie at any address. */
static ve_status copy_f16(const unsigned char *from, size_t count, float *out)
{
    const ve__kernels *kernels;
    VE_TRY(ve__kernels_select(&kernels));
    while (count > 0) {
        uint16_t halves[1024];
        size_t some = count < 1024 ? count : 1024;
        for (size_t i = 0; i < some; i++)
            halves[i] = ve__load_u16(from + 2 * i);
        kernels->half_to_float(halves, some, out);
        from += 2 * some;
        out += some;
        count -= some;
    }
    return VE_OK;
}

/* The largest scale whose products are all finite. */
#define LARGEST_SCALE (3.4028234e38f / 127)

static ve_status copy_i8(const ve__tensor *t, const unsigned char *from, float *out)
{
    const unsigned char *element = from + 4 * (size_t)t->shape[0];
    size_t length = t->count / t->shape[0];
    for (uint32_t row = 0; row < t->shape[0]; row++) {
        float scale = ve__bits_float(ve__load_u32(from + 4 * (size_t)row));
        if (!(scale > 0.0f && scale <= LARGEST_SCALE))
            return ve__fail(VE_ERR_FORMAT, "tensor %s: row %lu has a scale of %g", t->name, (unsigned long)row,
                            (double)scale);
        for (size_t i = 0; i < length; i++, element++) {
            if (*element == 128)
                return ve__fail(VE_ERR_FORMAT, "tensor %s: row %lu has an element of -128", t->name,
                                (unsigned long)row);
            *out++ = (float)(*element < 128 ? *element : *element - 256) * scale;
        }
    }
    return VE_OK;
}

/* 0 * x is 0 for every finite x and NaN otherwise; a sum without a branch in several chains is many times
 * faster than a look at every element. */
static int all_finite(const float *values, size_t count)
{
    float sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++)
            sums[j] += 0.0f * values[i + j];
    for (; i < count; i++)
        sums[0] += 0.0f * values[i];
    for (size_t j = 1; j < 8; j++)
        sums[0] += sums[j];
    return sums[0] == 0.0f;
}

static ve_status check_finite(const char *name, const float *values, size_t count)
{
    if (all_finite(values, count))
        return VE_OK;
    for (size_t i = 0; i < count; i++)
        if ((ve__float_bits(values[i]) & 0x7f800000u) == 0x7f800000u)
            return ve__fail(VE_ERR_FORMAT, "tensor %s: element %llu is not finite", name,
                            (unsigned long long)i);
    return VE_OK;
}

ve_status ve__weights_read(const ve__weights *weights, const ve__tensor *tensor, float *out)
{
    const unsigned char *from = ve__weights_data(weights, tensor);
    if (ve__crc32c(0, from, tensor->size_bytes) != tensor->crc)
        return ve__fail(VE_ERR_CORRUPT, "tensor %s: its checksum does not match", tensor->name);
    if (tensor->type == VE__TYPE_F16)
        VE_TRY(copy_f16(from, tensor->count, out));
    else if (tensor->type == VE__TYPE_I8)
        VE_TRY(copy_i8(tensor, from, out));
    else
        copy_f32(from, tensor->count, out);
    if (weights->is_mapped)
        ve__map_forget(&weights->file, tensor->offset, tensor->size_bytes);
    return check_finite(tensor->name, out, tensor->count);
}
