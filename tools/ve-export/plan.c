/* SPDX-License-Identifier: MIT */
/* Makes the plan: chooses the embedding, then finds a source for every tensor of the architecture and checks
 * that none of the checkpoint's is left over. */
#include "plan.h"

#include "infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"", "pooled", "norm", "head"};

/* ---- the embedding */

static int has_head(const family_map *map)
{
    return family_find(map, "head.out.weight") != NULL;
}

static uint64_t head_outputs(const family_map *map)
{
    const family_entry *entry = family_find(map, "head.out.weight");
    return entry && entry->tensor->rank > 0 ? entry->tensor->shape[0] : 0;
}

/* Face embedders end in a linear layer of one of these widths, read as an embedding; no published classifier
 * has as many classes. */
static int is_embedding_width(uint64_t outputs)
{
    return outputs == 128 || outputs == 256 || outputs == 512;
}

static void choose_kind(const family_map *map, const plan_options *options, plan *p, uint32_t *kind)
{
    const char *why = "what this family calls the embedding";
    *kind = map->family->default_kind;
    if (options->embedding_kind) {
        *kind = options->embedding_kind;
        why = "as asked for";
    } else if (*kind == VE_EMBEDDING_HEAD && !has_head(map)) {
        *kind = VE_EMBEDDING_NORM;
        why = "the checkpoint has no projection";
    } else if (*kind == VE_EMBEDDING_NORM && !family_find(map, "head.pre.weight") &&
               is_embedding_width(head_outputs(map))) {
        *kind = VE_EMBEDDING_HEAD;
        why = "a head of 128, 256 or 512 outputs is taken for an embedding, not for classes";
    }
    snprintf(p->choice, sizeof p->choice, "%s (%s; --embedding pooled, norm or head chooses)",
             kind_names[*kind], why);
}

static ve_status plan_head_layer(const family_map *map, const char *name, ve__arch *arch)
{
    const family_entry *entry = family_find(map, name);
    if (!entry)
        return VE_OK;
    const safetensors_tensor *t = entry->tensor;
    if (t->rank < 2 || t->shape[0] < 1)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: not a linear layer", t->name);
    if (t->shape[0] > VE_MAX_DIM)
        return ve__fail(
            VE_ERR_UNSUPPORTED,
            "tensor %s: %llu outputs, an embedding has %u at most (--embedding norm leaves the head out)",
            t->name, (unsigned long long)t->shape[0], (unsigned)VE_MAX_DIM);
    arch->head_dims[arch->head_layers++] = (uint32_t)t->shape[0];
    return VE_OK;
}

static ve_status plan_head(const family_map *map, ve__arch *arch)
{
    if (!has_head(map))
        return ve__fail(VE_ERR_UNSUPPORTED,
                        "the checkpoint has no head (%s): choose --embedding norm or pooled",
                        family_find(map, "head.pre.weight") ? "only a hidden layer with a GELU behind it"
                                                            : "no linear layer behind the final norm");
    VE_TRY(plan_head_layer(map, "head.pre.weight", arch));
    return plan_head_layer(map, "head.out.weight", arch);
}

/* timm's FCMAE files (V2, neither norm nor head) have no final norm; timm runs them with a fresh one. */
static int is_fcmae(const family_map *map, const ve__arch *arch)
{
    return map->family->id == FAMILY_TIMM && arch->version == 2 && !has_head(map);
}

static ve_status plan_final(const family_map *map, uint32_t kind, plan *p)
{
    ve__arch *arch = &p->about.arch;
    size_t used = strlen(p->choice);
    arch->embedding_kind = kind;
    arch->final = family_find(map, "norm_pre.weight") ? VE__FINAL_NORM_POOL : VE__FINAL_POOL_NORM;
    if (kind == VE_EMBEDDING_POOLED)
        arch->final = VE__FINAL_POOL;
    else if (!family_find(map, "final.norm.weight") && !family_find(map, "norm_pre.weight")) {
        if (!is_fcmae(map, arch))
            return ve__fail(VE_ERR_UNSUPPORTED, "the checkpoint has no final norm: choose --embedding pooled");
        snprintf(p->choice + used, sizeof p->choice - used,
                 "; no final norm in the file: plain standardisation");
    }
    return kind == VE_EMBEDDING_HEAD ? plan_head(map, arch) : VE_OK;
}

/* ---- where tensors come from */

/* Our extended names for the parts of final norm and head. */
static void source_name(const family_map *map, const ve__arch *arch, const char *ours, char name[VE__MAX_NAME])
{
    const char *part = strrchr(ours, '.') + 1;
    int is_last = strncmp(ours, "head.", 5) == 0 && (uint32_t)(ours[5] - '0') + 1 == arch->head_layers;
    if (strncmp(ours, "final.norm.", 11) == 0 && !family_find(map, "final.norm.weight"))
        snprintf(name, VE__MAX_NAME, "norm_pre.%s", part);
    else if (strncmp(ours, "head.", 5) == 0)
        snprintf(name, VE__MAX_NAME, "head.%s.%s", is_last ? "out" : "pre", part);
    else
        snprintf(name, VE__MAX_NAME, "%s", ours);
}

static int has_any_scale(const family_map *map)
{
    for (size_t i = 0; i < map->entry_count; i++)
        if (strstr(map->entries[i].ours, ".scale"))
            return 1;
    return 0;
}

/* Parts that a checkpoint may lack, with what stands for them. */
static ve_status fill_in(const family_map *map, const ve__arch *arch, plan_tensor *t)
{
    const char *name = t->spec.name;
    int is_final = strncmp(name, "final.norm.", 11) == 0 && is_fcmae(map, arch);
    int is_weight = strstr(name, ".weight") != NULL;
    if (strstr(name, ".scale") && !has_any_scale(map))
        t->fill = 1.0f; /* trained without layer scale */
    else if (is_final)
        t->fill = is_weight ? 1.0f : 0.0f;
    else if (strncmp(name, "head.", 5) == 0 && !is_weight)
        t->fill = 0.0f; /* a projection without bias */
    else
        return ve__fail(VE_ERR_UNSUPPORTED, "the checkpoint has no tensor for %s", name);
    return VE_OK;
}

static ve_status fail_shape(const safetensors_tensor *t, const ve__tensor_spec *spec)
{
    char have[128] = "", want[96] = "";
    for (unsigned i = 0; i < t->rank; i++)
        snprintf(have + strlen(have), sizeof have - strlen(have), "%s%llu", i ? ", " : "",
                 (unsigned long long)t->shape[i]);
    for (unsigned i = 0; i < spec->rank; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s%lu", i ? ", " : "",
                 (unsigned long)spec->shape[i]);
    return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: shape [%s] does not fit %s [%s]", t->name, have, spec->name,
                    want);
}

/* A vector may have any number of dimensions of 1; a matrix may be a 1x1 convolution; a convolution is
 * [out][in][y][x], depthwise [channels][1][7][7]. */
static ve_status check_shape(const safetensors_tensor *t, const ve__tensor_spec *spec)
{
    const uint32_t *s = spec->shape;
    uint64_t want[3][4] = {{s[0], s[1], 1, 1}, {s[2], 1, 7, 7}, {s[0], s[3], s[1], s[2]}};
    unsigned ranks[3] = {t->rank == 4 ? 4 : 2, 4, 4};
    if (spec->rank == 1) {
        int long_ones = 0;
        for (unsigned i = 0; i < t->rank; i++)
            long_ones += t->shape[i] != 1;
        return t->count == s[0] && long_ones <= 1 ? VE_OK : fail_shape(t, spec);
    }
    if (t->rank != ranks[spec->rank - 2])
        return fail_shape(t, spec);
    for (unsigned i = 0; i < t->rank; i++)
        if (t->shape[i] != want[spec->rank - 2][i])
            return fail_shape(t, spec);
    return VE_OK;
}

static ve_status check_dtype(const safetensors_tensor *t)
{
    if (t->dtype->kind == SAFETENSORS_OTHER)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: dtype %s, only F32, F16 and BF16 can be converted",
                        t->name, t->dtype->name);
    return VE_OK;
}

static ve_status find_source(family_map *map, const ve__arch *arch, plan_tensor *t)
{
    char name[VE__MAX_NAME];
    source_name(map, arch, t->spec.name, name);
    family_entry *entry = family_find(map, name);
    if (!entry)
        return fill_in(map, arch, t);
    entry->is_used = 1;
    t->entry = entry;
    VE_TRY(check_dtype(entry->tensor));
    return check_shape(entry->tensor, &t->spec);
}

static size_t count_tensors(const ve__arch *arch)
{
    ve__tensor_spec spec;
    size_t count = 0;
    while (ve__arch_tensor(arch, count, &spec))
        count++;
    return count;
}

static ve_status find_sources(family_map *map, plan *p)
{
    p->tensor_count = count_tensors(&p->about.arch);
    p->tensors = calloc(p->tensor_count, sizeof *p->tensors);
    if (!p->tensors)
        return ve__fail(VE_ERR_MEMORY, "no memory for %llu tensors", (unsigned long long)p->tensor_count);
    for (size_t i = 0; i < p->tensor_count; i++) {
        ve__arch_tensor(&p->about.arch, i, &p->tensors[i].spec);
        VE_TRY(find_source(map, &p->about.arch, &p->tensors[i]));
    }
    return VE_OK;
}

/* Final norm and head may stay unused, by the choice of the embedding. Anything else would be missed. */
static ve_status check_leftovers(const family_map *map, plan *p)
{
    static const char *const optional[] = {"final.norm.", "norm_pre.", "head."};
    for (size_t i = 0; i < map->entry_count; i++) {
        const family_entry *entry = &map->entries[i];
        int may_stay = 0;
        for (size_t j = 0; j < sizeof optional / sizeof optional[0]; j++)
            may_stay |= strncmp(entry->ours, optional[j], strlen(optional[j])) == 0;
        size_t used = strlen(p->unused);
        if (!entry->is_used && !may_stay)
            return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s has no place in this network (%s)",
                            entry->tensor->name, entry->ours);
        if (!entry->is_used)
            snprintf(p->unused + used, sizeof p->unused - used, "%s%s", used ? ", " : "", entry->tensor->name);
    }
    return VE_OK;
}

/* ---- the rest of the description */

/* Our text fields take no control characters and have an end. */
static void set_name(const config *c, const plan_options *options, ve__description *about)
{
    const char *architecture = config_architecture(c), *tag = config_text(c, "tag");
    char name[sizeof about->name];
    infer_name(&about->arch, name, sizeof name);
    if (options->name)
        snprintf(name, sizeof name, "%s", options->name);
    else if (architecture)
        snprintf(name, sizeof name, "%.63s%s%.60s", architecture, tag ? "." : "", tag ? tag : "");
    if (ve__vew_is_text(name, strlen(name)))
        memcpy(about->name, name, sizeof name);
}

static ve_status describe_input(const family_map *map, const config *c, plan *p)
{
    ve__preprocess *pre = &p->about.preprocess;
    *pre = map->family->preprocess;
    if (map->family->id == FAMILY_TORCHVISION)
        infer_torchvision_resize(&p->about.arch, pre);
    if (p->about.arch.norm == VE__NORM_SIMPLE) /* timm's zepto models */
        for (int i = 0; i < 3; i++)
            pre->mean[i] = pre->std[i] = 0.5f;
    VE_TRY(config_preprocess(c, pre, &p->is_preprocess_given));
    VE_TRY(config_thresholds(c, p->about.thresholds, VE__VEW_MAX_THRESHOLDS, &p->about.threshold_count));
    return ve__preprocess_check(pre);
}

ve_status plan_make(family_map *map, const config *c, const plan_options *options, plan *p)
{
    uint32_t kind;
    memset(p, 0, sizeof *p);
    VE_TRY(config_check(c));
    VE_TRY(infer_trunk(map, c, &p->about.arch));
    choose_kind(map, options, p, &kind);
    VE_TRY(plan_final(map, kind, p));
    VE_TRY(ve__arch_check(&p->about.arch));
    VE_TRY(find_sources(map, p));
    VE_TRY(check_leftovers(map, p));
    set_name(c, options, &p->about);
    strcpy(p->about.weight_type, options->precision == VE__TYPE_I8    ? "i8"
                                 : options->precision == VE__TYPE_F16 ? "f16"
                                                                      : "f32");
    return describe_input(map, c, p);
}

void plan_free(plan *p)
{
    free(p->tensors);
    memset(p, 0, sizeof *p);
}
