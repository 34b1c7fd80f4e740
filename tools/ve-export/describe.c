/* SPDX-License-Identifier: MIT */
/* The tables that --info prints, and the lines that an export prints. */
#include "describe.h"

#include "vew_write.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"?", "pooled", "norm", "head"};
static const char *const filters[] = {"?", "nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"};
static const char *const crops[] = {"?", "center", "squash", "border"};
static const char *const stems[] = {"?", "patch", "overlap", "overlap_act"};
static const char *const norms[] = {"?", "layer", "rms", "simple"};
static const char *const finals[] = {"?", "pool", "pool, norm", "norm, pool"};
static const char *const types[] = {"?", "f32", "f16", "i8"};

void describe_preprocess(const ve__preprocess *p, char *text, size_t size)
{
    char resize[32];
    if (p->resize_to)
        snprintf(resize, sizeof resize, "from %lu", (unsigned long)p->resize_to);
    else
        snprintf(resize, sizeof resize, "%.4g", (double)p->crop_fraction);
    snprintf(text, size, "%lux%lu, %s, %s crop %s, mean %g %g %g, std %g %g %g", (unsigned long)p->width,
             (unsigned long)p->height, filters[p->filter], crops[p->crop], resize, (double)p->mean[0],
             (double)p->mean[1], (double)p->mean[2], (double)p->std[0], (double)p->std[1], (double)p->std[2]);
}

static void print_row(FILE *out, const char *key, const char *value)
{
    fprintf(out, "%-14s %s\n", key, value);
}

static void print_four(FILE *out, const char *key, const uint32_t values[VE__STAGES])
{
    fprintf(out, "%-14s %lu %lu %lu %lu\n", key, (unsigned long)values[0], (unsigned long)values[1],
            (unsigned long)values[2], (unsigned long)values[3]);
}

static void print_arch(FILE *out, const ve__arch *a)
{
    fprintf(out, "%-14s ConvNeXt V%lu\n", "architecture", (unsigned long)a->version);
    print_four(out, "depths", a->depths);
    print_four(out, "widths", a->dims);
    if (a->stem == VE__STEM_PATCH)
        fprintf(out, "%-14s patch %lux%lu\n", "stem", (unsigned long)a->stem_patch,
                (unsigned long)a->stem_patch);
    else
        fprintf(out, "%-14s %s, %lu channels between\n", "stem", stems[a->stem], (unsigned long)a->stem_mid);
    fprintf(out, "%-14s %s, eps %g, final eps %g\n", "norm", norms[a->norm], (double)a->eps,
            (double)a->final_eps);
    fprintf(out, "%-14s %s", "end", finals[a->final]);
    for (uint32_t i = 0; i < a->head_layers; i++)
        fprintf(out, ", linear %lu%s", (unsigned long)a->head_dims[i], i + 1 < a->head_layers ? ", gelu" : "");
    if (a->map_outputs)
        fprintf(out, "\n%-14s %lu outputs for each pixel of stages 1 to 3\n", "maps",
                (unsigned long)a->map_outputs);
    else
        fprintf(out, "\n%-14s %s, %lu dimensions\n", "embedding", kinds[a->embedding_kind],
                (unsigned long)ve__arch_embedding_dim(a));
}

static void print_preprocess(FILE *out, const ve__preprocess *preprocess)
{
    char text[256];
    describe_preprocess(preprocess, text, sizeof text);
    print_row(out, "input", text);
}

static void print_head(FILE *out)
{
    fprintf(out, "\n%-44s %-22s %-5s %12s\n", "tensor", "shape", "type", "bytes");
}

static void print_tensor(FILE *out, const char *name, const uint64_t *shape, unsigned rank, const char *type,
                         size_t bytes)
{
    char text[8 * 21 + 1] = "";
    for (unsigned i = 0; i < rank; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu", i ? " " : "",
                 (unsigned long long)shape[i]);
    fprintf(out, "%-44s %-22s %-5s %12llu\n", name, rank ? text : "(one number)", type,
            (unsigned long long)bytes);
}

static void print_total(FILE *out, size_t tensors, uint64_t elements, uint64_t bytes)
{
    fprintf(out, "%llu tensors, %llu parameters, %llu bytes\n", (unsigned long long)tensors,
            (unsigned long long)elements, (unsigned long long)bytes);
}

/* A whole file is one whose tensors' checksums match, and whose fingerprint is that of its contents. */
static ve_status check_tensors(const ve__weights *w, float **buffer)
{
    size_t longest = 0;
    for (size_t i = 0; i < ve__weights_tensor_count(w); i++)
        if (ve__weights_tensor(w, i)->count > longest)
            longest = ve__weights_tensor(w, i)->count;
    *buffer = malloc(longest * sizeof **buffer);
    if (!*buffer)
        return ve__fail(VE_ERR_MEMORY, "no memory for a tensor of %llu elements", (unsigned long long)longest);
    for (size_t i = 0; i < ve__weights_tensor_count(w); i++)
        VE_TRY(ve__weights_read(w, ve__weights_tensor(w, i), *buffer));
    return VE_OK;
}

static ve_status check_whole(const ve__weights *w)
{
    char fingerprint[65];
    float *buffer = NULL;
    ve_status status = check_tensors(w, &buffer);
    free(buffer);
    if (status == VE_OK)
        status = vew_fingerprint(w, fingerprint);
    if (status == VE_OK && strcmp(fingerprint, ve__weights_fingerprint(w)) != 0)
        return ve__fail(VE_ERR_CORRUPT, "the fingerprint is not that of the contents (%s)", fingerprint);
    return status;
}

static void print_tensors(FILE *out, const ve__weights *w)
{
    uint64_t elements = 0, bytes = 0;
    size_t count = ve__weights_tensor_count(w);
    print_head(out);
    for (size_t i = 0; i < count; i++) {
        const ve__tensor *t = ve__weights_tensor(w, i);
        uint64_t shape[VE__MAX_RANK] = {t->shape[0], t->shape[1], t->shape[2], t->shape[3]};
        print_tensor(out, t->name, shape, t->rank, types[t->type], t->size_bytes);
        elements += t->count;
        bytes += t->size_bytes;
    }
    print_total(out, count, elements, bytes);
}

static void print_weights(FILE *out, const ve__weights *w)
{
    const ve_threshold *rows;
    const char *sha256, *source = ve__weights_source(w, &sha256);
    print_row(out, "name", ve__weights_name(w));
    print_arch(out, ve__weights_arch(w));
    print_preprocess(out, ve__weights_preprocess(w));
    print_row(out, "precision", ve__weights_type(w));
    print_row(out, "fingerprint", ve__weights_fingerprint(w));
    print_row(out, "source", source);
    print_row(out, "source sha256", sha256);
    for (size_t i = 0; i < ve__weights_thresholds(w, &rows); i++)
        fprintf(out, "%-14s %g accepts %g of strangers\n", "threshold", (double)rows[i].similarity,
                (double)rows[i].false_accept_rate);
    print_tensors(out, w);
}

ve_status describe_vew(const char *path, FILE *out)
{
    ve__weights *w;
    VE_TRY(ve__weights_open(path, &w));
    print_weights(out, w);
    ve_status status = check_whole(w);
    ve__weights_close(w);
    return status == VE_OK ? VE_OK : ve__fail_within(status, "%s", path);
}

static void print_plan(FILE *out, const family_map *map, const plan *p, const config *files)
{
    print_row(out, "family", map->family->title);
    print_row(out, "name", p->about.name);
    print_arch(out, &p->about.arch);
    print_row(out, "chosen", p->choice);
    print_preprocess(out, &p->about.preprocess);
    print_row(out, "input from", p->is_preprocess_given ? files->names : "the family's defaults");
    if (p->unused[0])
        print_row(out, "left out", p->unused);
}

void describe_checkpoint(const checkpoint *c, const family_map *map, const plan *p, const config *files,
                         const char *why, FILE *out)
{
    uint64_t elements = 0, bytes = 0;
    if (p)
        print_plan(out, map, p, files);
    else
        print_row(out, "no export", why);
    print_head(out);
    for (size_t i = 0; i < c->tensor_count; i++) {
        const safetensors_tensor *t = checkpoint_tensor(c, i, NULL);
        print_tensor(out, t->name, t->shape, t->rank, t->dtype->name, t->size_bytes);
        elements += t->count;
        bytes += t->size_bytes;
    }
    print_total(out, c->tensor_count, elements, bytes);
}
