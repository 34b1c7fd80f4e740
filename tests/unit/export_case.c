/* SPDX-License-Identifier: MIT */
/* Makes the checkpoints and exports them. */
#include "unit/export_case.h"

#include "base/bytes.h"
#include "support/cmocka_all.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void case_add(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d)
{
    item i = {"", "F32", rank, {a, b, c, d, 1}};
    assert_true(l->count < MAX_TENSORS);
    snprintf(i.name, sizeof i.name, "%s", name);
    l->items[l->count++] = i;
}

void case_add_pair(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d)
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s.weight", name);
    case_add(l, whole, rank, a, b, c, d);
    snprintf(whole, sizeof whole, "%s.bias", name);
    case_add(l, whole, 1, a, 1, 1, 1);
}

void case_add_block(list *l, unsigned stage, unsigned dim)
{
    static const char *const parts[] = {"conv_dw", "norm", "mlp.fc1", "mlp.fc2"};
    char name[96];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "stages.%u.blocks.0.%s", stage, parts[i]);
        case_add_pair(l, name,
                      i == 0   ? 4
                      : i == 1 ? 1
                               : 2,
                      i == 2 ? 4 * dim : dim,
                      i == 0   ? 1
                      : i == 2 ? dim
                               : 4 * dim,
                      7, 7);
    }
    snprintf(name, sizeof name, "stages.%u.blocks.0.gamma", stage);
    case_add(l, name, 1, dim, 1, 1, 1);
}

/* The smallest network in timm's names: one block a stage, 2 to 16 channels, a head of 10 classes. */
list case_timm(void)
{
    list l;
    memset(&l, 0, sizeof l);
    case_add_pair(&l, "stem.0", 4, 2, 3, 4, 4);
    case_add_pair(&l, "stem.1", 1, 2, 1, 1, 1);
    for (unsigned s = 0; s < 4; s++) {
        char name[96];
        snprintf(name, sizeof name, "stages.%u.downsample.0", s);
        if (s > 0)
            case_add_pair(&l, name, 1, 1u << s, 1, 1, 1);
        snprintf(name, sizeof name, "stages.%u.downsample.1", s);
        if (s > 0)
            case_add_pair(&l, name, 4, 2u << s, 1u << s, 2, 2);
        case_add_block(&l, s, 2u << s);
    }
    case_add_pair(&l, "head.norm", 1, 16, 1, 1, 1);
    case_add_pair(&l, "head.fc", 2, 10, 16, 1, 1);
    return l;
}

item *case_find(list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i];
    fail_msg("no tensor %s in the test's list", name);
    return NULL;
}

void case_drop(list *l, const char *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!strstr(l->items[i].name, part))
            l->items[kept++] = l->items[i];
    assert_true(kept < l->count);
    l->count = kept;
}

/* ---- on disk */

static char folder[] = "/tmp/visembed-export-XXXXXX";

const char *case_path(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static size_t element_bytes(const item *i)
{
    return strcmp(i->dtype, "F32") == 0                                   ? 4
           : strcmp(i->dtype, "F64") == 0 || strcmp(i->dtype, "I64") == 0 ? 8
                                                                          : 2;
}

static size_t item_count(const item *i)
{
    size_t count = 1;
    for (unsigned k = 0; k < i->rank; k++)
        count *= i->shape[k];
    return count;
}

float case_value(size_t tensor, size_t element)
{
    return (float)((tensor * 37 + element * 11) % 61) / 32.0f - 0.9375f;
}

static void write_values(FILE *file, const list *l, size_t t)
{
    const item *i = &l->items[t];
    for (size_t e = 0; e < item_count(i); e++) {
        unsigned char bytes[8] = {0};
        int is_poison = l->poisoned && strcmp(l->poisoned, i->name) == 0 && e + 1 == item_count(i);
        uint32_t bits = ve__float_bits(is_poison ? l->poison : case_value(t, e));
        if (strcmp(i->dtype, "BF16") == 0)
            ve__store_u16(bytes, (uint16_t)(bits >> 16));
        else if (strcmp(i->dtype, "F16") == 0)
            ve__store_u16(bytes, ve__float_to_half(ve__bits_float(bits)));
        else
            ve__store_u32(bytes, bits);
        assert_int_equal(fwrite(bytes, 1, element_bytes(i), file), element_bytes(i));
    }
}

void case_write(const list *l)
{
    static char header[64 * 1024];
    size_t used = 1, offset = 0;
    unsigned char length[8];
    FILE *file = fopen(case_path("model.safetensors"), "wb");
    assert_non_null(file);
    strcpy(header, "{");
    for (size_t t = 0; t < l->count; t++) {
        const item *i = &l->items[t];
        size_t bytes = item_count(i) * element_bytes(i);
        used += (size_t)snprintf(header + used, sizeof header - used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                                 t ? "," : "", i->name, i->dtype);
        for (unsigned k = 0; k < i->rank; k++)
            used += (size_t)snprintf(header + used, sizeof header - used, "%s%u", k ? "," : "", i->shape[k]);
        used += (size_t)snprintf(header + used, sizeof header - used, "],\"data_offsets\":[%zu,%zu]}", offset,
                                 offset + bytes);
        offset += bytes;
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "}");
    ve__store_u64(length, used);
    fwrite(length, 1, 8, file);
    fwrite(header, 1, used, file);
    for (size_t t = 0; t < l->count; t++)
        write_values(file, l, t);
    assert_int_equal(fclose(file), 0);
}

void case_write_config(const char *name, const char *text)
{
    FILE *file = fopen(case_path(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

int case_make_folder(void **state)
{
    (void)state;
    return sodium_init() < 0 || !mkdtemp(folder) ? -1 : 0;
}

size_t case_clear(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            unlink(case_path(entry->d_name));
            count++;
        }
    closedir(dir);
    return count;
}

int case_remove_folder(void **state)
{
    (void)state;
    case_clear();
    return rmdir(folder);
}

/* Exports the list, with the text as config.json where there is one. */
ve_status case_export(const list *l, const char *config_text, plan_options how)
{
    char input[200];
    snprintf(input, sizeof input, "%s", case_path("model.safetensors"));
    export_options options = {input, NULL, NULL, how, 1, NULL, NULL};
    case_write(l);
    if (config_text)
        case_write_config("config.json", config_text);
    return export_run(&options, stderr, stdout);
}

const plan_options case_plain = {0, VE__TYPE_F32, NULL};

/* Exports and expects it to be refused with these words, and no file beside the input. */
void case_refused(const list *l, const char *config_text, plan_options how, ve_status status, const char *words)
{
    ve_status got = case_export(l, config_text, how);
    if (got != status || !strstr(ve_last_error(), words))
        fail_msg("expected \"%s\", got %s, \"%s\"", words, ve_status_name(got), got ? ve_last_error() : "");
    assert_int_equal(case_clear(), config_text ? 2 : 1);
}

/* Exports and opens what came out; the folder is empty afterwards. */
ve__weights *case_exported(const list *l, const char *config_text, plan_options how)
{
    ve__weights *weights = NULL;
    if (case_export(l, config_text, how) != VE_OK)
        fail_msg("%s", ve_last_error());
    if (ve__weights_open(case_path("model.vew"), &weights) != VE_OK)
        fail_msg("%s", ve_last_error());
    assert_int_equal(case_clear(), config_text ? 3 : 2);
    return weights;
}
