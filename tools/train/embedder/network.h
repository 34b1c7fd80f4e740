/* SPDX-License-Identifier: MIT */
/* The network in training: weights, the packed operands made of them, activations kept for the backward pass,
 * and the passes themselves, for groups of images.
 *
 * Maps are NHWC, channels padded with zeros (shape.h). Of a block only the input, LayerNorm's output (as matrix
 * operand) and 1/deviation are kept; the hidden layer is computed again in the backward pass, so that a group's
 * work stays in the L2 cache. The affine part of a LayerNorm is folded into the next layer when weights are
 * packed, and its gradient recovered from that layer's weight gradient (collect.c). */
#ifndef TRAIN_NETWORK_H
#define TRAIN_NETWORK_H

#include "gemm.h"
#include "parameters.h"

enum { UNITS = 16, HEAD_UNIT = UNITS, MOST_THREADS = 64, MOST_BATCH = 1024 };

/* What a block computes with, made by network_pack; and where its gradients lie in a thread's sums. */
typedef struct block_operands {
    float *taps, *taps_flipped, *taps_bias; /* taps [channels / 16][49][16] */
    float *fc1_bias, *fc2_bias, *scale;
    operand *fc1, *fc2, *fc1_back, *fc2_back;
    long sum_fc1, sum_fc2, sum_taps, sum_taps_bias, sum_fc1_bias, sum_out;
} block_operands;
typedef struct down_operands {
    operand *weight, *weight_back; /* back: one per tap of the 2x2 filter */
    float *bias;
    long sum_weight, sum_bias;
} down_operands;
typedef struct stem_operands {
    operand *weight;
    float *bias, *norm_weight, *norm_bias;
    long sum_weight, sum_bias, sum_norm_weight, sum_norm_bias;
} stem_operands;

/* Memory of one thread. */
typedef struct scratch {
    float *sums; /* its part of the gradients */
    float *z, *dz, *hidden, *d_hidden, *out, *padded, *unpacked;
    operand *activated, *d_out, *left, *left2, *right, *right2, *patches;
} scratch;

typedef struct network {
    parameter_table table;
    float *weights, *gradients, *moment1, *moment2, *average; /* flat, PyTorch's layout */
    const gemm_kernels *gemm;
    int threads;
    stem_operands stem;
    down_operands down[STAGES];
    block_operands block[STAGES][MOST_BLOCKS];
    long sum_count; /* floats of scratch.sums */
    scratch scratch[MOST_THREADS];

    /* Activations of a batch. */
    int most_images, most_side;
    int side[STAGES];
    operand *patches;                    /* the input: [image][pixel][STEM_K] */
    operand *stem_rows;                  /* normalised rows of the stem */
    float *stem_inverse;                 /* 1 / deviation */
    float *map[STAGES][MOST_BLOCKS + 1]; /* inputs of the blocks, and the stage's output */
    operand *rows[STAGES][MOST_BLOCKS];  /* normalised rows of the blocks */
    float *inverse[STAGES][MOST_BLOCKS];
    operand *down_rows[STAGES]; /* normalised rows before downsampling */
    float *down_inverse[STAGES];
    float *gradient[STAGES]; /* at the stage's maps, from its output back to its input */
    float *pooled_rows, *pooled_inverse, *head_rows; /* [image][320] */
    float *out, *unit, *target, *d_out;              /* [image][512]; unit: out at length 1 */
    float *d_head;                                   /* [image][320] */
    float *similarity;                               /* [2][batch][batch] */
} network;

/* Makes a network with zero weights. kernels: gemm_choose's. */
network *network_new(const gemm_kernels *kernels, int threads);
/* Memory for batches of so many pictures of side x side; once. */
void network_reserve(network *net, int images, int side);
/* Sets the side of the pictures to come: a side that network_has_side knows, no more than reserved. */
void network_set_side(network *net, int side);
int network_has_side(int side);
/* How many images to take together in a stage: rows a multiple of 32, some 256 of them where the batch allows.
 */
int network_group(const network *net, int stage, int batch);

/* Unit 0 is the stem, 1 to 3 the downsamplings, 4 to 15 the blocks, HEAD_UNIT the head. */
int network_block_unit(int stage, int number);
void network_unit_block(int unit, int *stage, int *number);
/* First and last parameter of a unit. */
void network_unit_parameters(const network *net, int unit, int *first, int *last);

/* Packs a unit's operands from weights (network.weights or .average); the head needs none. */
void network_pack(network *net, int unit, const float *weights, int thread);
/* Adds up the threads' gradients of a unit (not the head) into net->gradients, clears theirs, and returns the
 * sum of squares. */
double network_collect(network *net, int unit);

/* ---- passes over images first .. first + count - 1; the kernels' start_thread has been called in this thread
 */
void network_forward(network *net, int stage, int first, int count, int thread);
void network_backward(network *net, int stage, int first, int count, int thread);
/* Pooling, LayerNorm and the linear layer with these weights: fills out and unit. */
void network_head_forward(network *net, const float *weights, int first, int count);
/* From d_out to the gradient at the last stage's output. */
void network_head_backward(network *net, int first, int count);
/* The head's gradients, of the whole batch; returns the sum of squares. */
double network_head_collect(network *net, int batch);

#endif
