/* SPDX-License-Identifier: MIT */
/* The one list of the tensors that an architecture has (weights.h shows it in full). It is made of groups
 * (stem, downsampling, block, final norm, head layer), each a small table of parts. A part's shape is a string
 * with one letter per dimension: C channels, H hidden channels (fc1's outputs), P channels of the layer before,
 * M channels between an overlapping stem's convolutions, K the patch; digits stand for themselves. */
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

typedef enum condition { ALWAYS, LAYER_NORM, VERSION_1, VERSION_2 } condition;

/* Texts, not pointers to them: each pointer in a constant table costs a shared library another 24 bytes, for
 * its relocation. */
typedef struct part {
    char name[18]; /* "" ends a table */
    char shape[VE__MAX_RANK + 1];
    unsigned char when; /* a condition */
} part;

static const part patch_stem[] = {
    {"stem.0.weight", "CKK3", ALWAYS},
    {"stem.0.bias", "C", ALWAYS},
    {"stem.norm.weight", "C", ALWAYS},
    {"stem.norm.bias", "C", LAYER_NORM},
    {"", "", ALWAYS},
};

static const part overlap_stem[] = {
    {"stem.0.weight", "M333", ALWAYS},
    {"stem.0.bias", "M", ALWAYS},
    {"stem.1.weight", "C33M", ALWAYS},
    {"stem.1.bias", "C", ALWAYS},
    {"stem.norm.weight", "C", ALWAYS},
    {"stem.norm.bias", "C", LAYER_NORM},
    {"", "", ALWAYS},
};

static const part down[] = {
    {"down.norm.weight", "P", ALWAYS},
    {"down.norm.bias", "P", LAYER_NORM},
    {"down.weight", "C22P", ALWAYS},
    {"down.bias", "C", ALWAYS},
    {"", "", ALWAYS},
};

static const part block[] = {
    {"dw.weight", "77C", ALWAYS},   {"dw.bias", "C", ALWAYS},     {"norm.weight", "C", ALWAYS},
    {"norm.bias", "C", LAYER_NORM}, {"fc1.weight", "HC", ALWAYS}, {"fc1.bias", "H", ALWAYS},
    {"grn.weight", "H", VERSION_2}, {"grn.bias", "H", VERSION_2}, {"fc2.weight", "CH", ALWAYS},
    {"fc2.bias", "C", ALWAYS},      {"scale", "C", VERSION_1},    {"", "", ALWAYS},
};

static const part final_norm[] = {
    {"final.norm.weight", "C", ALWAYS},
    {"final.norm.bias", "C", LAYER_NORM},
    {"", "", ALWAYS},
};

static const part head[] = {
    {"weight", "CP", ALWAYS},
    {"bias", "C", ALWAYS},
    {"", "", ALWAYS},
};

static const part map_head[] = {
    {"norm.weight", "P", ALWAYS},
    {"norm.bias", "P", LAYER_NORM},
    {"weight", "CP", ALWAYS},
    {"bias", "C", ALWAYS},
    {"", "", ALWAYS},
};

/* A walk over the list: `left` counts down to the wanted tensor; found is set when it is reached. */
typedef struct walk {
    const ve__arch *arch;
    size_t left;
    int found;
    ve__tensor_spec *spec;
} walk;

static int part_applies(const ve__arch *arch, const part *p)
{
    switch (p->when) {
    case LAYER_NORM:
        return arch->norm == VE__NORM_LAYER;
    case VERSION_1:
        return arch->version == 1;
    case VERSION_2:
        return arch->version == 2;
    default:
        return 1;
    }
}

static uint32_t dimension(const ve__arch *arch, char letter, uint32_t channels, uint32_t before)
{
    switch (letter) {
    case 'C':
        return channels;
    case 'H':
        return channels * arch->hidden_ratio;
    case 'P':
        return before;
    case 'M':
        return arch->stem_mid;
    case 'K':
        return arch->stem_patch;
    default:
        return (uint32_t)(letter - '0');
    }
}

static void take(walk *w, const char *prefix, const part *p, uint32_t channels, uint32_t before)
{
    ve__tensor_spec *spec = w->spec;
    snprintf(spec->name, sizeof spec->name, "%s%s", prefix, p->name);
    spec->rank = (uint32_t)strlen(p->shape);
    for (uint32_t i = 0; i < VE__MAX_RANK; i++)
        spec->shape[i] = i < spec->rank ? dimension(w->arch, p->shape[i], channels, before) : 1;
    w->found = 1;
}

static void walk_group(walk *w, const char *prefix, const part *parts, uint32_t channels, uint32_t before)
{
    for (const part *p = parts; p->name[0] && !w->found; p++) {
        if (!part_applies(w->arch, p))
            continue;
        if (w->left == 0)
            take(w, prefix, p, channels, before);
        else
            w->left--;
    }
}

static void walk_stage(walk *w, unsigned stage)
{
    char prefix[VE__MAX_NAME / 2];
    uint32_t channels = w->arch->dims[stage];
    snprintf(prefix, sizeof prefix, "stage.%u.", stage);
    if (stage > 0)
        walk_group(w, prefix, down, channels, w->arch->dims[stage - 1]);
    for (unsigned b = 0; b < w->arch->depths[stage] && !w->found; b++) {
        snprintf(prefix, sizeof prefix, "stage.%u.block.%u.", stage, b);
        walk_group(w, prefix, block, channels, channels);
    }
}

static void walk_head(walk *w)
{
    uint32_t before = w->arch->dims[VE__STAGES - 1];
    for (unsigned i = 0; i < w->arch->head_layers && i < VE__MAX_HEAD_LAYERS && !w->found; i++) {
        char prefix[VE__MAX_NAME / 2];
        snprintf(prefix, sizeof prefix, "head.%u.", i);
        walk_group(w, prefix, head, w->arch->head_dims[i], before);
        before = w->arch->head_dims[i];
    }
}

static void walk_maps(walk *w)
{
    for (unsigned s = 1; s < VE__STAGES && w->arch->map_outputs && !w->found; s++) {
        char prefix[VE__MAX_NAME / 2];
        snprintf(prefix, sizeof prefix, "map.%u.", s);
        walk_group(w, prefix, map_head, w->arch->map_outputs, w->arch->dims[s]);
    }
}

int ve__arch_tensor(const ve__arch *arch, size_t index, ve__tensor_spec *spec)
{
    walk w = {arch, index, 0, spec};
    walk_group(&w, "", arch->stem == VE__STEM_PATCH ? patch_stem : overlap_stem, arch->dims[0], 3);
    for (unsigned s = 0; s < VE__STAGES && !w.found; s++)
        walk_stage(&w, s);
    if (arch->final != VE__FINAL_POOL)
        walk_group(&w, "", final_norm, arch->dims[VE__STAGES - 1], 0);
    walk_head(&w);
    walk_maps(&w);
    return w.found;
}
