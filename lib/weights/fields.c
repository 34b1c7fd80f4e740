/* SPDX-License-Identifier: MIT */
/* The fields of a .vew file: the table of those that this version knows, and their reading. */
#include "base/bytes.h"
#include "base/memory.h"
#include "weights/vew.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(ve__description, member)
#define ARCH(name, n)                                                                                          \
    {                                                                                                          \
        "arch." #name, VE__VEW_U32, VE__VEW_REQUIRED, 1, 0, n, AT(arch.name)                                   \
    }
#define ARCH_F32(name, n)                                                                                      \
    {                                                                                                          \
        "arch." #name, VE__VEW_F32, VE__VEW_REQUIRED, 1, 0, n, AT(arch.name)                                   \
    }
#define INPUT(name, n)                                                                                         \
    {                                                                                                          \
        "input." #name, VE__VEW_U32, VE__VEW_REQUIRED, 1, 0, n, AT(preprocess.name)                            \
    }
#define INPUT_F32(name, n)                                                                                     \
    {                                                                                                          \
        "input." #name, VE__VEW_F32, VE__VEW_REQUIRED, 1, 0, n, AT(preprocess.name)                            \
    }
#define TEXT(name, n, same)                                                                                    \
    {                                                                                                          \
#name, VE__VEW_TEXT, 0, same, 1, n, AT(name)                                                           \
    }

static const ve__vew_field known[] = {
    ARCH(version, 1),
    ARCH(depths, VE__STAGES),
    ARCH(dims, VE__STAGES),
    ARCH(hidden_ratio, 1),
    ARCH(stem, 1),
    ARCH(stem_patch, 1),
    ARCH(stem_mid, 1),
    ARCH(norm, 1),
    ARCH_F32(eps, 1),
    ARCH_F32(final_eps, 1),
    ARCH(final, 1),
    ARCH(head_layers, 1),
    ARCH(head_dims, VE__MAX_HEAD_LAYERS),
    ARCH(embedding_kind, 1),
    {"arch.map_outputs", VE__VEW_U32, VE__VEW_REQUIRED, 1, 1, 1, AT(arch.map_outputs)},
    INPUT(width, 1),
    INPUT(height, 1),
    INPUT_F32(mean, 3),
    INPUT_F32(std, 3),
    INPUT(filter, 1),
    INPUT(crop, 1),
    INPUT_F32(crop_fraction, 1),
    INPUT(resize_to, 1),
    {"weight_type", VE__VEW_TEXT, VE__VEW_REQUIRED, 1, 0, 15, AT(weight_type)},
    {"fingerprint", VE__VEW_TEXT, VE__VEW_REQUIRED, 0, 0, 64, AT(fingerprint)},
    TEXT(name, VE__VEW_MAX_TEXT, 0),
    TEXT(source_file, VE__VEW_MAX_TEXT, 0),
    TEXT(source_sha256, 64, 0),
    {VE__VEW_THRESHOLDS, VE__VEW_F32, 0, 0, 1, 2 * VE__VEW_MAX_THRESHOLDS, AT(thresholds)},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

const ve__vew_field *ve__vew_field_at(size_t index)
{
    return index < KNOWN_COUNT ? &known[index] : NULL;
}

uint32_t ve__vew_type_bytes(uint32_t type)
{
    static const uint8_t bytes[] = {0, 4, 4, 8, 1, 1};
    return type < sizeof bytes ? bytes[type] : 0;
}

int ve__vew_is_text(const void *bytes, size_t size)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++)
        if (b[i] < 0x20 || b[i] == 0x7f || b[i] >= 0xf8)
            return 0;
    return 1;
}

/* A record as it lies in the file, its extents checked. */
typedef struct record {
    char name[VE__VEW_MAX_FIELD_NAME + 1];
    uint8_t type, flags;
    uint32_t count, value_bytes;
    const unsigned char *value;
    size_t bytes;
} record;

static int is_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static ve_status read_name(const unsigned char *at, size_t name_bytes, record *r)
{
    if (!ve__vew_is_text(at, name_bytes))
        return ve__fail(VE_ERR_FORMAT, "a field's name has control characters");
    memcpy(r->name, at, name_bytes);
    r->name[name_bytes] = '\0';
    return VE_OK;
}

static ve_status read_record(const unsigned char *at, size_t left, record *r)
{
    if (left < VE__VEW_FIELD_BYTES)
        return ve__fail(VE_ERR_FORMAT, "the fields run past the header's end");
    size_t name_bytes = ve__load_u16(at + 6);
    r->bytes = ve__load_u32(at);
    r->type = at[4];
    r->flags = at[5];
    r->count = ve__load_u32(at + 8);
    r->value_bytes = ve__load_u32(at + 12);
    if (name_bytes == 0 || name_bytes > VE__VEW_MAX_FIELD_NAME)
        return ve__fail(VE_ERR_FORMAT, "a field's name has %lu bytes", (unsigned long)name_bytes);
    if (r->bytes > left || r->value_bytes > left)
        return ve__fail(VE_ERR_FORMAT, "the fields run past the header's end");
    size_t value_at = VE__VEW_FIELD_BYTES + ve__round_up(name_bytes, 8);
    if (r->bytes != value_at + ve__round_up(r->value_bytes, 8))
        return ve__fail(VE_ERR_FORMAT, "a field's sizes do not add up");
    VE_TRY(read_name(at + VE__VEW_FIELD_BYTES, name_bytes, r));
    r->value = at + value_at;
    if (!is_zero(at + VE__VEW_FIELD_BYTES + name_bytes, value_at - VE__VEW_FIELD_BYTES - name_bytes) ||
        !is_zero(r->value + r->value_bytes, r->bytes - value_at - r->value_bytes))
        return ve__fail(VE_ERR_FORMAT, "field %s: the padding is not zero", r->name);
    if (r->flags & ~VE__VEW_REQUIRED)
        return ve__fail(VE_ERR_FORMAT, "field %s: unknown flags", r->name);
    return VE_OK;
}

static const ve__vew_field *find_known(const char *name, size_t *index)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcmp(known[i].name, name) == 0) {
            *index = i;
            return &known[i];
        }
    return NULL;
}

static ve_status check_kind(const record *r, const ve__vew_field *field)
{
    int varies = field->type == VE__VEW_TEXT || strcmp(field->name, VE__VEW_THRESHOLDS) == 0;
    if (r->type != field->type)
        return ve__fail(VE_ERR_FORMAT, "field %s has type %u, expected %u", r->name, r->type, field->type);
    if (varies ? r->count > field->count : r->count != field->count)
        return ve__fail(VE_ERR_FORMAT, "field %s has %lu elements, expected %s%lu", r->name,
                        (unsigned long)r->count, varies ? "at most " : "", (unsigned long)field->count);
    if ((uint64_t)r->count * ve__vew_type_bytes(r->type) != r->value_bytes)
        return ve__fail(VE_ERR_FORMAT, "field %s: %lu elements in %lu bytes", r->name, (unsigned long)r->count,
                        (unsigned long)r->value_bytes);
    return VE_OK;
}

static ve_status copy_value(const record *r, unsigned char *to)
{
    if (r->type == VE__VEW_TEXT) {
        if (!ve__vew_is_text(r->value, r->value_bytes))
            return ve__fail(VE_ERR_FORMAT, "field %s is not plain text", r->name);
        memcpy(to, r->value, r->value_bytes);
        to[r->value_bytes] = '\0';
        return VE_OK;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t bits = ve__load_u32(r->value + 4 * i);
        if (r->type == VE__VEW_F32 && (bits & 0x7f800000u) == 0x7f800000u)
            return ve__fail(VE_ERR_FORMAT, "field %s is not finite", r->name);
        memcpy(to + 4 * i, &bits, 4);
    }
    return VE_OK;
}

static ve_status keep(const record *r, const ve__vew_field *field, ve__description *description)
{
    VE_TRY(check_kind(r, field));
    VE_TRY(copy_value(r, (unsigned char *)description + field->at));
    if (strcmp(field->name, VE__VEW_THRESHOLDS) != 0)
        return VE_OK;
    if (r->count % 2 != 0)
        return ve__fail(VE_ERR_FORMAT, "field %s has an odd number of elements", r->name);
    description->threshold_count = r->count / 2;
    return VE_OK;
}

static ve_status check_unique(const unsigned char *bytes, const uint32_t *seen_at, uint32_t seen_count,
                              const record *r)
{
    size_t size = strlen(r->name);
    for (uint32_t i = 0; i < seen_count; i++) {
        const unsigned char *other = bytes + seen_at[i];
        if (ve__load_u16(other + 6) == size && memcmp(other + VE__VEW_FIELD_BYTES, r->name, size) == 0)
            return ve__fail(VE_ERR_FORMAT, "field %s occurs twice", r->name);
    }
    return VE_OK;
}

ve_status ve__vew_read_fields(const unsigned char *bytes, size_t end, uint32_t count, size_t *at,
                              ve__description *description)
{
    uint32_t seen_at[VE__VEW_MAX_FIELDS];
    unsigned char have[KNOWN_COUNT] = {0};
    if (count > VE__VEW_MAX_FIELDS)
        return ve__fail(VE_ERR_FORMAT, "%lu fields, allowed are %u", (unsigned long)count, VE__VEW_MAX_FIELDS);
    for (uint32_t i = 0; i < count; i++) {
        record r;
        size_t index = 0;
        VE_TRY(read_record(bytes + *at, end - *at, &r));
        VE_TRY(check_unique(bytes, seen_at, i, &r));
        const ve__vew_field *field = find_known(r.name, &index);
        if (field) {
            VE_TRY(keep(&r, field, description));
            have[index] = 1;
        } else if (r.flags & VE__VEW_REQUIRED)
            return ve__fail(VE_ERR_UNSUPPORTED, "field %s is required and unknown to this version", r.name);
        seen_at[i] = (uint32_t)*at;
        *at += r.bytes;
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (!have[i] && !known[i].is_optional)
            return ve__fail(VE_ERR_FORMAT, "field %s is missing", known[i].name);
    return VE_OK;
}
