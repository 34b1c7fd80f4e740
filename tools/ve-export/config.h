/* SPDX-License-Identifier: MIT */
/* What a checkpoint's JSON files say: timm's config.json (pretrained_cfg, or its fields at top level), Hugging
 * Face's config.json and preprocessor_config.json, OpenCLIP's open_clip_config.json. A file of our users' own
 * (--config) uses the same words; "thresholds": [[false accept rate, similarity], ...] may be added. */
#ifndef VE_EXPORT_CONFIG_H
#define VE_EXPORT_CONFIG_H

#include "family.h"

#include <jansson.h>

#define CONFIG_MAX_FILES 3

typedef struct config {
    json_t *files[CONFIG_MAX_FILES];
    char names[256]; /* "config.json, preprocessor_config.json"; "" when there is none */
} config;

/* path NULL: what lies in folder, which may be nothing. Zero *c before, close it in any case. */
ve_status config_open(const char *path, const char *folder, config *c);
void config_close(config *c);

/* A text or a number by its key, at top level, in pretrained_cfg, model_args or model_cfg.vision_cfg;
 * NULL / 0 when there is none. */
const char *config_text(const config *c, const char *key);
int config_number(const config *c, const char *key, double *value);

/* What timm calls the network, "convnext_atto"; NULL when no file says. */
const char *config_architecture(const config *c);

/* Refuses what a config says of a network that we could not compute (VE_ERR_UNSUPPORTED, by name). */
ve_status config_check(const config *c);
/* Overwrites those fields of *preprocess that the files speak of; *is_given says whether they do. */
ve_status config_preprocess(const config *c, ve__preprocess *preprocess, int *is_given);
ve_status config_thresholds(const config *c, ve_threshold *rows, uint32_t max_count, uint32_t *count);

#endif
