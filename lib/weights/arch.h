/* SPDX-License-Identifier: MIT */
/* What a weight file describes: the network's architecture and the preprocessing it was trained with.
 * Plain data, shared by the file's reader and writer (weights/, tools/ve-export) and the network (net/).
 *
 * The network (ConvNeXt: arXiv 2201.03545; V2: arXiv 2301.00808), in NHWC:
 *
 *   stem   patch:      conv p x p, stride p            -> norm
 *          overlap*:   conv 3x3 s2 p1 -> [activation, overlap_act only] -> conv 3x3 s2 p1 -> norm
 *   4 stages           [norm, conv 2x2 s2]  (not before the first), then depths[i] blocks:
 *          x + scale * fc2(grn(gelu(fc1(norm(depthwise7x7(x))))))     grn in V2, scale in V1
 *   final  VE__FINAL_POOL_NORM: mean over pixels -> norm;  VE__FINAL_NORM_POOL: norm per pixel -> mean
 *          VE__FINAL_POOL: mean over pixels
 *   head   head_layers times linear, gelu between them
 *   maps   where map_outputs is not 0: norm -> linear, for each pixel of stages 1, 2 and 3. Such a network
 *          detects; it has no embedding (final is VE__FINAL_POOL, head_layers 0, and nothing is pooled)
 */
#ifndef VE_WEIGHTS_ARCH_H
#define VE_WEIGHTS_ARCH_H

#include <stddef.h>
#include <stdint.h>

#define VE__STAGES          4
#define VE__MAX_HEAD_LAYERS 2

/* Limits that a file must keep; the largest published ConvNeXt has 3072 channels, 30 blocks in a stage. */
#define VE__MAX_CHANNELS    4096u
#define VE__MAX_DEPTH       64u
#define VE__MAX_INPUT_SIDE  2048u
#define VE__MAX_MAP_OUTPUTS 256u

typedef enum ve__stem { VE__STEM_PATCH = 1, VE__STEM_OVERLAP = 2, VE__STEM_OVERLAP_ACT = 3 } ve__stem;

/* Per row x of n channels:
 *   layer:  (x - mean) / sqrt(var + eps) * weight + bias       var = mean of (x - mean)^2
 *   rms:    x / sqrt(mean of x^2 + eps) * weight
 *   simple: x / sqrt(sum (x - mean)^2 / (n - 1) + eps) * weight       (timm's SimpleNorm) */
typedef enum ve__norm { VE__NORM_LAYER = 1, VE__NORM_RMS = 2, VE__NORM_SIMPLE = 3 } ve__norm;

typedef enum ve__final { VE__FINAL_POOL = 1, VE__FINAL_POOL_NORM = 2, VE__FINAL_NORM_POOL = 3 } ve__final;

typedef struct ve__arch {
    uint32_t version; /* 1, or 2: blocks have global response normalisation and no layer scale */
    uint32_t depths[VE__STAGES];
    uint32_t dims[VE__STAGES];
    uint32_t hidden_ratio; /* 4: fc1 is dim -> 4 dim */
    uint32_t stem;         /* ve__stem */
    uint32_t stem_patch;   /* patch stems: side and stride of the convolution, 4 (2 and 1 occur too) */
    uint32_t stem_mid;     /* overlapping stems: channels between the two convolutions */
    uint32_t norm;         /* ve__norm, of every norm */
    float eps;             /* of every norm but the final one */
    float final_eps;
    uint32_t final;       /* ve__final */
    uint32_t head_layers; /* 0 ... VE__MAX_HEAD_LAYERS */
    uint32_t head_dims[VE__MAX_HEAD_LAYERS];
    uint32_t embedding_kind; /* ve_embedding_kind, for display: what the final and head fields amount to */
    uint32_t map_outputs; /* 0, or the numbers that a head behind each of stages 1 to 3 gives for every pixel */
} ve__arch;

typedef enum ve__filter {
    VE__FILTER_NEAREST = 1,
    VE__FILTER_BILINEAR = 2,
    VE__FILTER_BICUBIC = 3,
    VE__FILTER_BOX = 4,
    VE__FILTER_HAMMING = 5,
    VE__FILTER_LANCZOS = 6
} ve__filter;

/* How a picture of any shape becomes width x height (timm's crop modes). With
 * scale_width = floor(width / crop_fraction), scale_height likewise:
 *   center: shorter side -> scale, other = int(long * scale / short), then crop the centre
 *   squash: both sides -> scale, then crop the centre
 *   border: longer side -> scale, then pad with the mean colour, centred */
typedef enum ve__crop { VE__CROP_CENTER = 1, VE__CROP_SQUASH = 2, VE__CROP_BORDER = 3 } ve__crop;

typedef struct ve__preprocess {
    uint32_t width, height;
    float mean[3], std[3]; /* (pixel / 255 - mean) / std */
    uint32_t filter;       /* ve__filter */
    uint32_t crop;         /* ve__crop */
    float crop_fraction;   /* 0 < fraction <= 1 */
    uint32_t resize_to; /* shorter side before the crop where a family names it in pixels (torchvision); 0: by
                           crop_fraction */
} ve__preprocess;

/* Floats in the embedding: the last head layer's, or the last stage's. */
static inline uint32_t ve__arch_embedding_dim(const ve__arch *arch)
{
    return arch->head_layers ? arch->head_dims[arch->head_layers - 1] : arch->dims[VE__STAGES - 1];
}

#endif
