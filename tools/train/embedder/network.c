/* SPDX-License-Identifier: MIT */
/* Making a network and its memory (network.h). */
#include "network.h"

#include <string.h>

#include "base.h"
#include "depthwise.h"

static long reserve_sums(network *net, long count)
{
    long at = net->sum_count;
    net->sum_count += (count + 15) & ~15L;
    return at;
}

static operand *take_operands(long count)
{
    return take(count, sizeof(operand));
}

static float *take_floats(long count)
{
    return take(count, sizeof(float));
}

static void make_stem(network *net)
{
    stem_operands *stem = &net->stem;
    stem->weight = take_operands(STEM_K * STEM_WIDTH);
    stem->bias = take_floats(STEM_WIDTH);
    stem->norm_weight = take_floats(STEM_WIDTH);
    stem->norm_bias = take_floats(STEM_WIDTH);
    stem->sum_weight = reserve_sums(net, STEM_WIDTH * STEM_K);
    stem->sum_bias = reserve_sums(net, STEM_WIDTH);
    stem->sum_norm_weight = reserve_sums(net, STEM_WIDTH);
    stem->sum_norm_bias = reserve_sums(net, STEM_WIDTH);
}

static void make_down(network *net, int stage)
{
    down_operands *down = &net->down[stage];
    long k = 4L * stage_k[stage - 1], stride = stage_stride[stage];
    down->weight = take_operands(k * stride);
    down->weight_back = take_operands(4L * stage_k[stage] * stage_stride[stage - 1]);
    down->bias = take_floats(stride);
    down->sum_weight = reserve_sums(net, stride * k);
    down->sum_bias = reserve_sums(net, stride);
}

static void make_block(network *net, int stage, int number)
{
    block_operands *block = &net->block[stage][number];
    long stride = stage_stride[stage], k = stage_k[stage], hidden = 4L * stage_channels[stage];
    block->taps = take_floats(49 * stride);
    block->taps_flipped = take_floats(49 * stride);
    block->taps_bias = take_floats(stride);
    block->fc1_bias = take_floats(hidden);
    block->fc2_bias = take_floats(stride);
    block->scale = take_floats(stride);
    block->fc1 = take_operands(k * hidden);
    block->fc2_back = take_operands(k * hidden);
    block->fc2 = take_operands(stride * hidden);
    block->fc1_back = take_operands(stride * hidden);
    block->sum_fc1 = reserve_sums(net, stride * hidden);
    block->sum_fc2 = reserve_sums(net, stride * hidden);
    block->sum_taps = reserve_sums(net, 49 * stride);
    block->sum_taps_bias = reserve_sums(net, stride);
    block->sum_fc1_bias = reserve_sums(net, hidden);
    block->sum_out = reserve_sums(net, stride);
}

static void make_scratch(network *net, scratch *s)
{
    s->sums = take_floats(net->sum_count);
    s->z = take_floats(28 * 28 * LAST);
    s->dz = take_floats(32L * 28 * 28 * LAST);
    s->hidden = take_floats(PANEL * 4 * LAST);
    s->d_hidden = take_floats(PANEL * 4 * LAST);
    s->out = take_floats(PANEL * 4 * LAST);
    s->padded = take_floats(28 * 34 * 16);
    s->unpacked = take_floats(4L * LAST * 2 * LAST);
    s->activated = take_operands(PANEL * 4 * LAST);
    s->d_out = take_operands(PANEL * LAST);
    s->patches = take_operands(PANEL * 4 * LAST);
    s->left = take_operands(512 * LAST);
    s->left2 = take_operands(512 * LAST);
    s->right = take_operands(512L * 4 * LAST);
    s->right2 = take_operands(512L * 4 * LAST);
}

network *network_new(const gemm_kernels *kernels, int threads)
{
    network *net = take(1, sizeof *net);
    net->gemm = kernels;
    net->threads = threads;
    parameters_list(&net->table);
    make_stem(net);
    for (int stage = 0; stage < STAGES; stage++) {
        if (stage > 0)
            make_down(net, stage);
        for (int number = 0; number < stage_blocks[stage]; number++)
            make_block(net, stage, number);
    }
    float **flat[] = {&net->weights, &net->gradients, &net->moment1, &net->moment2, &net->average};
    for (unsigned i = 0; i < sizeof flat / sizeof *flat; i++)
        *flat[i] = take_floats(net->table.total);
    for (int t = 0; t < threads; t++)
        make_scratch(net, &net->scratch[t]);
    return net;
}

static void reserve_stage(network *net, int stage, long images)
{
    long rows = images * net->side[stage] * net->side[stage];
    for (int b = 0; b <= stage_blocks[stage]; b++)
        net->map[stage][b] = take_floats(rows * stage_stride[stage]);
    for (int b = 0; b < stage_blocks[stage]; b++) {
        net->rows[stage][b] = take_operands(rows * stage_k[stage]);
        net->inverse[stage][b] = take_floats(rows);
    }
    net->gradient[stage] = take_floats(rows * stage_stride[stage]);
    if (stage > 0) {
        long below = images * net->side[stage - 1] * net->side[stage - 1];
        net->down_rows[stage] = take_operands(below * stage_k[stage - 1]);
        net->down_inverse[stage] = take_floats(below);
    }
}

void network_reserve(network *net, int images, int side)
{
    long n = images;
    net->most_images = images;
    net->most_side = side;
    network_set_side(net, side);
    long rows = n * net->side[0] * net->side[0];
    net->patches = take_operands(rows * STEM_K);
    net->stem_rows = take_operands(rows * STEM_K);
    net->stem_inverse = take_floats(rows);
    for (int stage = 0; stage < STAGES; stage++)
        reserve_stage(net, stage, n);
    net->pooled_rows = take_floats(n * LAST);
    net->pooled_inverse = take_floats(n);
    net->head_rows = take_floats(n * LAST);
    net->d_head = take_floats(n * LAST);
    float **wide[] = {&net->out, &net->unit, &net->target, &net->d_out};
    for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++)
        *wide[i] = take_floats(n * EMBEDDING);
    net->similarity = take_floats(2 * n * n);
}

static void sides_of(int side, int *sides)
{
    sides[0] = side / 4;
    for (int stage = 1; stage < STAGES; stage++)
        sides[stage] = sides[stage - 1] / 2;
}

int network_has_side(int side)
{
    int sides[STAGES], has = side % 4 == 0 && side <= CROP;
    sides_of(side, sides);
    for (int stage = 0; stage < STAGES; stage++)
        has = has && depthwise_has_side(sides[stage]);
    return has;
}

void network_set_side(network *net, int side)
{
    if (!network_has_side(side) || side > net->most_side)
        fail("pictures of %d x %d: not a size that this program knows", side, side);
    sides_of(side, net->side);
}

int network_group(const network *net, int stage, int batch)
{
    int pixels = net->side[stage] * net->side[stage], group = 1;
    while (group * pixels % PANEL)
        group *= 2;
    while (group * pixels < 256 && group * 4 < batch && batch % (2 * group) == 0)
        group *= 2;
    return group;
}

int network_block_unit(int stage, int number)
{
    int unit = 4 + number;
    for (int s = 0; s < stage; s++)
        unit += stage_blocks[s];
    return unit;
}

void network_unit_block(int unit, int *stage, int *number)
{
    *stage = 0;
    *number = unit - 4;
    while (*number >= stage_blocks[*stage])
        *number -= stage_blocks[(*stage)++];
}

void network_unit_parameters(const network *net, int unit, int *first, int *last)
{
    const parameter_table *table = &net->table;
    int stage, number;
    if (unit == HEAD_UNIT) {
        *first = table->head.norm_weight;
        *last = table->head.bias;
    } else if (unit == 0) {
        *first = table->stem.weight;
        *last = table->stem.norm_bias;
    } else if (unit < 4) {
        *first = table->down[unit].norm_weight;
        *last = table->down[unit].bias;
    } else {
        network_unit_block(unit, &stage, &number);
        *first = table->block[stage][number].scale;
        *last = table->block[stage][number].fc2_bias;
    }
}
