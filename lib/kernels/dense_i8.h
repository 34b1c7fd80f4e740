/* SPDX-License-Identifier: MIT */
/*
 * Dense layers in 8 bits, beside ve__dense of kernels.h, whose rules hold here, too.
 *
 * Weights are integers -127 ... 127 with one scale for each output; the inputs of a call are rounded to
 * integers -128 ... 127 with one scale and one zero point for each row. With v the rows that a panel was made
 * of (padding aside: k floats), in f32 with every operation rounded to nearest even:
 *
 *     low = min(0, v ...)    high = max(0, v ...)    scale = (high - low) / 255    inverse = 255 / (high - low)
 *     (high - low < VE__I8_SMALLEST: scale = inverse = 0)
 *     zero = -128 - rint(low * inverse)              an integer, -128 ... 127; the value 0 becomes `zero`
 * exactly q[i] = min(127, rint(v[i] * inverse) + zero)
 *
 *     sum[r][j] = sum over i of q[r][i] * weights[j][i] - zero[r] * (sum over i of weights[j][i])    in
 * integers dense(panel)[r][j] = fma((float)sum[r][j], scale[r] * weight_scale[j], bias[j])
 *
 * No sum leaves 32 bits for k <= VE__I8_MAX_K: |q - zero| <= 255, |weights| <= 127. So the sums are exact, and
 * panel_write and multiply give the same bits in every table, whatever the order and the signs they work with;
 * panel_norm and multiply_gelu do in all but the scalar one, which does not fuse multiplications and additions.
 * A table whose instructions want unsigned inputs stores q + 128 and zero + 128. Rows with infinities or NaN
 * give some result or other, in their own outputs only.
 */
#ifndef VE_KERNELS_DENSE_I8_H
#define VE_KERNELS_DENSE_I8_H

#include <stddef.h>
#include <stdint.h>

struct ve__norm_rule;

#define VE__I8_LARGEST  127
#define VE__I8_SMALLEST 1e-30f
/* The widest hidden layer that a weight file may have; 255 * 127 * this is below 2^31. */
#define VE__I8_MAX_K 32768u

/* The smallest and the largest of a row's values and 0. */
typedef struct ve__range {
    float low, high;
} ve__range;

typedef struct ve__dense_i8 {
    size_t (*packed_bytes)(unsigned k, unsigned n);
    /* weights: [n][k] row-major, none of them -128; scale: [n]; bias: [n] or NULL (zeros). */
    void (*pack)(const int8_t *weights, const float *scale, const float *bias, unsigned k, unsigned n,
                 void *packed);

    size_t (*panel_bytes)(unsigned rows, unsigned k);
    /* panel <- rows of k floats, `stride` floats apart, each value times factor[i] first where factor is not
     * NULL. ranges: those of the rows, or NULL; never given together with a factor. Only k floats of a row are
     * read. */
    void (*panel_write)(const float *x, size_t stride, unsigned rows, unsigned k, const float *factor,
                        const ve__range *ranges, void *panel);
    /* panel <- the rows that norm_rows makes with `factor` for a weight and no bias, as panel_write rounds
     * them. */
    void (*panel_norm)(const float *x, size_t stride, unsigned rows, unsigned k,
                       const struct ve__norm_rule *rule, const float *factor, void *panel);

    /* As ve__dense's. */
    void (*multiply)(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out);
    /* out[r * stride + j] = gelu(dense(panel)[r][j]) for j < n, as gelu_i8.h has it, within VE__I8_GELU_ERROR
     * of the exact value; zeros in the padding behind n (stride >= ve__padded(n)). ranges (NULL: not wanted)
     * gets the range of each row of out. Where square_sums is not NULL, square_sums[j] += sum over r of
     * out[r][j]^2 (n floats), the rows added one after the other. */
    void (*multiply_gelu)(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          float *out, size_t stride, ve__range *ranges, float *square_sums);

    /* As ve__dense's. */
    unsigned tile_rows;
    /* Whether this is faster than the same table's dense_f32: otherwise networks are computed in f32 unless
     * the program asks for 8 bits. */
    int pays;
} ve__dense_i8;

/* What the GELU of gelu_i8.h is off by at most: less than half a step of a hidden row, whose steps are
 * 1/1500 at least, since gelu goes down to -0.17 and most rows have values near that. */
#define VE__I8_GELU_ERROR 3e-4f

/* One per instruction set; each fills in all entries. */
void ve__i8_fill_scalar(ve__dense_i8 *table);
void ve__i8_fill_neon(ve__dense_i8 *table);
void ve__i8_fill_neondot(ve__dense_i8 *table);
void ve__i8_fill_avx2(ve__dense_i8 *table);
void ve__i8_fill_avx512vnni(ve__dense_i8 *table);

/* One row of f32 weights as integers: *scale = largest |weights[i]| / 127, codes[i] = the integer nearest to
 * weights[i] / *scale. A row whose largest weight is below VE__I8_SMALLEST gets scale 1 and codes 0. Rows that
 * were made of codes, 127 or -127 among them, times a scale give the same codes again. */
void ve__i8_from_row(const float *weights, unsigned k, int8_t *codes, float *scale);

#endif
