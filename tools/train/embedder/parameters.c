/* SPDX-License-Identifier: MIT */
/* See parameters.h. */
#include "parameters.h"

#include <stdio.h>
#include <string.h>

const int stage_channels[STAGES] = {40, 80, 160, 320};
const int stage_blocks[STAGES] = {2, 2, 6, 2};
const int stage_stride[STAGES] = {48, 80, 160, 320};
const int stage_k[STAGES] = {64, 96, 160, 320};

static int add(parameter_table *table, const char *prefix, const char *name, int decays, int dims, int a, int b,
               int c, int d)
{
    parameter *p = &table->list[table->count];
    const int shape[4] = {a, b, c, d};
    snprintf(p->name, sizeof p->name, "%s.%s", prefix, name);
    p->decays = decays;
    p->dims = dims;
    p->count = 1;
    for (int i = 0; i < dims; i++) {
        p->shape[i] = shape[i];
        p->count *= shape[i];
    }
    p->offset = table->total;
    table->total += (p->count + 15) & ~15L;
    return table->count++;
}

static int add_vector(parameter_table *table, const char *prefix, const char *name, int length)
{
    return add(table, prefix, name, 0, 1, length, 0, 0, 0);
}

static void add_stem(parameter_table *table)
{
    layer_parameters *stem = &table->stem;
    int c = stage_channels[0];
    stem->weight = add(table, "features.0.0", "weight", 1, 4, c, 3, 4, 4);
    stem->bias = add_vector(table, "features.0.0", "bias", c);
    stem->norm_weight = add_vector(table, "features.0.1", "weight", c);
    stem->norm_bias = add_vector(table, "features.0.1", "bias", c);
}

static void add_down(parameter_table *table, int stage)
{
    layer_parameters *down = &table->down[stage];
    char prefix[32];
    int c = stage_channels[stage], below = stage_channels[stage - 1];
    snprintf(prefix, sizeof prefix, "features.%d", 2 * stage);
    down->norm_weight = add_vector(table, prefix, "0.weight", below);
    down->norm_bias = add_vector(table, prefix, "0.bias", below);
    down->weight = add(table, prefix, "1.weight", 1, 4, c, below, 2, 2);
    down->bias = add_vector(table, prefix, "1.bias", c);
}

static void add_block(parameter_table *table, int stage, int number)
{
    block_parameters *block = &table->block[stage][number];
    char prefix[32];
    int c = stage_channels[stage];
    snprintf(prefix, sizeof prefix, "features.%d.%d", 2 * stage + 1, number);
    block->scale = add(table, prefix, "layer_scale", 0, 3, c, 1, 1, 0);
    block->taps = add(table, prefix, "block.0.weight", 1, 4, c, 1, 7, 7);
    block->taps_bias = add_vector(table, prefix, "block.0.bias", c);
    block->norm_weight = add_vector(table, prefix, "block.2.weight", c);
    block->norm_bias = add_vector(table, prefix, "block.2.bias", c);
    block->fc1 = add(table, prefix, "block.3.weight", 1, 2, 4 * c, c, 0, 0);
    block->fc1_bias = add_vector(table, prefix, "block.3.bias", 4 * c);
    block->fc2 = add(table, prefix, "block.5.weight", 1, 2, c, 4 * c, 0, 0);
    block->fc2_bias = add_vector(table, prefix, "block.5.bias", c);
}

/* The order matters: collect.c and step.c take a layer's first and last parameter as a range. */
void parameters_list(parameter_table *table)
{
    memset(table, 0, sizeof *table);
    add_stem(table);
    for (int stage = 0; stage < STAGES; stage++) {
        if (stage > 0)
            add_down(table, stage);
        for (int number = 0; number < stage_blocks[stage]; number++)
            add_block(table, stage, number);
    }
    table->head.norm_weight = add_vector(table, "classifier.0", "weight", LAST);
    table->head.norm_bias = add_vector(table, "classifier.0", "bias", LAST);
    table->head.weight = add(table, "classifier.2", "weight", 1, 2, EMBEDDING, LAST, 0, 0);
    table->head.bias = add_vector(table, "classifier.2", "bias", EMBEDDING);
}
