/* SPDX-License-Identifier: MIT */
/* From the tensors of a weight file to packed layers. Whatever is linear and known beforehand is folded in
 * double precision and rounded once:
 *
 *     norm's weight g and bias h before a layer W, b:    W diag(g),  b + W h
 *     layer scale s behind fc2:                          diag(s) W,  s b
 *     GRN's bias h before fc2:                           b + W h
 *
 * The same code runs twice: first over an arena without memory, to measure, then to fill it. */
#include <stdio.h>
#include <string.h>

#include "net/internal.h"

typedef struct packer {
    const ve__weights *file;
    ve__net *net;
    float *weights, *bias; /* the layer being made */
    float *left, *right;   /* a norm's weight and bias */
    int8_t *codes;         /* the layer in 8 bits */
    float *scales;
} packer;

static int measuring(const packer *p)
{
    return p->net->arena.base == NULL;
}

/* Reads "prefix.suffix" into out. ve__weights_open has seen to it that the tensor is there and its shape fits.
 */
static ve_status read_tensor(const packer *p, const char *prefix, const char *suffix, float *out)
{
    char name[VE__MAX_NAME];
    snprintf(name, sizeof name, "%s.%s", prefix, suffix);
    const ve__tensor *tensor = ve__weights_find(p->file, name);
    if (!tensor)
        return ve__fail(VE_ERR_FORMAT, "the weight file lacks tensor %s", name);
    p->net->parameters += tensor->count;
    return ve__weights_read(p->file, tensor, out);
}

static int norm_has_bias(const packer *p)
{
    return p->net->arch.norm == VE__NORM_LAYER;
}

/* A norm's weight and bias (zeros where the kind of norm has none). */
static ve_status read_norm(const packer *p, const char *prefix, unsigned channels, float *weight, float *bias)
{
    memset(bias, 0, channels * sizeof *bias);
    VE_TRY(read_tensor(p, prefix, "weight", weight));
    return norm_has_bias(p) ? read_tensor(p, prefix, "bias", bias) : VE_OK;
}

/* Takes a norm, p->left and p->right for each of `channels`, into the layer behind it, whose k inputs are
 * `k / channels` pixels of that many channels. */
static void fold_norm(packer *p, unsigned k, unsigned n, unsigned channels)
{
    for (unsigned j = 0; j < n; j++) {
        double bias = p->bias[j];
        for (float *row = p->weights + (size_t)j * k, *end = row + k; row < end; row += channels)
            for (unsigned c = 0; c < channels; c++) {
                bias += (double)row[c] * p->right[c];
                row[c] = (float)((double)row[c] * p->left[c]);
            }
        p->bias[j] = (float)bias;
    }
}

/* Layer scale behind a layer: p->left, a factor for each output. */
static void fold_scale(packer *p, unsigned k, unsigned n)
{
    for (unsigned j = 0; j < n; j++) {
        float *row = p->weights + (size_t)j * k;
        /* The product of two floats is exact in double: one rounding. */
        for (unsigned i = 0; i < k; i++)
            row[i] = (float)((double)row[i] * p->left[j]);
        p->bias[j] = (float)((double)p->bias[j] * p->left[j]);
    }
}

/* What is added to each input before a layer, p->right for each of `channels`, becomes part of its bias; inputs
 * as in fold_norm. */
static void fold_shift(packer *p, unsigned k, unsigned n, unsigned channels)
{
    for (unsigned j = 0; j < n; j++) {
        double bias = p->bias[j];
        for (const float *row = p->weights + (size_t)j * k, *end = row + k; row < end; row += channels)
            for (unsigned c = 0; c < channels; c++)
                bias += (double)row[c] * p->right[c];
        p->bias[j] = (float)bias;
    }
}

static void pack_layer(const packer *p, unsigned k, unsigned n, dense_layer *layer)
{
    const ve__dense *dense = &p->net->kernels->dense_f32;
    layer->k = k;
    layer->n = n;
    layer->packed = ve__arena_take(&p->net->arena, dense->packed_bytes(k, n));
    if (!measuring(p))
        dense->pack(p->weights, p->bias, k, n, layer->packed);
}

/* A layer that may be computed in 8 bits. Weights of an 8-bit file come back as the codes that they were, since
 * such files hold folded weights: folding ones and zeros into them changes nothing. */
static void pack_pointwise(const packer *p, unsigned k, unsigned n, dense_layer *layer)
{
    const ve__dense_i8 *dense = &p->net->kernels->dense_i8;
    if (p->net->precision != VE__PRECISION_I8) {
        pack_layer(p, k, n, layer);
        return;
    }
    layer->k = k;
    layer->n = n;
    layer->is_i8 = 1;
    layer->packed = ve__arena_take(&p->net->arena, dense->packed_bytes(k, n));
    if (measuring(p))
        return;
    for (unsigned j = 0; j < n; j++)
        ve__i8_from_row(p->weights + (size_t)j * k, k, p->codes + (size_t)j * k, p->scales + j);
    dense->pack(p->codes, p->scales, p->bias, k, n, layer->packed);
}

static ve_status read_layer(const packer *p, const char *prefix)
{
    VE_TRY(read_tensor(p, prefix, "weight", p->weights));
    return read_tensor(p, prefix, "bias", p->bias);
}

static ve_status pack_plain(packer *p, const char *prefix, unsigned k, unsigned n, dense_layer *layer)
{
    if (!measuring(p))
        VE_TRY(read_layer(p, prefix));
    pack_layer(p, k, n, layer);
    return VE_OK;
}

static ve_status pack_stem(packer *p)
{
    ve__net *net = p->net;
    const ve__arch *arch = &net->arch;
    unsigned first_dim = arch->dims[0];
    if (arch->stem == VE__STEM_PATCH) {
        VE_TRY(pack_plain(p, "stem.0", arch->stem_patch * arch->stem_patch * 3, first_dim, &net->stem[0]));
    } else {
        VE_TRY(pack_plain(p, "stem.0", 3 * 3 * 3, arch->stem_mid, &net->stem[0]));
        VE_TRY(pack_plain(p, "stem.1", 3 * 3 * arch->stem_mid, first_dim, &net->stem[1]));
    }
    net->stem_norm_weight = ve__arena_take(&net->arena, first_dim * sizeof(float));
    net->stem_norm_bias = ve__arena_take(&net->arena, first_dim * sizeof(float));
    return measuring(p) ? VE_OK
                        : read_norm(p, "stem.norm", first_dim, net->stem_norm_weight, net->stem_norm_bias);
}

/* In 8 bits a norm's weight stays where it is (`kept`, else NULL): it takes part in what a row's largest value
 * is, and with it in how finely the others are rounded. */
static void fold_or_keep(packer *p, unsigned k, unsigned n, unsigned channels, float *kept)
{
    if (!kept) {
        fold_norm(p, k, n, channels);
        return;
    }
    fold_shift(p, k, n, channels);
    memcpy(kept, p->left, channels * sizeof *kept);
}

static int has_i8(const ve__weights *weights)
{
    for (size_t i = 0; i < ve__weights_tensor_count(weights); i++)
        if (ve__weights_tensor(weights, i)->type == VE__TYPE_I8)
            return 1;
    return 0;
}

/* Where a file has 8-bit weights, but none for downsampling, whoever made it found that to cost too much. */
static int is_down_i8(const packer *p, unsigned s)
{
    char name[VE__MAX_NAME];
    snprintf(name, sizeof name, "stage.%u.down.weight", s);
    const ve__tensor *tensor = ve__weights_find(p->file, name);
    return p->net->precision == VE__PRECISION_I8 &&
           ((tensor && tensor->type == VE__TYPE_I8) || !has_i8(p->file));
}

static ve_status pack_down(packer *p, unsigned s)
{
    char prefix[VE__MAX_NAME];
    unsigned in = p->net->arch.dims[s - 1], n = p->net->arch.dims[s], k = 4 * in;
    stage *st = &p->net->stages[s];
    int is_i8 = is_down_i8(p, s);
    if (is_i8)
        st->down_norm_weight = ve__arena_take(&p->net->arena, in * sizeof(float));
    if (!measuring(p)) {
        snprintf(prefix, sizeof prefix, "stage.%u.down.norm", s);
        VE_TRY(read_norm(p, prefix, in, p->left, p->right));
        snprintf(prefix, sizeof prefix, "stage.%u.down", s);
        VE_TRY(read_layer(p, prefix));
        fold_or_keep(p, k, n, in, st->down_norm_weight);
    }
    (is_i8 ? pack_pointwise : pack_layer)(p, k, n, &st->down);
    return VE_OK;
}

static ve_status pack_depthwise(packer *p, const char *prefix, unsigned channels, block *b)
{
    const ve__kernels *kernels = p->net->kernels;
    b->depthwise = ve__arena_take(&p->net->arena, kernels->depthwise_bytes(channels));
    if (measuring(p))
        return VE_OK;
    VE_TRY(read_layer(p, prefix));
    kernels->depthwise_pack(p->weights, p->bias, channels, b->depthwise);
    return VE_OK;
}

static ve_status pack_fc2(packer *p, const char *prefix, const stage *st, block *b)
{
    char name[VE__MAX_NAME];
    if (p->net->arch.version == 2)
        b->grn_weight = ve__arena_take(&p->net->arena, st->hidden * sizeof(float));
    if (!measuring(p)) {
        snprintf(name, sizeof name, "%s.fc2", prefix);
        VE_TRY(read_layer(p, name));
        if (p->net->arch.version == 2) {
            VE_TRY(read_tensor(p, prefix, "grn.weight", b->grn_weight));
            VE_TRY(read_tensor(p, prefix, "grn.bias", p->right));
            fold_shift(p, st->hidden, st->channels, st->hidden);
        } else {
            VE_TRY(read_tensor(p, prefix, "scale", p->left));
            fold_scale(p, st->hidden, st->channels);
        }
    }
    pack_pointwise(p, st->hidden, st->channels, &b->fc2);
    return VE_OK;
}

static ve_status pack_block(packer *p, unsigned s, unsigned number)
{
    char prefix[VE__MAX_NAME / 2], name[VE__MAX_NAME];
    const stage *st = &p->net->stages[s];
    block *b = &st->blocks[number];
    snprintf(prefix, sizeof prefix, "stage.%u.block.%u", s, number);
    snprintf(name, sizeof name, "%s.dw", prefix);
    VE_TRY(pack_depthwise(p, name, st->channels, b));
    if (p->net->precision == VE__PRECISION_I8)
        b->norm_weight = ve__arena_take(&p->net->arena, st->channels * sizeof(float));
    if (!measuring(p)) {
        snprintf(name, sizeof name, "%s.norm", prefix);
        VE_TRY(read_norm(p, name, st->channels, p->left, p->right));
        snprintf(name, sizeof name, "%s.fc1", prefix);
        VE_TRY(read_layer(p, name));
        fold_or_keep(p, st->channels, st->hidden, st->channels, b->norm_weight);
    }
    pack_pointwise(p, st->channels, st->hidden, &b->fc1);
    return pack_fc2(p, prefix, st, b);
}

static ve_status pack_final(packer *p)
{
    ve__net *net = p->net;
    const ve__arch *arch = &net->arch;
    unsigned dim = arch->dims[VE__STAGES - 1];
    char prefix[VE__MAX_NAME];
    if (arch->final != VE__FINAL_POOL) {
        net->final_weight = ve__arena_take(&net->arena, dim * sizeof(float));
        net->final_bias = ve__arena_take(&net->arena, dim * sizeof(float));
        if (!measuring(p))
            VE_TRY(read_norm(p, "final.norm", dim, net->final_weight, net->final_bias));
    }
    for (unsigned i = 0; i < arch->head_layers; i++) {
        snprintf(prefix, sizeof prefix, "head.%u", i);
        VE_TRY(pack_plain(p, prefix, dim, arch->head_dims[i], &net->head[i]));
        dim = arch->head_dims[i];
    }
    return VE_OK;
}

static ve_status pack_map(packer *p, unsigned s)
{
    char prefix[VE__MAX_NAME];
    unsigned k = p->net->arch.dims[s], n = p->net->arch.map_outputs;
    if (!measuring(p)) {
        snprintf(prefix, sizeof prefix, "map.%u.norm", s);
        VE_TRY(read_norm(p, prefix, k, p->left, p->right));
        snprintf(prefix, sizeof prefix, "map.%u", s);
        VE_TRY(read_layer(p, prefix));
        fold_norm(p, k, n, k);
    }
    pack_layer(p, k, n, &p->net->maps[s]);
    return VE_OK;
}

static ve_status pack_everything(packer *p)
{
    ve__net *net = p->net;
    VE_TRY(pack_stem(p));
    for (unsigned s = 0; s < VE__STAGES; s++) {
        stage *st = &net->stages[s];
        if (s > 0)
            VE_TRY(pack_down(p, s));
        for (unsigned i = 0; i < st->depth; i++)
            VE_TRY(pack_block(p, s, i));
    }
    for (unsigned s = 1; s < VE__STAGES && net->arch.map_outputs; s++)
        VE_TRY(pack_map(p, s));
    return pack_final(p);
}

/* Room for the largest tensor of each kind. */
static ve_status make_buffers(packer *p, void **memory)
{
    const ve__arch *arch = &p->net->arch;
    size_t largest = 0, widest = 0;
    ve__tensor_spec spec;
    for (size_t i = 0; ve__arch_tensor(arch, i, &spec); i++) {
        size_t count = 1;
        for (unsigned d = 0; d < spec.rank; d++)
            count *= spec.shape[d];
        if (spec.rank == 1 && count > widest)
            widest = count;
        if (count > largest)
            largest = count;
    }
    ve__arena arena = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        arena.used = 0;
        p->weights = ve__arena_take(&arena, largest * sizeof(float));
        p->bias = ve__arena_take(&arena, widest * sizeof(float));
        p->left = ve__arena_take(&arena, widest * sizeof(float));
        p->right = ve__arena_take(&arena, widest * sizeof(float));
        p->codes = ve__arena_take(&arena, p->net->precision == VE__PRECISION_I8 ? largest : 0);
        p->scales = ve__arena_take(&arena, widest * sizeof(float));
        if (pass == 0 && !(arena.base = ve__allocate(arena.used)))
            return ve__fail(VE_ERR_MEMORY, "no memory for %zu bytes of weights", arena.used);
    }
    *memory = arena.base;
    return VE_OK;
}

static ve__norm_rule norm_rule(const ve__arch *arch, unsigned channels, float eps)
{
    ve__norm_rule rule = {1, 1, 1.0f / (float)channels, eps};
    if (arch->norm == VE__NORM_RMS)
        rule.about_mean = rule.subtract_mean = 0;
    if (arch->norm == VE__NORM_SIMPLE) {
        rule.subtract_mean = 0;
        rule.inverse_count = channels > 1 ? 1.0f / (float)(channels - 1) : 1.0f;
    }
    return rule;
}

static ve_status shape_net(ve__net *net)
{
    const ve__arch *arch = &net->arch;
    for (unsigned s = 0; s < VE__STAGES; s++) {
        stage *st = &net->stages[s];
        st->channels = arch->dims[s];
        st->hidden = arch->dims[s] * arch->hidden_ratio;
        st->depth = arch->depths[s];
        net->rule[s] = norm_rule(arch, st->channels, arch->eps);
        if (!(st->blocks = ve__allocate_zeroed(st->depth * sizeof *st->blocks)))
            return ve__fail(VE_ERR_MEMORY, "no memory for %u blocks", st->depth);
    }
    net->final_rule = norm_rule(arch, arch->dims[VE__STAGES - 1], arch->final_eps);
    return VE_OK;
}

static ve_status measure_and_pack(packer *p)
{
    ve__net *net = p->net;
    void *buffers = NULL;
    VE_TRY(pack_everything(p));
    size_t size = net->arena.used;
    if (!(net->arena.base = ve__allocate(size)))
        return ve__fail(VE_ERR_MEMORY, "no memory for %zu bytes of packed weights", size);
    net->arena.used = 0;
    VE_TRY(make_buffers(p, &buffers));
    ve_status status = pack_everything(p);
    ve__release(buffers);
    return status;
}

static void choose_precision(ve__net *net, const ve__weights *weights, ve__precision asked)
{
    int pays = net->kernels->dense_i8.pays, is_i8 = has_i8(weights);
    net->precision = asked != VE__PRECISION_BEST ? asked : is_i8 && pays ? VE__PRECISION_I8 : VE__PRECISION_F32;
    net->precision_reason = asked != VE__PRECISION_BEST ? "as asked"
                            : !is_i8                    ? "the file has no 8-bit weights"
                            : pays                      ? "the file has 8-bit weights"
                                                        : "these kernels gain nothing from 8-bit weights";
}

ve_status ve__net_create(const ve__weights *weights, const ve__kernels *kernels, ve__precision precision,
                         ve__net **out)
{
    ve__net *net = ve__allocate_zeroed(sizeof *net);
    if (!net)
        return ve__fail(VE_ERR_MEMORY, "no memory for a model");
    net->kernels = kernels;
    net->arch = *ve__weights_arch(weights);
    packer p = {.file = weights, .net = net};
    choose_precision(net, weights, precision);
    ve_status status = shape_net(net);
    if (status == VE_OK)
        status = measure_and_pack(&p);
    if (status != VE_OK) {
        ve__net_free(net);
        return status;
    }
    *out = net;
    return VE_OK;
}

void ve__net_free(ve__net *net)
{
    if (!net)
        return;
    for (unsigned s = 0; s < VE__STAGES; s++)
        ve__release(net->stages[s].blocks);
    ve__release(net->arena.base);
    ve__release(net);
}

size_t ve__net_bytes(const ve__net *net)
{
    return net->arena.used;
}

uint64_t ve__net_parameters(const ve__net *net)
{
    return net->parameters;
}

uint32_t ve__net_dim(const ve__net *net)
{
    return ve__arch_embedding_dim(&net->arch);
}

const ve__kernels *ve__net_kernels(const ve__net *net)
{
    return net->kernels;
}

ve__precision ve__net_precision(const ve__net *net, const char **reason)
{
    if (reason)
        *reason = net->precision_reason;
    return net->precision;
}
