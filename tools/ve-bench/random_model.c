/* SPDX-License-Identifier: MIT */
/* See random_model.h. The layout of a weight file is told in lib/weights/vew.h. */
#include "random_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "weights/vew.h"

const char random_model_names[] = "atto femto pico nano tiny small base, each with -v2 behind it for version 2";

typedef struct size_row {
    const char *name;
    uint32_t depths[VE__STAGES], dims[VE__STAGES];
} size_row;

static const size_row sizes[] = {
    {"atto", {2, 2, 6, 2}, {40, 80, 160, 320}},    {"femto", {2, 2, 6, 2}, {48, 96, 192, 384}},
    {"pico", {2, 2, 6, 2}, {64, 128, 256, 512}},   {"nano", {2, 2, 8, 2}, {80, 160, 320, 640}},
    {"tiny", {3, 3, 9, 3}, {96, 192, 384, 768}},   {"small", {3, 3, 27, 3}, {96, 192, 384, 768}},
    {"base", {3, 3, 27, 3}, {128, 256, 512, 1024}}};

ve_status random_model_arch(const char *name, ve__arch *arch)
{
    const char *dash = strchr(name, '-');
    size_t length = dash ? (size_t)(dash - name) : strlen(name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strlen(sizes[i].name) != length || strncmp(name, sizes[i].name, length) != 0)
            continue;
        if (dash && strcmp(dash, "-v2") != 0)
            break;
        memset(arch, 0, sizeof *arch);
        arch->version = dash ? 2 : 1;
        memcpy(arch->depths, sizes[i].depths, sizeof arch->depths);
        memcpy(arch->dims, sizes[i].dims, sizeof arch->dims);
        arch->hidden_ratio = 4;
        arch->stem = VE__STEM_PATCH;
        arch->stem_patch = 4;
        arch->norm = VE__NORM_LAYER;
        arch->eps = arch->final_eps = 1e-6f;
        arch->final = VE__FINAL_POOL_NORM;
        arch->embedding_kind = VE_EMBEDDING_NORM;
        return VE_OK;
    }
    return ve__fail(VE_ERR_NOT_FOUND, "no architecture is called %s; there are %s", name, random_model_names);
}

static void describe(const char *name, unsigned size, int is_half, ve__description *about)
{
    static const ve__preprocess imagenet = {.mean = {0.485f, 0.456f, 0.406f},
                                            .std = {0.229f, 0.224f, 0.225f},
                                            .filter = VE__FILTER_BICUBIC,
                                            .crop = VE__CROP_CENTER,
                                            .crop_fraction = 0.875f};
    about->preprocess = imagenet;
    about->preprocess.width = about->preprocess.height = size;
    snprintf(about->name, sizeof about->name, "random %s", name);
    snprintf(about->weight_type, sizeof about->weight_type, "%s", is_half ? "f16" : "f32");
    memset(about->fingerprint, '0', sizeof about->fingerprint - 1);
}

/* A file that grows. Once out of memory it stays so. */
typedef struct growing {
    unsigned char *bytes;
    size_t used, room;
    int failed;
} growing;

/* The next `size` bytes, zeroed; NULL when there is no memory. */
static unsigned char *extend(growing *g, size_t size)
{
    if (g->used + size > g->room) {
        size_t room = 2 * g->room + size;
        unsigned char *bytes = g->failed ? NULL : realloc(g->bytes, room);
        if (!bytes) {
            g->failed = 1;
            return NULL;
        }
        g->bytes = bytes;
        g->room = room;
    }
    unsigned char *at = g->bytes + g->used;
    memset(at, 0, size);
    g->used += size;
    return at;
}

static void put_field(growing *g, const ve__vew_field *field, const ve__description *about)
{
    const unsigned char *from = (const unsigned char *)about + field->at;
    size_t count = field->type == VE__VEW_TEXT ? strlen((const char *)from) : field->count;
    size_t value_bytes = count * ve__vew_type_bytes(field->type), name_bytes = strlen(field->name);
    size_t value_at = VE__VEW_FIELD_BYTES + ve__round_up(name_bytes, 8);
    size_t bytes = value_at + ve__round_up(value_bytes, 8);
    unsigned char *to = extend(g, bytes);
    if (!to)
        return;
    ve__store_u32(to, (uint32_t)bytes);
    to[4] = field->type;
    to[5] = field->flags;
    ve__store_u16(to + 6, (uint16_t)name_bytes);
    ve__store_u32(to + 8, (uint32_t)count);
    ve__store_u32(to + 12, (uint32_t)value_bytes);
    memcpy(to + VE__VEW_FIELD_BYTES, field->name, name_bytes);
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        if (field->type == VE__VEW_TEXT) {
            to[value_at + i] = from[i];
            continue;
        }
        memcpy(&word, from + 4 * i, 4);
        ve__store_u32(to + value_at + 4 * i, word);
    }
}

static uint32_t put_fields(growing *g, const ve__description *about)
{
    const ve__vew_field *field;
    uint32_t count = 0;
    for (size_t i = 0; (field = ve__vew_field_at(i)) != NULL; i++)
        if (!field->is_optional || strcmp(field->name, "name") == 0) {
            put_field(g, field, about);
            count++;
        }
    return count;
}

static size_t element_count(const ve__tensor_spec *spec)
{
    size_t count = 1;
    for (uint32_t i = 0; i < spec->rank; i++)
        count *= spec->shape[i];
    return count;
}

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* centre and half width of a tensor's even distribution: matrices keep the variance of what they are fed. */
static void choose_range(const ve__tensor_spec *spec, float *centre, float *width)
{
    size_t inputs = element_count(spec) / spec->shape[0];
    *centre = ends_with(spec->name, "norm.weight") ? 1.0f : ends_with(spec->name, ".scale") ? 0.1f : 0.0f;
    *width = 0.05f;
    if (ends_with(spec->name, ".dw.weight"))
        *width = sqrtf(3.0f / 49.0f);
    else if (spec->rank > 1)
        *width = sqrtf(3.0f / (float)inputs);
}

/* Steele, Lea and Flood's SplitMix64: any seed will do. Even in [-1, 1). */
static float next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (float)(int32_t)(z >> 32) * (1.0f / 2147483648.0f);
}

/* Appends a tensor's data and fills its entry at entry_at. */
static void put_data(growing *g, const ve__tensor_spec *spec, int is_half, size_t entry_at, uint64_t *seed)
{
    size_t count = element_count(spec), element = is_half && spec->rank > 1 ? 2 : 4;
    extend(g, ve__round_up(g->used, VE__VEW_ALIGN) - g->used);
    size_t offset = g->used;
    unsigned char *to = extend(g, count * element);
    float centre, width;
    if (!to)
        return;
    choose_range(spec, &centre, &width);
    for (size_t i = 0; i < count; i++) {
        float value = centre + width * next_random(seed);
        if (element == 2)
            ve__store_u16(to + 2 * i, ve__float_to_half(value));
        else
            ve__store_u32(to + 4 * i, ve__float_bits(value));
    }
    unsigned char *entry = g->bytes + entry_at;
    ve__store_u64(entry, offset);
    ve__store_u64(entry + 8, count * element);
    ve__store_u32(entry + 16, ve__crc32c(0, to, count * element));
    entry[20] = element == 2 ? VE__TYPE_F16 : VE__TYPE_F32;
}

/* A tensor's entry without what is known only when its data is written. */
static void put_entry(growing *g, const ve__tensor_spec *spec)
{
    size_t name_bytes = strlen(spec->name);
    unsigned char *to = extend(g, VE__VEW_TENSOR_BYTES + ve__round_up(name_bytes, 8));
    if (!to)
        return;
    to[21] = (unsigned char)spec->rank;
    ve__store_u16(to + 22, (uint16_t)name_bytes);
    for (unsigned i = 0; i < VE__MAX_RANK; i++)
        ve__store_u32(to + 24 + 4 * i, i < spec->rank ? spec->shape[i] : 1);
    memcpy(to + VE__VEW_TENSOR_BYTES, spec->name, name_bytes);
}

static void put_header(growing *g, size_t header_bytes, uint32_t fields, uint32_t tensors)
{
    unsigned char *to = g->bytes;
    memcpy(to, VE__VEW_MAGIC, VE__VEW_MAGIC_BYTES);
    ve__store_u32(to + VE__VEW_AT_VERSION, VE__VEW_VERSION);
    ve__store_u32(to + VE__VEW_AT_HEADER_BYTES, (uint32_t)header_bytes);
    ve__store_u64(to + VE__VEW_AT_FILE_BYTES, g->used);
    ve__store_u32(to + VE__VEW_AT_FIELD_COUNT, fields);
    ve__store_u32(to + VE__VEW_AT_TENSOR_COUNT, tensors);
    ve__store_u32(to + VE__VEW_AT_HEADER_CRC, ve__crc32c(0, to, header_bytes));
}

static void put_file(growing *g, const ve__description *about, int is_half)
{
    ve__tensor_spec spec;
    uint64_t seed = 1;
    uint32_t tensors = 0;
    extend(g, VE__VEW_HEADER_BYTES);
    uint32_t fields = put_fields(g, about);
    size_t entry_at = g->used;
    for (; ve__arch_tensor(&about->arch, tensors, &spec); tensors++)
        put_entry(g, &spec);
    extend(g, ve__round_up(g->used, VE__VEW_ALIGN) - g->used);
    size_t header_bytes = g->used;
    for (uint32_t i = 0; i < tensors && !g->failed; i++) {
        ve__arch_tensor(&about->arch, i, &spec);
        put_data(g, &spec, is_half, entry_at, &seed);
        entry_at += VE__VEW_TENSOR_BYTES + ve__round_up(strlen(spec.name), 8);
    }
    if (!g->failed)
        put_header(g, header_bytes, fields, tensors);
}

ve_status random_model_make(const char *name, unsigned size, int is_half, unsigned char **bytes,
                            size_t *byte_count)
{
    ve__description about;
    growing g = {NULL, 0, 0, 0};
    memset(&about, 0, sizeof about);
    VE_TRY(random_model_arch(name, &about.arch));
    describe(name, size, is_half, &about);
    put_file(&g, &about, is_half);
    if (g.failed) {
        free(g.bytes);
        return ve__fail(VE_ERR_MEMORY, "no memory for a random %s", name);
    }
    *bytes = g.bytes;
    *byte_count = g.used;
    return VE_OK;
}

ve_status random_model_write(const char *name, unsigned size, int is_half, const char *path)
{
    unsigned char *bytes;
    size_t count;
    VE_TRY(random_model_make(name, size, is_half, &bytes, &count));
    FILE *file = fopen(path, "wb");
    int is_written = file && fwrite(bytes, 1, count, file) == count;
    if (file && fclose(file) != 0)
        is_written = 0;
    free(bytes);
    return is_written ? VE_OK : ve__fail_errno("cannot write", path);
}
