/* SPDX-License-Identifier: MIT */
/* make_checkpoint atto|tiny OUT.safetensors: writes a ConvNeXt of full size with random weights, named and
 * shaped as timm does, so that tests can export and run one without any network or Python. Weights are scaled
 * by the square root of their fan-in, so that activations stay moderate. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct size {
    const char *name;
    unsigned depths[4], dims[4];
} sizes[] = {
    {"atto", {2, 2, 6, 2}, {40, 80, 160, 320}},
    {"tiny", {3, 3, 9, 3}, {96, 192, 384, 768}},
};

/* The same list of tensors is walked twice: for the header, and for the data. */
typedef struct writer {
    FILE *out;
    char *header; /* NULL: write data */
    size_t header_size, used;
    uint64_t offset;
    uint32_t random;
} writer;

static void append(writer *w, const char *text)
{
    size_t size = strlen(text);
    if (w->used + size < w->header_size)
        memcpy(w->header + w->used, text, size + 1);
    w->used += size;
}

/* A uniform number in [-1, 1). */
static float next_random(writer *w)
{
    w->random = w->random * 1664525u + 1013904223u;
    return (float)(int32_t)w->random / 2147483648.0f;
}

/* A tensor of mean + spread * random; shape ends at the first 0. */
static void tensor(writer *w, const char *prefix, const char *name, const unsigned shape[4], float mean,
                   float spread)
{
    char text[256], dims[80] = "";
    uint64_t count = 1;
    for (unsigned i = 0; i < 4 && shape[i]; i++) {
        count *= shape[i];
        snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%u", i ? "," : "", shape[i]);
    }
    if (w->header) {
        snprintf(text, sizeof text, ",\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                 prefix, name, dims, (unsigned long long)w->offset,
                 (unsigned long long)(w->offset + 4 * count));
        append(w, text);
        w->offset += 4 * count;
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        float value = mean + spread * next_random(w);
        fwrite(&value, sizeof value, 1, w->out); /* every machine that builds this is little-endian */
    }
}

static void layer(writer *w, const char *prefix, const char *name, const unsigned shape[4])
{
    char full[64];
    unsigned fan_in = (shape[1] ? shape[1] : 1) * (shape[2] ? shape[2] : 1) * (shape[3] ? shape[3] : 1);
    const unsigned bias[4] = {shape[0], 0, 0, 0};
    snprintf(full, sizeof full, "%s.weight", name);
    tensor(w, prefix, full, shape, 0, sqrtf(3.0f / (float)fan_in));
    snprintf(full, sizeof full, "%s.bias", name);
    tensor(w, prefix, full, bias, 0, 0.1f);
}

static void norm(writer *w, const char *prefix, const char *name, unsigned channels)
{
    char full[64];
    const unsigned shape[4] = {channels, 0, 0, 0};
    snprintf(full, sizeof full, "%s.weight", name);
    tensor(w, prefix, full, shape, 1, 0.2f);
    snprintf(full, sizeof full, "%s.bias", name);
    tensor(w, prefix, full, shape, 0, 0.1f);
}

static void block(writer *w, unsigned stage, unsigned index, unsigned c)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "stages.%u.blocks.%u.", stage, index);
    layer(w, prefix, "conv_dw", (const unsigned[4]){c, 1, 7, 7});
    norm(w, prefix, "norm", c);
    layer(w, prefix, "mlp.fc1", (const unsigned[4]){4 * c, c, 1, 1});
    layer(w, prefix, "mlp.fc2", (const unsigned[4]){c, 4 * c, 1, 1});
    tensor(w, prefix, "gamma", (const unsigned[4]){c, 0, 0, 0}, 0.3f, 0.1f);
}

static void all_tensors(writer *w, const struct size *size)
{
    layer(w, "", "stem.0", (const unsigned[4]){size->dims[0], 3, 4, 4});
    norm(w, "", "stem.1", size->dims[0]);
    for (unsigned s = 0; s < 4; s++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "stages.%u.", s);
        if (s > 0) {
            norm(w, prefix, "downsample.0", size->dims[s - 1]);
            layer(w, prefix, "downsample.1", (const unsigned[4]){size->dims[s], size->dims[s - 1], 2, 2});
        }
        for (unsigned b = 0; b < size->depths[s]; b++)
            block(w, s, b, size->dims[s]);
    }
    norm(w, "", "head.norm", size->dims[3]);
}

static int write_checkpoint(FILE *out, const struct size *size)
{
    static char header[65536];
    writer w = {out, header, sizeof header, 0, 0, 2026};
    append(&w, "{\"__metadata__\":{\"format\":\"pt\"}");
    all_tensors(&w, size);
    append(&w, "}");
    while (w.used % 8)
        append(&w, " ");
    if (w.used >= sizeof header)
        return -1;
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)w.used >> 8 * i);
    fwrite(length, 1, sizeof length, out);
    fwrite(header, 1, w.used, out);
    w.header = NULL;
    all_tensors(&w, size);
    return ferror(out) ? -1 : 0;
}

int main(int count, char **arguments)
{
    for (size_t i = 0; count == 3 && i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(arguments[1], sizes[i].name) != 0)
            continue;
        FILE *out = fopen(arguments[2], "wb");
        if (!out || write_checkpoint(out, &sizes[i]) != 0 || fclose(out) != 0) {
            perror(arguments[2]);
            return 1;
        }
        return 0;
    }
    fprintf(stderr, "usage: make_checkpoint atto|tiny OUT.safetensors\n");
    return 2;
}
