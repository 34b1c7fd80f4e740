/* SPDX-License-Identifier: MIT */
/* norm_rows of the kernel table, over norm_template.h. Included once per instruction set, after its vec_*.h. */
#include "kernels/norm_template.h"

/* A vector of norm_rows's output. */
static VE__INLINE vec norm_value(vec x, vec shift, vec factor, const float *weight, const float *bias)
{
    vec v = vec_mul(vec_sub(x, shift), factor);
    if (weight)
        v = vec_mul(v, vec_load(weight));
    return bias ? vec_add(v, vec_load(bias)) : v;
}

/* Where norm_rows reads and writes. */
typedef struct norm_place {
    const float *x, *weight, *bias;
    float *out;
    size_t stride, out_stride;
} norm_place;

static VE__INLINE void norm_vectors(const norm_place *at, unsigned rows, unsigned whole, const vec *shift,
                                    const vec *factor, const float *weight, const float *bias)
{
    const float *x = at->x;
    float *out = at->out;
    for (unsigned c = 0; c < whole; c += VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < rows; r++)
        vec_store(out + r * at->out_stride + c,
                  norm_value(vec_load(x + r * at->stride + c), shift[r], factor[r], weight ? weight + c : NULL,
                             bias ? bias + c : NULL));
}

/* The last channels of a row, fewer than a vector. */
static void norm_last(const float *x, const norm_place *at, unsigned whole, unsigned rest, vec shift,
                      vec factor, float *out)
{
    vec v = vec_mul(vec_sub(vec_load_part(x + whole, rest), shift), factor);
    if (at->weight)
        v = vec_mul(v, vec_load_part(at->weight + whole, rest));
    vec_store_part(out + whole, at->bias ? vec_add(v, vec_load_part(at->bias + whole, rest)) : v, rest);
}

/* `rows`: NORM_ROWS or 1. */
static VE__INLINE void norm_some(const norm_place *at, unsigned rows, unsigned channels,
                                 const ve__norm_rule *rule)
{
    unsigned whole = WHOLE(channels), rest = channels - whole;
    vec shift[NORM_ROWS], factor[NORM_ROWS];
    norm_terms(at->x, at->stride, rows, channels, rule, shift, factor);
    if (at->weight && at->bias) /* the usual cases without a question in the loop */
        norm_vectors(at, rows, whole, shift, factor, at->weight, at->bias);
    else if (!at->weight && !at->bias)
        norm_vectors(at, rows, whole, shift, factor, NULL, NULL);
    else
        norm_vectors(at, rows, whole, shift, factor, at->weight, at->bias);
    for (unsigned r = 0; rest && r < rows; r++)
        norm_last(at->x + r * at->stride, at, whole, rest, shift[r], factor[r], at->out + r * at->out_stride);
}

static void norm_rows(const float *x, size_t stride, unsigned rows, unsigned channels,
                      const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                      size_t out_stride)
{
    norm_place at = {x, weight, bias, out, stride, out_stride};
    for (; rows >= NORM_ROWS; rows -= NORM_ROWS) {
        norm_some(&at, NORM_ROWS, channels, rule);
        at.x += NORM_ROWS * stride;
        at.out += NORM_ROWS * out_stride;
    }
    for (; rows > 0; rows--) {
        norm_some(&at, 1, channels, rule);
        at.x += stride;
        at.out += out_stride;
    }
}
