/* SPDX-License-Identifier: MIT */
/* The families of ConvNeXt checkpoints: how each names its tensors, and what it leaves unsaid. The knowledge is
 * in tables (family_tables.c); this is the matching. */
#ifndef VE_EXPORT_FAMILY_H
#define VE_EXPORT_FAMILY_H

#include "checkpoint.h"
#include "weights/weights.h"

/* Their name -> our name (weights.h: ve__arch_tensor). In both: %s is a stage, %b a block, * is "weight" or
 * "bias". In theirs also: %o a torchvision position 1, 3, 5, 7 (stage 0 ... 3), %e a position 2, 4, 6 (stage 1
 * ... 3), %a anything to the end. ours NULL: known and not needed. Our names go beyond weights.h in norm_pre.*
 * (a final norm before the pooling), head.pre.* and head.out.* (the head's layers). */
typedef struct family_rule {
    const char *theirs;
    const char *ours;
} family_rule;

typedef enum family_id {
    FAMILY_TIMM = 1,
    FAMILY_ORIGINAL,
    FAMILY_HF,
    FAMILY_DINOV3,
    FAMILY_HF_DINOV3,
    FAMILY_TORCHVISION,
    FAMILY_OPEN_CLIP
} family_id;

#define FAMILY_MAX_MARKERS 4
#define FAMILY_MAX_TABLES  3

typedef struct family {
    family_id id;
    const char *title;                           /* for people */
    const char *prefix;                          /* that the names have in addition, "" mostly */
    const char *markers[FAMILY_MAX_MARKERS];     /* names (after the prefix) that must all be there */
    const family_rule *rules[FAMILY_MAX_TABLES]; /* searched in this order */
    float eps, final_eps;
    uint32_t default_kind;     /* ve_embedding_kind: what the family calls the embedding */
    ve__preprocess preprocess; /* when there is no config file */
} family;

/* NULL past the end; more particular families come first. */
const family *family_at(size_t index);
/* Prefixes that training programs put in front of all names. */
const char *family_common_prefix(size_t index);
/* timm's stems: which of stem.1, .2, .3 is a convolution and which the norm. */
const family_rule *family_timm_stem(ve__stem stem);

/* One tensor of the checkpoint under our name. */
typedef struct family_entry {
    char ours[VE__MAX_NAME];
    const safetensors_tensor *tensor;
    const safetensors *file;
    int is_used;
} family_entry;

typedef struct family_map {
    const family *family;
    const char *prefix; /* the common one that was stripped */
    ve__stem stem;      /* overlap_act or not, for timm; VE__STEM_PATCH or VE__STEM_OVERLAP else unknown yet */
    family_entry *entries;
    size_t entry_count;
    size_t ignored_count; /* known and not needed */
} family_map;

/* Recognises the family and gives every tensor our name. VE_ERR_UNSUPPORTED, naming tensors, where none fits or
 * something is left over. Free the map in any case. */
ve_status family_recognise(const checkpoint *c, family_map *map);
void family_free(family_map *map);
/* The entry of our name; NULL when there is none. */
family_entry *family_find(const family_map *map, const char *ours);

#endif
