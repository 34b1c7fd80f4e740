/* SPDX-License-Identifier: MIT */
#include "support/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/npy.h"
#include "visembed.h"

/* As in tools/reference/inputs.py. */
#define STRIDE      97u
#define RING_STRIDE 11u
#define WHOLE_UP_TO 32u

float reference_pixel(uint32_t width, uint32_t height, uint32_t c, uint32_t y, uint32_t x)
{
    uint32_t index = (c * height + y) * width + x;
    uint32_t h = index * 2654435761u + width * 40503u + height;
    h = (h ^ h >> 15) * 2246822519u;
    h = (h ^ h >> 13) * 3266489917u;
    h = h ^ h >> 16;
    float noise = (float)((int32_t)(h >> 9) - (1 << 22)) / (float)(1 << 22);
    uint32_t t = (x + 2 * y + 37 * c) % 64;
    float stripes = (float)(t < 32 ? t : 63 - t) / 16.0f - 1.0f;
    return (noise + stripes) / 2.0f;
}

int reference_keeps(const reference_map *map, int is_whole, size_t index)
{
    size_t pixel = index / map->channels, y = pixel / map->width, x = pixel % map->width;
    int in_ring = y == 0 || y == map->height - 1 || x == 0 || x == map->width - 1;
    return is_whole || index % STRIDE == 0 || (in_ring && index % RING_STRIDE == 0);
}

uint32_t reference_kind(const char *name)
{
    static const char *const names[REFERENCE_KINDS] = {"pooled", "norm", "head"};
    for (uint32_t i = 0; i < REFERENCE_KINDS; i++)
        if (strcmp(name, names[i]) == 0)
            return i + VE_EMBEDDING_POOLED;
    return 0;
}

/* Reads one line into the last input; *used counts values. */
static int read_line(const char *line, reference *result, size_t *used)
{
    reference_input *input = result->count ? &result->inputs[result->count - 1] : NULL;
    reference_map map = {0};
    int stage;
    unsigned dim;
    char kind[16];
    if (sscanf(line, "input %u %u", &map.width, &map.height) == 2 && result->count < REFERENCE_MAX_INPUTS) {
        int is_whole = map.width <= WHOLE_UP_TO && map.height <= WHOLE_UP_TO;
        result->inputs[result->count++] = (reference_input){map.width, map.height, is_whole, {{0}}, {{0}}};
        return 1;
    }
    if (input &&
        sscanf(line, "map %d %u %u %u %zu %f", &stage, &map.height, &map.width, &map.channels, &map.count,
               &map.max) == 6 &&
        stage >= -1 && stage + 1 < REFERENCE_MAPS) {
        map.samples = result->values + *used;
        *used += map.count;
        input->maps[stage + 1] = map;
        return 1;
    }
    if (input && sscanf(line, "embedding %15s %u", kind, &dim) == 2 && reference_kind(kind)) {
        input->embeddings[reference_kind(kind) - 1] = (reference_embedding){dim, result->values + *used};
        *used += dim;
        return 1;
    }
    return 0;
}

static int read_lines(FILE *file, size_t value_count, reference *result)
{
    char line[160];
    size_t used = 0;
    while (fgets(line, sizeof line, file))
        if (!read_line(line, result, &used) || used > value_count)
            return 0;
    return used == value_count && result->count > 0;
}

int reference_read(const char *folder, const char *name, reference *result)
{
    char path[512];
    size_t value_count;
    *result = (reference){0};
    snprintf(path, sizeof path, "%s/%s/reference.npy", folder, name);
    result->values = npy_read(path, &value_count);
    if (!result->values)
        return 0;
    snprintf(path, sizeof path, "%s/%s/reference.txt", folder, name);
    FILE *file = fopen(path, "r");
    int is_good = file && read_lines(file, value_count, result);
    if (file)
        fclose(file);
    if (!is_good) {
        fprintf(stderr, "%s: missing, or does not fit reference.npy\n", path);
        reference_free(result);
    }
    return is_good;
}

void reference_free(reference *result)
{
    free(result->values);
    *result = (reference){0};
}
