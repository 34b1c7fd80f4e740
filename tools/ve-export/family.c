/* SPDX-License-Identifier: MIT */
/* Recognises a checkpoint's family by its names and translates the names. */
#include "family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a name's variable parts were. */
typedef struct parts {
    unsigned stage, block;
    const char *suffix; /* "weight" or "bias" */
} parts;

/* A decimal number as programs write it: no sign, no leading zero, three digits at most. */
static const char *take_number(const char *name, unsigned *number)
{
    unsigned digits = 0;
    if (name[0] == '0' && name[1] >= '0' && name[1] <= '9')
        return NULL;
    *number = 0;
    while (digits < 3 && name[digits] >= '0' && name[digits] <= '9')
        *number = *number * 10 + (unsigned)(name[digits++] - '0');
    return digits ? name + digits : NULL;
}

static const char *take_variable(char kind, const char *name, parts *p)
{
    unsigned number;
    const char *rest = take_number(name, &number);
    if (!rest)
        return NULL;
    switch (kind) {
    case 's':
        p->stage = number;
        return rest;
    case 'b':
        p->block = number;
        return rest;
    case 'o':
        p->stage = number / 2;
        return number % 2 == 1 ? rest : NULL;
    case 'e':
        p->stage = number / 2;
        return number % 2 == 0 && number > 0 ? rest : NULL;
    default:
        return NULL;
    }
}

static int match(const char *pattern, const char *name, parts *p)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            p->suffix = name;
            return strcmp(name, "weight") == 0 || strcmp(name, "bias") == 0;
        }
        if (*pattern == '%') {
            pattern++;
            if (*pattern == 'a')
                return 1;
            name = take_variable(*pattern, name, p);
            if (!name)
                return 0;
        } else if (*pattern != *name++)
            return 0;
    }
    return *name == '\0';
}

static void expand(const char *ours, const parts *p, char out[VE__MAX_NAME])
{
    size_t n = 0;
    for (; *ours && n < VE__MAX_NAME - 1; ours++) {
        char piece[16] = {*ours, '\0'};
        if (*ours == '*')
            snprintf(piece, sizeof piece, "%s", p->suffix);
        else if (*ours == '%')
            snprintf(piece, sizeof piece, "%u", *++ours == 's' ? p->stage : p->block);
        n += (size_t)snprintf(out + n, VE__MAX_NAME - n, "%s", piece);
    }
}

/* 1: translated; 0: known and not needed; -1: unknown. */
static int translate(const family_rule *rules, const char *name, char ours[VE__MAX_NAME])
{
    for (; rules && rules->theirs; rules++) {
        parts p = {0, 0, ""};
        if (!match(rules->theirs, name, &p))
            continue;
        if (rules->ours)
            expand(rules->ours, &p, ours);
        return rules->ours != NULL;
    }
    return -1;
}

static int translate_stripped(const family_map *map, const char *name, char ours[VE__MAX_NAME])
{
    int known = -1;
    if (map->family->id == FAMILY_TIMM || map->family->id == FAMILY_OPEN_CLIP)
        known = translate(family_timm_stem(map->stem), name, ours);
    for (int i = 0; i < FAMILY_MAX_TABLES && known < 0; i++)
        known = translate(map->family->rules[i], name, ours);
    return known;
}

/* Behind the prefixes first; as it stands second: HF's classifier and OpenCLIP's projection have no prefix. */
static int translate_any(const family_map *map, const char *name, char ours[VE__MAX_NAME])
{
    size_t common = strlen(map->prefix), own = strlen(map->family->prefix);
    const char *inner = strncmp(name, map->prefix, common) == 0 ? name + common : name;
    if (inner == name && common > 0)
        return translate_stripped(map, name, ours);
    if (strncmp(inner, map->family->prefix, own) == 0) {
        int known = translate_stripped(map, inner + own, ours);
        if (known >= 0 || own == 0)
            return known;
    }
    return translate_stripped(map, inner, ours);
}

static int has_name(const checkpoint *c, const char *a, const char *b, const char *name)
{
    char whole[SAFETENSORS_MAX_NAME + 1];
    snprintf(whole, sizeof whole, "%s%s%s", a, b, name);
    for (size_t i = 0; i < c->tensor_count; i++)
        if (strcmp(checkpoint_tensor(c, i, NULL)->name, whole) == 0)
            return 1;
    return 0;
}

static int has_markers(const checkpoint *c, const family *f, const char *prefix)
{
    for (int i = 0; i < FAMILY_MAX_MARKERS && f->markers[i]; i++)
        if (!has_name(c, prefix, f->prefix, f->markers[i]))
            return 0;
    return 1;
}

static ve__stem timm_stem(const checkpoint *c, const family_map *map)
{
    if (has_name(c, map->prefix, map->family->prefix, "stem.3.weight"))
        return VE__STEM_OVERLAP_ACT;
    return has_name(c, map->prefix, map->family->prefix, "stem.2.weight") ? VE__STEM_OVERLAP : VE__STEM_PATCH;
}

static int find_family(const checkpoint *c, family_map *map)
{
    const family *f;
    const char *prefix;
    for (size_t i = 0; (f = family_at(i)) != NULL; i++)
        for (size_t j = 0; (prefix = family_common_prefix(j)) != NULL; j++)
            if (has_markers(c, f, prefix)) {
                map->family = f;
                map->prefix = prefix;
                map->stem = timm_stem(c, map);
                return 1;
            }
    return 0;
}

static int ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static ve_status fail_unknown(const checkpoint *c)
{
    if (c->tensor_count == 0)
        return ve__fail(VE_ERR_UNSUPPORTED, "the checkpoint has no tensors");
    for (size_t i = 0; i < c->tensor_count; i++) {
        const char *name = checkpoint_tensor(c, i, NULL)->name;
        if (ends_with(name, ".kernel") || strstr(name, "encoder.downsample_layers."))
            return ve__fail(
                VE_ERR_UNSUPPORTED,
                "tensor %s: a raw FCMAE checkpoint with sparse (Minkowski) names; export the converted one "
                "(timm's *.fcmae)",
                name);
    }
    return ve__fail(
        VE_ERR_UNSUPPORTED,
        "not a ConvNeXt checkpoint of a known family (%llu tensors, the first is %s); known are timm, "
        "torchvision, Hugging Face, DINOv3, OpenCLIP and the original names",
        (unsigned long long)c->tensor_count, checkpoint_tensor(c, 0, NULL)->name);
}

/* Up to three unknown names, and how many more. */
typedef struct leftovers {
    char names[320];
    size_t count;
} leftovers;

static void add_leftover(leftovers *l, const char *name)
{
    size_t used = strlen(l->names);
    if (l->count++ < 3)
        snprintf(l->names + used, sizeof l->names - used, "%s%.96s", used ? ", " : "", name);
}

static ve_status fail_leftovers(const family_map *map, const leftovers *l)
{
    char more[48] = "";
    if (l->count > 3)
        snprintf(more, sizeof more, " and %llu more", (unsigned long long)(l->count - 3));
    return ve__fail(VE_ERR_UNSUPPORTED, "a %s checkpoint with tensors that have no place in a ConvNeXt: %s%s",
                    map->family->title, l->names, more);
}

static ve_status add_entry(family_map *map, const char *ours, const safetensors_tensor *tensor,
                           const safetensors *file)
{
    const family_entry *other = family_find(map, ours);
    if (other)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensors %s and %s are the same part (%s)", other->tensor->name,
                        tensor->name, ours);
    family_entry *entry = &map->entries[map->entry_count++];
    snprintf(entry->ours, sizeof entry->ours, "%s", ours);
    entry->tensor = tensor;
    entry->file = file;
    return VE_OK;
}

static ve_status translate_all(const checkpoint *c, family_map *map)
{
    leftovers left = {"", 0};
    for (size_t i = 0; i < c->tensor_count; i++) {
        char ours[VE__MAX_NAME] = "";
        const safetensors *file;
        const safetensors_tensor *tensor = checkpoint_tensor(c, i, &file);
        int known = translate_any(map, tensor->name, ours);
        if (known > 0)
            VE_TRY(add_entry(map, ours, tensor, file));
        else if (known == 0)
            map->ignored_count++;
        else
            add_leftover(&left, tensor->name);
    }
    return left.count ? fail_leftovers(map, &left) : VE_OK;
}

ve_status family_recognise(const checkpoint *c, family_map *map)
{
    memset(map, 0, sizeof *map);
    if (!find_family(c, map))
        return fail_unknown(c);
    map->entries = calloc(c->tensor_count, sizeof *map->entries);
    if (!map->entries)
        return ve__fail(VE_ERR_MEMORY, "no memory for %llu tensors", (unsigned long long)c->tensor_count);
    return translate_all(c, map);
}

void family_free(family_map *map)
{
    free(map->entries);
    memset(map, 0, sizeof *map);
}

family_entry *family_find(const family_map *map, const char *ours)
{
    for (size_t i = 0; i < map->entry_count; i++)
        if (strcmp(map->entries[i].ours, ours) == 0)
            return &map->entries[i];
    return NULL;
}
