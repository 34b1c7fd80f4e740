/* SPDX-License-Identifier: MIT */
/* The inference of architectures. Depths, widths, stem and version follow from names and shapes; eps and the
 * kind of a norm without bias do not, and come from the config or from what is known of a model. */
#include "infer.h"

#include <stdio.h>
#include <string.h>

static family_entry *find_in_block(const family_map *map, unsigned stage, unsigned block, const char *part)
{
    char name[VE__MAX_NAME];
    snprintf(name, sizeof name, "stage.%u.block.%u.%s", stage, block, part);
    return family_find(map, name);
}

static ve_status first_extent(const safetensors_tensor *tensor, uint32_t *extent)
{
    if (tensor->rank < 2 || tensor->shape[0] < 1 || tensor->shape[0] > 8 * VE__MAX_CHANNELS)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: its shape is not that of a layer", tensor->name);
    *extent = (uint32_t)tensor->shape[0];
    return VE_OK;
}

static ve_status check_kernel(const safetensors_tensor *t)
{
    if (t->rank != 4 || t->shape[1] != 1)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: not a depthwise convolution [channels, 1, 7, 7]",
                        t->name);
    if (t->shape[2] != 7 || t->shape[3] != 7)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: a kernel of %llu x %llu, only 7 x 7 can be represented",
                        t->name, (unsigned long long)t->shape[2], (unsigned long long)t->shape[3]);
    return VE_OK;
}

static ve_status infer_stage(const family_map *map, unsigned stage, ve__arch *arch)
{
    const family_entry *entry = find_in_block(map, stage, 0, "dw.weight");
    if (!entry)
        return ve__fail(VE_ERR_UNSUPPORTED, "stage %u has no blocks", stage);
    VE_TRY(first_extent(entry->tensor, &arch->dims[stage]));
    unsigned depth = 0;
    for (; (entry = find_in_block(map, stage, depth, "dw.weight")) != NULL; depth++)
        VE_TRY(check_kernel(entry->tensor));
    arch->depths[stage] = depth;
    return VE_OK;
}

static ve_status infer_blocks(const family_map *map, ve__arch *arch)
{
    uint32_t hidden = 0;
    for (unsigned s = 0; s < VE__STAGES; s++)
        VE_TRY(infer_stage(map, s, arch));
    const family_entry *fc1 = find_in_block(map, 0, 0, "fc1.weight");
    if (!fc1)
        return ve__fail(VE_ERR_UNSUPPORTED, "stage 0, block 0 has no first pointwise layer");
    VE_TRY(first_extent(fc1->tensor, &hidden));
    arch->hidden_ratio = hidden / arch->dims[0];
    arch->version = find_in_block(map, 0, 0, "grn.weight") ? 2 : 1;
    return VE_OK;
}

static ve_status infer_stem(const family_map *map, ve__arch *arch)
{
    const family_entry *first = family_find(map, "stem.0.weight");
    if (!first || first->tensor->rank != 4)
        return ve__fail(VE_ERR_UNSUPPORTED, "the stem's convolution is missing");
    const safetensors_tensor *t = first->tensor;
    if (t->shape[1] != 3)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: %llu input channels, only RGB can be represented",
                        t->name, (unsigned long long)t->shape[1]);
    arch->stem = VE__STEM_PATCH;
    if (family_find(map, "stem.1.weight")) {
        arch->stem = (uint32_t)map->stem;
        return first_extent(t, &arch->stem_mid);
    }
    if (t->shape[2] < 1 || t->shape[2] > 16)
        return ve__fail(VE_ERR_UNSUPPORTED, "tensor %s: patches of %llu pixels, at most 16 can be represented",
                        t->name, (unsigned long long)t->shape[2]);
    arch->stem_patch = (uint32_t)t->shape[2];
    return VE_OK;
}

/* Norms without bias look alike; only the architecture's name or norm_layer tells them apart. */
typedef struct known_norm {
    const char *word;
    ve__norm norm;
} known_norm;

static const known_norm known_norms[] = {
    {"rmsnorm", VE__NORM_RMS},
    {"rmsnorm2d", VE__NORM_RMS},
    {"convnext_atto_rms", VE__NORM_RMS},
    {"simplenorm", VE__NORM_SIMPLE},
    {"simplenorm2d", VE__NORM_SIMPLE},
    {"convnext_zepto_rms", VE__NORM_SIMPLE}, /* the name says rms, timm builds it with SimpleNorm */
    {"convnext_zepto_rms_ols", VE__NORM_SIMPLE},
};

static uint32_t norm_by_word(const char *word)
{
    for (size_t i = 0; word && i < sizeof known_norms / sizeof known_norms[0]; i++)
        if (strcmp(word, known_norms[i].word) == 0)
            return (uint32_t)known_norms[i].norm;
    return 0;
}

static ve_status infer_norm(const family_map *map, const config *c, ve__arch *arch)
{
    arch->norm = VE__NORM_LAYER;
    if (family_find(map, "stem.norm.bias"))
        return VE_OK;
    arch->norm = norm_by_word(config_text(c, "norm_layer"));
    if (!arch->norm)
        arch->norm = norm_by_word(config_architecture(c));
    if (!arch->norm)
        return ve__fail(VE_ERR_UNSUPPORTED,
                        "the norms have no bias: RMS or simple norm? Name the architecture "
                        "(convnext_atto_rms, convnext_zepto_rms, ...) or norm_layer in a config "
                        "file (--config)");
    return VE_OK;
}

static int is_xxlarge(const config *c, const ve__arch *arch)
{
    const char *name = config_architecture(c);
    return name ? strncmp(name, "convnext_xxlarge", 16) == 0 : arch->dims[VE__STAGES - 1] == 3072;
}

/* transformers: layer_norm_eps is the final norm's alone in ConvNext, every norm's in DINOv3. timm: norm_eps is
 * every norm's; convnext_xxlarge, 3072 wide, was trained with 1e-5. */
static void infer_eps(const family_map *map, const config *c, ve__arch *arch)
{
    double eps;
    const family *f = map->family;
    int is_timm = f->id == FAMILY_TIMM || f->id == FAMILY_OPEN_CLIP;
    int is_hf = f->id == FAMILY_HF || f->id == FAMILY_HF_DINOV3;
    arch->eps = f->eps;
    arch->final_eps = f->final_eps;
    if (is_timm && is_xxlarge(c, arch))
        arch->eps = arch->final_eps = 1e-5f;
    if (is_timm && config_number(c, "norm_eps", &eps))
        arch->eps = arch->final_eps = (float)eps;
    if (is_hf && config_number(c, "layer_norm_eps", &eps))
        arch->final_eps = (float)eps;
    if (f->id == FAMILY_HF_DINOV3)
        arch->eps = arch->final_eps;
}

typedef struct known_size {
    const char *name;
    uint32_t depths[VE__STAGES];
    uint32_t dim; /* of the first stage; it doubles from stage to stage */
    uint32_t torchvision_resize;
} known_size;

static const known_size known_sizes[] = {
    {"zepto", {2, 2, 4, 2}, 32, 0},    {"atto", {2, 2, 6, 2}, 40, 0},     {"femto", {2, 2, 6, 2}, 48, 0},
    {"pico", {2, 2, 6, 2}, 64, 0},     {"nano", {2, 2, 8, 2}, 80, 0},     {"tiny", {3, 3, 9, 3}, 96, 236},
    {"small", {3, 3, 27, 3}, 96, 230}, {"base", {3, 3, 27, 3}, 128, 232}, {"large", {3, 3, 27, 3}, 192, 232},
    {"xlarge", {3, 3, 27, 3}, 256, 0}, {"huge", {3, 3, 27, 3}, 352, 0},   {"xxlarge", {3, 4, 30, 3}, 384, 0},
};

static const known_size *find_size(const ve__arch *arch)
{
    for (size_t i = 0; i < sizeof known_sizes / sizeof known_sizes[0]; i++) {
        const known_size *k = &known_sizes[i];
        int same = memcmp(k->depths, arch->depths, sizeof k->depths) == 0;
        for (unsigned s = 0; s < VE__STAGES; s++)
            same = same && arch->dims[s] == k->dim << s;
        if (same)
            return k;
    }
    return NULL;
}

void infer_name(const ve__arch *arch, char *name, size_t size)
{
    const known_size *k = find_size(arch);
    snprintf(name, size, "convnext%s%s%s", arch->version == 2 ? "v2" : "", k ? "_" : "", k ? k->name : "");
}

void infer_torchvision_resize(const ve__arch *arch, ve__preprocess *preprocess)
{
    const known_size *k = find_size(arch);
    if (k && k->torchvision_resize)
        preprocess->resize_to = k->torchvision_resize;
}

/* timm's test models without their config: nothing but these shapes gives them away. */
static ve_status refuse_test_models(const family_map *map, const config *c, const ve__arch *arch)
{
    static const uint32_t shapes[2][2 * VE__STAGES] = {{1, 2, 4, 2, 24, 32, 48, 64},
                                                       {1, 1, 1, 1, 32, 64, 96, 128}};
    if (map->family->id != FAMILY_TIMM || config_architecture(c))
        return VE_OK;
    for (int i = 0; i < 2; i++)
        if (memcmp(arch->depths, shapes[i], sizeof arch->depths) == 0 &&
            memcmp(arch->dims, shapes[i] + VE__STAGES, sizeof arch->dims) == 0)
            return ve__fail(VE_ERR_UNSUPPORTED,
                            "depths and widths are those of timm's test_convnext models, whose "
                            "activation is not the erf GELU; if it is another model, name its "
                            "architecture in a config file (--config)");
    return VE_OK;
}

ve_status infer_trunk(const family_map *map, const config *c, ve__arch *arch)
{
    memset(arch, 0, sizeof *arch);
    VE_TRY(infer_blocks(map, arch));
    VE_TRY(refuse_test_models(map, c, arch));
    VE_TRY(infer_stem(map, arch));
    VE_TRY(infer_norm(map, c, arch));
    infer_eps(map, c, arch);
    return VE_OK;
}
