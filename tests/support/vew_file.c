/* SPDX-License-Identifier: MIT */
/* Makes .vew files in memory. */
#include "support/vew_file.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define ROOM (1u << 20)

ve__description vew_file_about(void)
{
    ve__description about;
    memset(&about, 0, sizeof about);
    about.arch.version = 1;
    for (int s = 0; s < VE__STAGES; s++)
        about.arch.depths[s] = 1, about.arch.dims[s] = 2;
    about.arch.hidden_ratio = 2;
    about.arch.stem = VE__STEM_PATCH;
    about.arch.stem_patch = 2;
    about.arch.norm = VE__NORM_LAYER;
    about.arch.eps = about.arch.final_eps = 1e-6f;
    about.arch.final = VE__FINAL_POOL_NORM;
    about.arch.embedding_kind = VE_EMBEDDING_NORM;
    about.preprocess.width = 8;
    about.preprocess.height = 6;
    for (int i = 0; i < 3; i++)
        about.preprocess.mean[i] = about.preprocess.std[i] = 0.5f;
    about.preprocess.filter = VE__FILTER_BICUBIC;
    about.preprocess.crop = VE__CROP_CENTER;
    about.preprocess.crop_fraction = 0.875f;
    strcpy(about.name, "smallest");
    strcpy(about.weight_type, "f32");
    memset(about.fingerprint, 'a', 64);
    return about;
}

float vew_file_value(size_t tensor, size_t element)
{
    return (float)((tensor * 31 + element * 7) % 127) / 64.0f - 1.0f;
}

static void put_record(vew_file *file, const vew_extra *e)
{
    unsigned char *to = file->bytes + file->size;
    size_t name_bytes = strlen(e->name), value_at = VE__VEW_FIELD_BYTES + ve__round_up(name_bytes, 8);
    size_t bytes = value_at + ve__round_up(e->value_bytes, 8);
    ve__store_u32(to, (uint32_t)bytes);
    to[4] = e->type;
    to[5] = e->flags;
    ve__store_u16(to + 6, (uint16_t)name_bytes);
    ve__store_u32(to + 8, e->count);
    ve__store_u32(to + 12, e->value_bytes);
    memcpy(to + VE__VEW_FIELD_BYTES, e->name, name_bytes);
    memcpy(to + value_at, e->value, e->value_bytes);
    file->size += bytes;
}

/* Numbers of a description lie in memory as this machine has them; the tests run on little-endian ones. */
static uint32_t put_known(vew_file *file, const ve__description *about)
{
    const ve__vew_field *field;
    uint32_t count = 0;
    for (size_t i = 0; (field = ve__vew_field_at(i)) != NULL; i++) {
        const void *value = (const unsigned char *)about + field->at;
        vew_extra e = {field->name, field->type, field->flags, field->count, 0, value};
        if (field->type == VE__VEW_TEXT)
            e.count = (uint32_t)strlen(value);
        if (strcmp(field->name, VE__VEW_THRESHOLDS) == 0)
            e.count = 2 * about->threshold_count;
        e.value_bytes = e.count * (field->type == VE__VEW_TEXT ? 1 : 4);
        put_record(file, &e);
        count++;
    }
    return count;
}

static size_t elements(const ve__tensor_spec *spec)
{
    return (size_t)spec->shape[0] * spec->shape[1] * spec->shape[2] * spec->shape[3];
}

/* What the tensors are; in a file of I8 those of rank 4, downsampling and a patch stem, are of type `four`. */
typedef struct types {
    ve__type all, four;
} types;

static ve__type type_of(const ve__tensor_spec *spec, types t)
{
    if (t.all != VE__TYPE_I8)
        return t.all;
    return spec->rank == 2 ? VE__TYPE_I8 : spec->rank == 4 ? t.four : VE__TYPE_F32;
}

/* Every scale is 1/64. */
static void put_i8(vew_file *file, size_t index, const ve__tensor_spec *spec)
{
    for (uint32_t row = 0; row < spec->shape[0]; row++, file->size += 4)
        ve__store_u32(file->bytes + file->size, ve__float_bits(1.0f / 64.0f));
    for (size_t i = 0; i < elements(spec); i++)
        file->bytes[file->size++] = (unsigned char)(int)(vew_file_value(index, i) * 64.0f);
}

static void put_data(vew_file *file, size_t index, const ve__tensor_spec *spec, ve__type type)
{
    if (type == VE__TYPE_I8) {
        put_i8(file, index, spec);
        return;
    }
    for (size_t i = 0; i < elements(spec); i++) {
        float value = vew_file_value(index, i);
        if (type == VE__TYPE_F16)
            ve__store_u16(file->bytes + file->size, ve__float_to_half(value));
        else
            ve__store_u32(file->bytes + file->size, ve__float_bits(value));
        file->size += type == VE__TYPE_F16 ? 2 : 4;
    }
}

static void put_entry(unsigned char *to, const ve__tensor_spec *spec, ve__type type, size_t offset,
                      size_t bytes, uint32_t crc)
{
    ve__store_u64(to, offset);
    ve__store_u64(to + 8, bytes);
    ve__store_u32(to + 16, crc);
    to[20] = (unsigned char)type;
    to[21] = (unsigned char)spec->rank;
    ve__store_u16(to + 22, (uint16_t)strlen(spec->name));
    for (int i = 0; i < VE__MAX_RANK; i++)
        ve__store_u32(to + 24 + 4 * i, spec->shape[i]);
    memcpy(to + VE__VEW_TENSOR_BYTES, spec->name, strlen(spec->name));
}

static size_t table_bytes(const ve__arch *arch)
{
    ve__tensor_spec spec;
    size_t bytes = 0;
    for (size_t i = 0; ve__arch_tensor(arch, i, &spec); i++)
        bytes += VE__VEW_TENSOR_BYTES + ve__round_up(strlen(spec.name), 8);
    return bytes;
}

static uint32_t put_tensors(vew_file *file, const ve__arch *arch, types type)
{
    ve__tensor_spec spec;
    size_t entry = file->tensors_at;
    uint32_t count = 0;
    for (; ve__arch_tensor(arch, count, &spec); count++) {
        size_t offset = ve__round_up(file->size, VE__VEW_ALIGN);
        file->size = offset;
        put_data(file, count, &spec, type_of(&spec, type));
        size_t bytes = file->size - offset;
        put_entry(file->bytes + entry, &spec, type_of(&spec, type), offset, bytes,
                  ve__crc32c(0, file->bytes + offset, bytes));
        entry += VE__VEW_TENSOR_BYTES + ve__round_up(strlen(spec.name), 8);
    }
    return count;
}

static vew_file make(const ve__description *about, types type, const vew_extra *extras, size_t extra_count)
{
    vew_file file = {calloc(1, ROOM), VE__VEW_HEADER_BYTES, 0, 0};
    assert_non_null(file.bytes);
    uint32_t fields = put_known(&file, about);
    for (size_t i = 0; i < extra_count; i++, fields++)
        put_record(&file, &extras[i]);
    file.tensors_at = file.size;
    file.size = file.header_bytes = ve__round_up(file.size + table_bytes(&about->arch), VE__VEW_ALIGN);
    uint32_t tensors = put_tensors(&file, &about->arch, type);
    memcpy(file.bytes, VE__VEW_MAGIC, VE__VEW_MAGIC_BYTES);
    ve__store_u32(file.bytes + VE__VEW_AT_VERSION, VE__VEW_VERSION);
    ve__store_u32(file.bytes + VE__VEW_AT_HEADER_BYTES, (uint32_t)file.header_bytes);
    ve__store_u64(file.bytes + VE__VEW_AT_FILE_BYTES, file.size);
    ve__store_u32(file.bytes + VE__VEW_AT_FIELD_COUNT, fields);
    ve__store_u32(file.bytes + VE__VEW_AT_TENSOR_COUNT, tensors);
    vew_file_seal(&file);
    assert_true(file.size < ROOM);
    return file;
}

vew_file vew_file_make(const ve__description *about, ve__type type, const vew_extra *extras, size_t extra_count)
{
    types all = {type, VE__TYPE_F32};
    return make(about, all, extras, extra_count);
}

vew_file vew_file_make_i8(const ve__description *about, ve__type four)
{
    types all = {VE__TYPE_I8, four};
    return make(about, all, NULL, 0);
}

void vew_file_seal(vew_file *file)
{
    ve__store_u32(file->bytes + VE__VEW_AT_HEADER_CRC, 0);
    ve__store_u32(file->bytes + VE__VEW_AT_HEADER_CRC, ve__crc32c(0, file->bytes, file->header_bytes));
}

size_t vew_file_field(const vew_file *file, const char *name)
{
    size_t at = VE__VEW_HEADER_BYTES, size = strlen(name);
    while (at < file->tensors_at) {
        const unsigned char *record = file->bytes + at;
        if (ve__load_u16(record + 6) == size && memcmp(record + VE__VEW_FIELD_BYTES, name, size) == 0)
            return at;
        at += ve__load_u32(record);
    }
    fail_msg("no field %s", name);
    return 0;
}

size_t vew_file_entry(const vew_file *file, size_t index)
{
    size_t at = file->tensors_at;
    while (index-- > 0)
        at += VE__VEW_TENSOR_BYTES + ve__round_up(ve__load_u16(file->bytes + at + 22), 8);
    assert_true(at < file->header_bytes);
    return at;
}
