/* SPDX-License-Identifier: MIT */
/* Entries of the kernel table along rows that NEON has for itself. To be included once, after vec_neon.h. */
#include "kernels/norm_neon.h"

/* ---- norm_rows */

/* Where the rows go, and what their channels are multiplied with and added to; NULL: neither. */
typedef struct norm_target {
    float *row[4];
    const float *weight, *bias;
} norm_target;

static VE__INLINE vec norm_value(vec x, vec shift, vec factor, const vec *weight, const vec *bias)
{
    vec v = vec_mul(vec_sub(x, shift), factor);
    v = weight ? vec_mul(v, *weight) : v;
    return bias ? vec_add(v, *bias) : v;
}

/* `rows` is a constant, and whether there are weights and biases is known. */
static VE__INLINE void write_norms(const norm_four *f, const norm_target *to, unsigned rows, unsigned whole,
                                   const float *weight, const float *bias)
{
    const float *p[4] = {f->row[0], f->row[1], f->row[2], f->row[3]};
    float *out[4] = {to->row[0], to->row[1], to->row[2], to->row[3]};
    vec shift[4], factor[4], w[2], b[2];
    vec_spread(f->shift, shift);
    vec_spread(f->factor, factor);
    for (unsigned i = whole / 8; i > 0; i--) {
        if (weight)
            vec_next_two(&weight, &w[0], &w[1]);
        if (bias)
            vec_next_two(&bias, &b[0], &b[1]);
        VE__UNROLL
        for (unsigned r = 0; r < rows; r++) {
            vec left, right;
            vec_next_two(&p[r], &left, &right);
            left = norm_value(left, shift[r], factor[r], weight ? &w[0] : NULL, bias ? &b[0] : NULL);
            right = norm_value(right, shift[r], factor[r], weight ? &w[1] : NULL, bias ? &b[1] : NULL);
            vec_put_two(&out[r], left, right);
        }
    }
    if (whole % 8) {
        w[0] = weight ? vec_load(weight) : vec_zero();
        b[0] = bias ? vec_load(bias) : vec_zero();
        VE__UNROLL
        for (unsigned r = 0; r < rows; r++)
            vec_store(out[r], norm_value(vec_load(p[r]), shift[r], factor[r], weight ? &w[0] : NULL,
                                         bias ? &b[0] : NULL));
    }
}

/* The last channels of a row, fewer than a vector. */
static void write_rest(const norm_four *f, const norm_target *to, unsigned r, unsigned whole, unsigned rest)
{
    float shift[4], factor[4];
    vec_store(shift, f->shift);
    vec_store(factor, f->factor);
    vec v = vec_mul(vec_sub(vec_load_part(f->row[r] + whole, rest), vec_set1(shift[r])), vec_set1(factor[r]));
    if (to->weight)
        v = vec_mul(v, vec_load_part(to->weight + whole, rest));
    vec_store_part(to->row[r] + whole, to->bias ? vec_add(v, vec_load_part(to->bias + whole, rest)) : v, rest);
}

static VE__INLINE void norm_some(norm_four *f, const norm_target *to, unsigned rows, unsigned channels,
                                 const ve__norm_rule *rule)
{
    unsigned whole = WHOLE(channels), rest = channels - whole;
    norm_terms(f, channels, rule);
    if (to->weight && to->bias) /* the usual cases without a question in the loop */
        write_norms(f, to, rows, whole, to->weight, to->bias);
    else if (!to->weight && !to->bias)
        write_norms(f, to, rows, whole, NULL, NULL);
    else
        write_norms(f, to, rows, whole, to->weight, to->bias);
    for (unsigned r = 0; rest && r < rows; r++)
        write_rest(f, to, r, whole, rest);
}

static void norm_rows(const float *x, size_t stride, unsigned rows, unsigned channels,
                      const ve__norm_rule *rule, const float *weight, const float *bias, float *out,
                      size_t out_stride)
{
    norm_target to = {.weight = weight, .bias = bias};
    norm_four f;
    while (rows > 0) {
        unsigned count = rows < 4 ? 1 : 4;
        point_to_rows(x, stride, count, f.row);
        for (unsigned r = 0; r < 4; r++)
            to.row[r] = r < count ? out + r * out_stride : out;
        if (count == 4)
            norm_some(&f, &to, 4, channels, rule);
        else
            norm_some(&f, &to, 1, channels, rule);
        rows -= count;
        x += count * stride;
        out += count * out_stride;
    }
}

/* ---- interleave */

/* Zero times a value that is not finite is not a number, and stays so in a sum. */
static int interleave(const float *planes, size_t count, float *out)
{
    const float *plane[3] = {planes, planes + count, planes + 2 * count};
    vec zero = vec_zero(), sums[3] = {zero, zero, zero};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        float32x4x3_t pixels = {{vec_load(plane[0] + i), vec_load(plane[1] + i), vec_load(plane[2] + i)}};
        VE__UNROLL
        for (unsigned c = 0; c < 3; c++)
            sums[c] = vec_fma(pixels.val[c], zero, sums[c]);
        vst3q_f32(out + 3 * i, pixels);
    }
    float sum = vec_sum(vec_add(vec_add(sums[0], sums[1]), sums[2]));
    for (; i < count; i++)
        for (unsigned c = 0; c < 3; c++) {
            out[3 * i + c] = plane[c][i];
            sum += 0.0f * plane[c][i];
        }
    return sum == 0.0f;
}
