/* SPDX-License-Identifier: MIT */
/* From names and shapes to a network: what the .vew file will say, and where each of its tensors comes from. */
#ifndef VE_EXPORT_PLAN_H
#define VE_EXPORT_PLAN_H

#include "config.h"
#include "family.h"
#include "weights/vew.h"

typedef struct plan_options {
    uint32_t embedding_kind; /* ve_embedding_kind; 0: by rule */
    ve__type precision;
    const char *name; /* NULL: from the config or the size */
} plan_options;

/* One tensor of the .vew: from the checkpoint, or (entry NULL) the same value everywhere. */
typedef struct plan_tensor {
    ve__tensor_spec spec;
    const family_entry *entry;
    float fill;
} plan_tensor;

typedef struct plan {
    ve__description about; /* all but source and fingerprint */
    plan_tensor *tensors;
    size_t tensor_count;
    char choice[256];        /* which embedding and why, for people */
    char unused[256];        /* parts of the checkpoint that this embedding does not need */
    int is_preprocess_given; /* 0: the family's defaults */
} plan;

/* Marks entries of the map as used. Free the plan in any case. */
ve_status plan_make(family_map *map, const config *c, const plan_options *options, plan *p);
void plan_free(plan *p);

#endif
