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

static VE__INLINE void norm_vectors(const float *x, unsigned whole, vec shift, vec factor, const float *weight,
                                    const float *bias, float *out)
{
    for (unsigned c = 0; c < whole; c += VEC_LANES)
        vec_store(out + c, norm_value(vec_load(x + c), shift, factor, weight ? weight + c : NULL,
                                      bias ? bias + c : NULL));
}

static void write_norm(const float *x, unsigned channels, vec shift, vec factor, const float *weight,
                       const float *bias, float *out)
{
    unsigned whole = WHOLE(channels), rest = channels - whole;
    if (weight && bias) /* a usual case without a question in the loop */
        norm_vectors(x, whole, shift, factor, weight, bias, out);
    else
        norm_vectors(x, whole, shift, factor, weight, bias, out);
    if (rest) {
        vec v = vec_mul(vec_sub(vec_load_part(x + whole, rest), shift), factor);
        if (weight)
            v = vec_mul(v, vec_load_part(weight + whole, rest));
        vec_store_part(out + whole, bias ? vec_add(v, vec_load_part(bias + whole, rest)) : v, rest);
    }
}

static void norm_rows(const float *x, size_t stride, unsigned rows, unsigned channels,
                      const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                      size_t out_stride)
{
    vec shift[NORM_ROWS], factor[NORM_ROWS];
    while (rows > 0) {
        unsigned count = rows < NORM_ROWS ? 1 : NORM_ROWS;
        if (count == 1)
            norm_terms(x, stride, 1, channels, rule, shift, factor);
        else
            norm_terms(x, stride, NORM_ROWS, channels, rule, shift, factor);
        for (unsigned r = 0; r < count; r++, x += stride, out += out_stride)
            write_norm(x, channels, shift[r], factor[r], weight, bias, out);
        rows -= count;
    }
}
