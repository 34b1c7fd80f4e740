/* SPDX-License-Identifier: MIT */
/* Finds the JSON files and answers questions about the network; the preprocessing is in config_preprocess.c. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const usual_names[CONFIG_MAX_FILES] = {"config.json", "preprocessor_config.json",
                                                          "open_clip_config.json"};

/* A file that is not there is no error; one that cannot be understood is. */
static ve_status load(const char *path, const char *name, int index, config *c)
{
    json_error_t error;
    size_t used = strlen(c->names);
    c->files[index] = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!c->files[index])
        return ve__fail(VE_ERR_FORMAT, "%s: not good JSON: %s (line %d)", path, error.text, error.line);
    if (!json_is_object(c->files[index]))
        return ve__fail(VE_ERR_FORMAT, "%s: not a JSON object", path);
    snprintf(c->names + used, sizeof c->names - used, "%s%s", used ? ", " : "", name);
    return VE_OK;
}

ve_status config_open(const char *path, const char *folder, config *c)
{
    struct stat info;
    if (path)
        return stat(path, &info) == 0 ? load(path, checkpoint_base_name(path), 0, c)
                                      : ve__fail_errno("cannot open", path);
    for (int i = 0; i < CONFIG_MAX_FILES; i++) {
        char whole[4200];
        snprintf(whole, sizeof whole, "%s/%s", folder, usual_names[i]);
        if (stat(whole, &info) == 0)
            VE_TRY(load(whole, usual_names[i], i, c));
    }
    return VE_OK;
}

void config_close(config *c)
{
    for (int i = 0; i < CONFIG_MAX_FILES; i++)
        json_decref(c->files[i]);
    memset(c, 0, sizeof *c);
}

/* The first value of that key that is not null. */
static json_t *find(const config *c, const char *key)
{
    for (int i = 0; i < CONFIG_MAX_FILES; i++) {
        json_t *file = c->files[i];
        json_t *const places[] = {file, json_object_get(file, "pretrained_cfg"),
                                  json_object_get(file, "model_args"),
                                  json_object_get(json_object_get(file, "model_cfg"), "vision_cfg")};
        for (size_t j = 0; j < sizeof places / sizeof places[0]; j++) {
            json_t *value = json_object_get(places[j], key);
            if (value && !json_is_null(value))
                return value;
        }
    }
    return NULL;
}

const char *config_text(const config *c, const char *key)
{
    return json_string_value(find(c, key));
}

int config_number(const config *c, const char *key, double *value)
{
    const json_t *found = find(c, key);
    if (!json_is_number(found))
        return 0;
    *value = json_number_value(found);
    return 1;
}

const char *config_architecture(const config *c)
{
    const char *text = config_text(c, "architecture");
    return text ? text : config_text(c, "timm_model_name");
}

/* A key, and the values of it that we can compute. */
typedef struct allowed {
    const char *key;
    const char *values[6];
} allowed;

static const allowed allowed_texts[] = {
    {"hidden_act", {"gelu"}},
    {"act_layer", {"gelu"}},
    {"global_pool", {"avg"}},
    {"timm_pool", {"avg", ""}}, /* OpenCLIP; "": as the trunk does */
    {"norm_layer", {"layernorm", "layernorm2d", "rmsnorm", "rmsnorm2d", "simplenorm", "simplenorm2d"}},
    {"stem_type", {"patch", "overlap", "overlap_tiered", "overlap_act"}},
};

static ve_status check_text(const config *c, const allowed *a)
{
    const char *text = config_text(c, a->key);
    if (!text)
        return VE_OK;
    for (size_t i = 0; i < sizeof a->values / sizeof a->values[0] && a->values[i]; i++)
        if (strcmp(text, a->values[i]) == 0)
            return VE_OK;
    return ve__fail(VE_ERR_UNSUPPORTED, "%s: %s \"%.64s\" cannot be represented", c->names, a->key, text);
}

/* timm's test_convnext* have tanh GELU or SiLU, and other kernel sizes: no tensor's name or shape tells. */
static ve_status check_architecture(const config *c)
{
    const char *text = config_architecture(c);
    if (text && strncmp(text, "test_convnext", 13) == 0)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: architecture %.64s has an activation other than the erf GELU",
                        c->names, text);
    return VE_OK;
}

ve_status config_check(const config *c)
{
    double stride;
    VE_TRY(check_architecture(c));
    for (size_t i = 0; i < sizeof allowed_texts / sizeof allowed_texts[0]; i++)
        VE_TRY(check_text(c, &allowed_texts[i]));
    if (config_number(c, "output_stride", &stride) && stride != 32.0)
        return ve__fail(VE_ERR_UNSUPPORTED, "%s: output_stride %g (dilated convolutions) cannot be represented",
                        c->names, stride);
    return VE_OK;
}

static int read_row(const json_t *row, ve_threshold *threshold)
{
    if (json_array_size(row) != 2 || !json_is_number(json_array_get(row, 0)) ||
        !json_is_number(json_array_get(row, 1)))
        return 0;
    threshold->false_accept_rate = (float)json_number_value(json_array_get(row, 0));
    threshold->similarity = (float)json_number_value(json_array_get(row, 1));
    return 1;
}

ve_status config_thresholds(const config *c, ve_threshold *rows, uint32_t max_count, uint32_t *count)
{
    const json_t *list = find(c, "thresholds");
    *count = 0;
    if (!list)
        return VE_OK;
    if (!json_is_array(list) || json_array_size(list) > max_count)
        return ve__fail(VE_ERR_FORMAT, "%s: thresholds is not an array of at most %lu pairs", c->names,
                        (unsigned long)max_count);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_row(json_array_get(list, i), &rows[i]))
            return ve__fail(VE_ERR_FORMAT, "%s: thresholds: row %lu is not a pair of numbers", c->names,
                            (unsigned long)i);
    *count = (uint32_t)json_array_size(list);
    return VE_OK;
}
