/* SPDX-License-Identifier: MIT */
/* What is known of each family, as tables. Names and defaults are those of the projects' own sources: timm
 * (models/convnext.py), ConvNeXt and ConvNeXt-V2 (models/), transformers (models/convnext, convnextv2,
 * dinov3_convnext), dinov3 (models/convnext.py), torchvision (models/convnext.py), open_clip (timm_model.py).
 */
#include "family.h"

/* clang-format off */
static const family_rule timm_rules[] = {
    {"stages.%s.downsample.0.*",         "stage.%s.down.norm.*"},
    {"stages.%s.downsample.1.*",         "stage.%s.down.*"},
    {"stages.%s.blocks.%b.conv_dw.*",    "stage.%s.block.%b.dw.*"},
    {"stages.%s.blocks.%b.norm.*",       "stage.%s.block.%b.norm.*"},
    {"stages.%s.blocks.%b.mlp.fc1.*",    "stage.%s.block.%b.fc1.*"},
    {"stages.%s.blocks.%b.mlp.grn.*",    "stage.%s.block.%b.grn.*"},
    {"stages.%s.blocks.%b.mlp.fc2.*",    "stage.%s.block.%b.fc2.*"},
    {"stages.%s.blocks.%b.gamma",        "stage.%s.block.%b.scale"},
    {"norm_pre.*",                       "norm_pre.*"},
    {"head.norm.*",                      "final.norm.*"},
    {"head.pre_logits.fc.*",             "head.pre.*"},
    {"head.fc.*",                        "head.out.*"},
    {"norms.%a",                         NULL}, /* DINOv3's training leaves them */
    {"projectors.%a",                    NULL}, /* EUPE's */
    {NULL, NULL},
};

static const family_rule timm_stem_patch[] = {
    {"stem.0.*", "stem.0.*"},
    {"stem.1.*", "stem.norm.*"},
    {NULL, NULL},
};

static const family_rule timm_stem_overlap[] = {
    {"stem.0.*", "stem.0.*"},
    {"stem.1.*", "stem.1.*"},
    {"stem.2.*", "stem.norm.*"},
    {NULL, NULL},
};

static const family_rule timm_stem_overlap_act[] = {
    {"stem.0.*", "stem.0.*"},
    {"stem.2.*", "stem.1.*"},
    {"stem.3.*", "stem.norm.*"},
    {NULL, NULL},
};

static const family_rule original_rules[] = {
    {"downsample_layers.0.0.*",          "stem.0.*"},
    {"downsample_layers.0.1.*",          "stem.norm.*"},
    {"downsample_layers.%s.0.*",         "stage.%s.down.norm.*"},
    {"downsample_layers.%s.1.*",         "stage.%s.down.*"},
    {"stages.%s.%b.dwconv.*",            "stage.%s.block.%b.dw.*"},
    {"stages.%s.%b.norm.*",              "stage.%s.block.%b.norm.*"},
    {"stages.%s.%b.pwconv1.*",           "stage.%s.block.%b.fc1.*"},
    {"stages.%s.%b.grn.gamma",           "stage.%s.block.%b.grn.weight"},
    {"stages.%s.%b.grn.beta",            "stage.%s.block.%b.grn.bias"},
    {"stages.%s.%b.pwconv2.*",           "stage.%s.block.%b.fc2.*"},
    {"stages.%s.%b.gamma",               "stage.%s.block.%b.scale"},
    {"norm.*",                           "final.norm.*"},
    {"head.*",                           "head.out.*"},
    {NULL, NULL},
};

static const family_rule dinov3_rules[] = {
    {"norms.%a", NULL}, /* norms.3 is the final norm once more, the others are unused */
    {NULL, NULL},
};

static const family_rule hf_rules[] = {
    {"embeddings.patch_embeddings.*",                      "stem.0.*"},
    {"embeddings.layernorm.*",                             "stem.norm.*"},
    {"encoder.stages.%s.downsampling_layer.0.*",           "stage.%s.down.norm.*"},
    {"encoder.stages.%s.downsampling_layer.1.*",           "stage.%s.down.*"},
    {"encoder.stages.%s.layers.%b.dwconv.*",               "stage.%s.block.%b.dw.*"},
    {"encoder.stages.%s.layers.%b.layernorm.*",            "stage.%s.block.%b.norm.*"},
    {"encoder.stages.%s.layers.%b.pwconv1.*",              "stage.%s.block.%b.fc1.*"},
    {"encoder.stages.%s.layers.%b.grn.*",                  "stage.%s.block.%b.grn.*"},
    {"encoder.stages.%s.layers.%b.pwconv2.*",              "stage.%s.block.%b.fc2.*"},
    {"encoder.stages.%s.layers.%b.layer_scale_parameter",  "stage.%s.block.%b.scale"},
    {"layernorm.*",                                        "final.norm.*"},
    {"classifier.*",                                       "head.out.*"},
    {NULL, NULL},
};

static const family_rule hf_dinov3_rules[] = {
    {"stages.0.downsample_layers.0.*",            "stem.0.*"},
    {"stages.0.downsample_layers.1.*",            "stem.norm.*"},
    {"stages.%s.downsample_layers.0.*",           "stage.%s.down.norm.*"},
    {"stages.%s.downsample_layers.1.*",           "stage.%s.down.*"},
    {"stages.%s.layers.%b.depthwise_conv.*",      "stage.%s.block.%b.dw.*"},
    {"stages.%s.layers.%b.layer_norm.*",          "stage.%s.block.%b.norm.*"},
    {"stages.%s.layers.%b.pointwise_conv1.*",     "stage.%s.block.%b.fc1.*"},
    {"stages.%s.layers.%b.pointwise_conv2.*",     "stage.%s.block.%b.fc2.*"},
    {"stages.%s.layers.%b.gamma",                 "stage.%s.block.%b.scale"},
    {"layer_norm.*",                              "final.norm.*"},
    {NULL, NULL},
};

static const family_rule torchvision_rules[] = {
    {"features.0.0.*",              "stem.0.*"},
    {"features.0.1.*",              "stem.norm.*"},
    {"features.%e.0.*",             "stage.%s.down.norm.*"},
    {"features.%e.1.*",             "stage.%s.down.*"},
    {"features.%o.%b.block.0.*",    "stage.%s.block.%b.dw.*"},
    {"features.%o.%b.block.2.*",    "stage.%s.block.%b.norm.*"},
    {"features.%o.%b.block.3.*",    "stage.%s.block.%b.fc1.*"},
    {"features.%o.%b.block.5.*",    "stage.%s.block.%b.fc2.*"},
    {"features.%o.%b.layer_scale",  "stage.%s.block.%b.scale"},
    {"classifier.0.*",              "final.norm.*"},
    {"classifier.2.*",              "head.out.*"},
    {NULL, NULL},
};

/* Names of the whole file, not behind the tower's prefix. */
static const family_rule open_clip_rules[] = {
    {"visual.head.proj.*",      "head.out.*"},
    {"visual.head.mlp.fc1.*",   "head.pre.*"},
    {"visual.head.mlp.fc2.*",   "head.out.*"},
    {"text.%a",                 NULL}, /* the text tower, in its two layouts, and the loss */
    {"transformer.%a",          NULL},
    {"token_embedding.%a",      NULL},
    {"positional_embedding",    NULL},
    {"ln_final.%a",             NULL},
    {"text_projection",         NULL},
    {"attn_mask",               NULL},
    {"logit_scale",             NULL},
    {"logit_bias",              NULL},
    {NULL, NULL},
};

#define IMAGENET_MEAN {0.485f, 0.456f, 0.406f}
#define IMAGENET_STD  {0.229f, 0.224f, 0.225f}
#define OPENAI_MEAN   {0.48145466f, 0.4578275f, 0.40821073f}
#define OPENAI_STD    {0.26862954f, 0.26130258f, 0.27577711f}

static const family families[] = {
    {FAMILY_OPEN_CLIP, "OpenCLIP image tower", "visual.trunk.", {"stem.0.weight", "stages.0.blocks.0.conv_dw.weight"},
     {timm_rules, open_clip_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_HEAD,
     {256, 256, OPENAI_MEAN, OPENAI_STD, VE__FILTER_BICUBIC, VE__CROP_CENTER, 1.0f, 0}},
    {FAMILY_TIMM, "timm", "", {"stem.0.weight", "stages.0.blocks.0.conv_dw.weight"},
     {timm_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_NORM,
     {224, 224, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BICUBIC, VE__CROP_CENTER, 0.875f, 0}},
    {FAMILY_DINOV3, "DINOv3 (original names)", "",
     {"downsample_layers.0.0.weight", "stages.0.0.dwconv.weight", "norms.3.weight"},
     {dinov3_rules, original_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_NORM,
     {256, 256, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BILINEAR, VE__CROP_SQUASH, 1.0f, 0}},
    {FAMILY_ORIGINAL, "ConvNeXt (original names)", "",
     {"downsample_layers.0.0.weight", "stages.0.0.dwconv.weight"},
     {original_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_NORM,
     {224, 224, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BICUBIC, VE__CROP_CENTER, 0.875f, 0}},
    {FAMILY_HF, "Hugging Face ConvNext", "",
     {"embeddings.patch_embeddings.weight", "encoder.stages.0.layers.0.dwconv.weight"},
     {hf_rules}, 1e-6f, 1e-12f, VE_EMBEDDING_NORM,
     {224, 224, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BICUBIC, VE__CROP_CENTER, 0.875f, 0}},
    {FAMILY_HF_DINOV3, "Hugging Face DINOv3ConvNext", "",
     {"stages.0.downsample_layers.0.weight", "stages.0.layers.0.depthwise_conv.weight"},
     {hf_dinov3_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_NORM,
     {224, 224, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BILINEAR, VE__CROP_SQUASH, 1.0f, 0}},
    {FAMILY_TORCHVISION, "torchvision", "", {"features.0.0.weight", "features.1.0.block.0.weight"},
     {torchvision_rules}, 1e-6f, 1e-6f, VE_EMBEDDING_NORM,
     {224, 224, IMAGENET_MEAN, IMAGENET_STD, VE__FILTER_BILINEAR, VE__CROP_CENTER, 1.0f, 232}},
};
/* clang-format on */

static const char *const common_prefixes[] = {"",          "module.",     "model.",           "module.model.",
                                              "convnext.", "convnextv2.", "dinov3_convnext.", "backbone."};

const family *family_at(size_t index)
{
    return index < sizeof families / sizeof families[0] ? &families[index] : NULL;
}

const char *family_common_prefix(size_t index)
{
    return index < sizeof common_prefixes / sizeof common_prefixes[0] ? common_prefixes[index] : NULL;
}

const family_rule *family_timm_stem(ve__stem stem)
{
    switch (stem) {
    case VE__STEM_OVERLAP:
        return timm_stem_overlap;
    case VE__STEM_OVERLAP_ACT:
        return timm_stem_overlap_act;
    default:
        return timm_stem_patch;
    }
}
