/* SPDX-License-Identifier: MIT */
/* Opens checkpoints: single files, sharded sets, folders. */
#include "checkpoint.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *checkpoint_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static ve_status join(char *out, size_t size, const char *folder, const char *name)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= size)
        return ve__fail(VE_ERR_ARGUMENT, "the path is too long: %.64s...", folder);
    return VE_OK;
}

/* What hubs call a checkpoint, in the order in which we look. */
static const char *const usual_names[] = {"model.safetensors", "model.safetensors.index.json",
                                          "open_clip_model.safetensors", NULL};

static ve_status find_in_folder(const char *folder, char *path, size_t size)
{
    struct stat info;
    for (int i = 0; usual_names[i]; i++) {
        VE_TRY(join(path, size, folder, usual_names[i]));
        if (stat(path, &info) == 0)
            return VE_OK;
    }
    return ve__fail(VE_ERR_NOT_FOUND, "%s: neither model.safetensors nor model.safetensors.index.json in it",
                    folder);
}

static ve_status locate(const char *path, checkpoint *c)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return ve__fail_errno("cannot open", path);
    if (S_ISDIR(info.st_mode))
        VE_TRY(find_in_folder(path, c->path, sizeof c->path));
    else if (snprintf(c->path, sizeof c->path, "%s", path) >= (int)sizeof c->path)
        return ve__fail(VE_ERR_ARGUMENT, "the path is too long: %.64s...", path);
    strcpy(c->folder, c->path);
    char *slash = strrchr(c->folder, '/');
    if (slash)
        slash[slash == c->folder] = '\0';
    else
        strcpy(c->folder, ".");
    return VE_OK;
}

static ve_status count_file(checkpoint *c, const safetensors *file)
{
    c->tensor_count += file->tensor_count;
    c->size_bytes += file->file.size;
    if (c->tensor_count > CHECKPOINT_MAX_TENSORS)
        return ve__fail(VE_ERR_TOO_LARGE, "%s: more than %u tensors", c->path, CHECKPOINT_MAX_TENSORS);
    return VE_OK;
}

static ve_status add_file(checkpoint *c, const char *path)
{
    if (c->file_count == CHECKPOINT_MAX_FILES)
        return ve__fail(VE_ERR_TOO_LARGE, "%s: more than %u files", c->path, CHECKPOINT_MAX_FILES);
    c->file_paths[c->file_count] = strdup(path);
    if (!c->file_paths[c->file_count])
        return ve__fail(VE_ERR_MEMORY, "no memory for a path");
    safetensors *file = &c->files[c->file_count++];
    VE_TRY(safetensors_open(path, SAFETENSORS_MAX_HEADER, file));
    return count_file(c, file);
}

/* A shard lies beside its index: a name with a folder in it could lead anywhere. */
static int is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/') && ends_with(name, ".safetensors");
}

static const safetensors *find_file(const checkpoint *c, const char *name)
{
    for (size_t i = 0; i < c->file_count; i++)
        if (strcmp(checkpoint_base_name(c->file_paths[i]), name) == 0)
            return &c->files[i];
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the shards, each once, sorted. */
static ve_status list_shards(json_t *map, const char **names, size_t *count)
{
    *count = 0;
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        const char *name = json_string_value(json_object_iter_value(at));
        size_t i = 0;
        if (!name || !is_plain_name(name))
            return ve__fail(VE_ERR_FORMAT, "weight_map: %.64s has no plain file name",
                            json_object_iter_key(at));
        while (i < *count && strcmp(names[i], name) != 0)
            i++;
        if (i == CHECKPOINT_MAX_FILES)
            return ve__fail(VE_ERR_TOO_LARGE, "weight_map: more than %u files", CHECKPOINT_MAX_FILES);
        if (i == *count)
            names[(*count)++] = name;
    }
    qsort(names, *count, sizeof *names, by_text);
    return VE_OK;
}

static int has_tensor(const safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return 1;
    return 0;
}

/* Map and files name the same tensors: each in the file that the map says, and no others. */
static ve_status check_map(const checkpoint *c, json_t *map)
{
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        const char *name = json_string_value(json_object_iter_value(at));
        if (!has_tensor(find_file(c, name), json_object_iter_key(at)))
            return ve__fail(VE_ERR_FORMAT, "tensor %.128s is not in %.128s, where the index puts it",
                            json_object_iter_key(at), name);
    }
    if (json_object_size(map) != c->tensor_count)
        return ve__fail(VE_ERR_FORMAT, "the files have %llu tensors, the index names %llu",
                        (unsigned long long)c->tensor_count, (unsigned long long)json_object_size(map));
    return VE_OK;
}

static ve_status open_shards(checkpoint *c, json_t *map)
{
    const char *names[CHECKPOINT_MAX_FILES];
    size_t count;
    if (!json_is_object(map) || json_object_size(map) == 0)
        return ve__fail(VE_ERR_FORMAT, "no weight_map: not an index of a sharded checkpoint");
    VE_TRY(list_shards(map, names, &count));
    for (size_t i = 0; i < count; i++) {
        char path[sizeof c->folder + 256];
        VE_TRY(join(path, sizeof path, c->folder, names[i]));
        VE_TRY(add_file(c, path));
    }
    return check_map(c, map);
}

static ve_status open_index(checkpoint *c)
{
    json_error_t error;
    json_t *root = json_load_file(c->path, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return ve__fail(VE_ERR_FORMAT, "%s: not good JSON: %s (line %d)", c->path, error.text, error.line);
    ve_status status = open_shards(c, json_object_get(root, "weight_map"));
    json_decref(root);
    return status == VE_OK ? VE_OK : ve__fail_within(status, "%s", c->path);
}

ve_status checkpoint_open(const char *path, checkpoint *c)
{
    VE_TRY(locate(path, c));
    return ends_with(c->path, ".json") ? open_index(c) : add_file(c, c->path);
}

ve_status checkpoint_open_memory(const void *bytes, size_t size, checkpoint *c)
{
    strcpy(c->path, "memory");
    strcpy(c->folder, ".");
    c->file_count = 1;
    VE_TRY(safetensors_open_memory(bytes, size, SAFETENSORS_MAX_HEADER, &c->files[0]));
    return count_file(c, &c->files[0]);
}

void checkpoint_close(checkpoint *c)
{
    for (size_t i = 0; i < c->file_count; i++) {
        free(c->file_paths[i]);
        safetensors_close(&c->files[i]);
    }
    memset(c, 0, sizeof *c);
}

const safetensors_tensor *checkpoint_tensor(const checkpoint *c, size_t index, const safetensors **file)
{
    size_t i = 0;
    while (index >= c->files[i].tensor_count)
        index -= c->files[i++].tensor_count;
    if (file)
        *file = &c->files[i];
    return &c->files[i].tensors[index];
}

ve_status checkpoint_sha256(const checkpoint *c, progress *p, char hex[65])
{
    enum { CHUNK = 1 << 20 };
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < c->file_count; i++) {
        const ve__mapped *file = &c->files[i].file;
        for (size_t at = 0; at < file->size; at += CHUNK) {
            size_t some = file->size - at < CHUNK ? file->size - at : CHUNK;
            crypto_hash_sha256_update(&state, file->bytes + at, some);
            if (c->files[i].is_mapped)
                ve__map_forget(file, at, some);
            progress_add(p, some);
        }
    }
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(hex, 65, digest, sizeof digest);
    return VE_OK;
}

int checkpoint_has_file(const checkpoint *c, const char *path)
{
    struct stat a, b;
    if (stat(path, &a) != 0)
        return 0;
    for (size_t i = 0; i <= c->file_count; i++) {
        const char *other = i < c->file_count ? c->file_paths[i] : c->path;
        if (other && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return 1;
    }
    return 0;
}
