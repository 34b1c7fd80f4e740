/* SPDX-License-Identifier: MIT */
/*
 * The dense layers for NEON. To be included once, after vec_neon.h and rows_template.h.
 *
 * A panel is cut into groups of 12 rows; the last group has 4, 8 or 12, of which the rows past the end hold
 * zeros (or whatever a computation makes of them; they are never stored in a row). A group of width w is
 * [k][w]: one value of k for all its rows lies together and is loaded by one instruction. packed is one panel
 * of 8 columns after the other: bias [8], weights [k][8].
 *
 * A tile is a group by 8 columns, its 24 sums in registers for the whole of k; a step is two loads and 24 fused
 * multiply-adds by element. What is the vector and what the element depends on where the result goes:
 * multiply_gelu keeps rows in the lanes, since that is how the next panel wants them, multiply keeps columns in
 * the lanes. Every sum starts with the bias and adds k ascending, in either form.
 */

#define GROUP_ROWS 12u
#define COLUMNS    8u

/* Rows of a panel in memory. */
static size_t panel_rows(unsigned rows)
{
    return ((size_t)rows + 3) / 4 * 4;
}

static size_t packed_bytes(unsigned k, unsigned n)
{
    return ((size_t)k + 1) * ve__padded(n) * sizeof(float);
}

/* The transpose of four rows, in place. */
static VE__INLINE void transpose_4x4(vec v[4])
{
    float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(v[0], v[1])),
                b = vreinterpretq_f64_f32(vtrn2q_f32(v[0], v[1]));
    float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(v[2], v[3])),
                d = vreinterpretq_f64_f32(vtrn2q_f32(v[2], v[3]));
    v[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    v[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    v[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    v[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

/* weights [columns <= 8][k] -> to [k][8]. */
static void pack_columns(const float *weights, unsigned columns, unsigned k, float *to)
{
    unsigned i = 0;
    for (; columns == COLUMNS && i + 4 <= k; i += 4)
        VE__UNROLL
    for (unsigned half = 0; half < COLUMNS; half += 4) {
        vec v[4];
        VE__UNROLL
        for (unsigned j = 0; j < 4; j++)
            v[j] = vec_load(weights + (size_t)(half + j) * k + i);
        transpose_4x4(v);
        VE__UNROLL
        for (unsigned j = 0; j < 4; j++)
            vec_store(to + (size_t)(i + j) * COLUMNS + half, v[j]);
    }
    for (; i < k; i++)
        for (unsigned j = 0; j < COLUMNS; j++)
            to[(size_t)i * COLUMNS + j] = j < columns ? weights[(size_t)j * k + i] : 0.0f;
}

static void pack(const float *weights, const float *bias, unsigned k, unsigned n, void *packed)
{
    float *to = packed;
    for (unsigned first = 0; first < n; first += COLUMNS, to += (size_t)(k + 1) * COLUMNS) {
        for (unsigned j = 0; j < COLUMNS; j++)
            to[j] = bias && first + j < n ? bias[first + j] : 0.0f;
        pack_columns(weights + (size_t)first * k, n - first < COLUMNS ? n - first : COLUMNS, k, to + COLUMNS);
    }
}

/* ---- panels */

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return panel_rows(rows) * k * sizeof(float);
}

/* Width of the group that row r lies in. */
static unsigned group_width(unsigned rows, unsigned r)
{
    size_t left = panel_rows(rows) - r / GROUP_ROWS * GROUP_ROWS;
    return left < GROUP_ROWS ? (unsigned)left : GROUP_ROWS;
}

/* Where the values of rows r ... r + 3 begin, r a multiple of 4. */
static float *four_rows(void *panel, unsigned k, unsigned r)
{
    return (float *)panel + (size_t)(r / GROUP_ROWS * GROUP_ROWS) * k + r % GROUP_ROWS;
}

/* `count` <= 4 rows into a panel, each value as (x - shift[row]) * factor[row]. */
static VE__INLINE void write_four_rows(const float *x, size_t stride, unsigned count, unsigned k,
                                       const vec shift[4], const vec factor[4], float *to, unsigned width)
{
    for (unsigned i = 0; i < k; i += 4, to += 4 * width) {
        unsigned n = k - i < 4 ? k - i : 4;
        vec v[4];
        VE__UNROLL
        for (unsigned r = 0; r < 4; r++) {
            const float *from = x + r * stride + i;
            v[r] = r >= count ? vec_zero() : n < 4 ? vec_load_part(from, n) : vec_load(from);
            v[r] = vec_mul(vec_sub(v[r], shift[r]), factor[r]);
        }
        transpose_4x4(v);
        if (n == 4) {
            VE__UNROLL
            for (unsigned j = 0; j < 4; j++)
                vec_store(to + j * width, v[j]);
        } else {
            for (unsigned j = 0; j < n; j++)
                vec_store(to + j * width, v[j]);
        }
    }
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    const vec shift[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
    const vec factor[4] = {vec_set1(1.0f), vec_set1(1.0f), vec_set1(1.0f), vec_set1(1.0f)};
    unsigned r = 0;
    for (; r + 4 <= rows; r += 4)
        write_four_rows(x + r * stride, stride, 4, k, shift, factor, four_rows(panel, k, r),
                        group_width(rows, r));
    if (r < rows)
        write_four_rows(x + r * stride, stride, rows - r, k, shift, factor, four_rows(panel, k, r),
                        group_width(rows, r));
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       void *panel)
{
    vec shift[4], factor[4];
    unsigned r = 0;
    for (; r + 4 <= rows; r += 4) {
        norm_terms(x + r * stride, stride, 4, k, rule, shift, factor);
        write_four_rows(x + r * stride, stride, 4, k, shift, factor, four_rows(panel, k, r),
                        group_width(rows, r));
    }
    for (unsigned i = 0; i < 4; i++)
        shift[i] = factor[i] = vec_zero();
    for (unsigned i = 0; r + i < rows; i++)
        norm_terms(x + (r + i) * stride, stride, 1, k, rule, shift + i, factor + i);
    if (r < rows)
        write_four_rows(x + r * stride, stride, rows - r, k, shift, factor, four_rows(panel, k, r),
                        group_width(rows, r));
}

static void panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    float *at = panel;
    for (unsigned r = 0; r < rows; r += GROUP_ROWS) {
        unsigned width = group_width(rows, r);
        for (unsigned i = 0; i < k; i++)
            for (unsigned j = 0; j < width; j += 4, at += 4)
                vec_store(at, vec_mul(vec_load(at), vec_set1(scale[i])));
    }
}

/* ---- tiles of G groups of four rows by 8 columns; G is a constant */

/* sum[0 .. 3] += x * w[0 .. 3]; by name, because the element's number must be a constant at any optimisation.
 */
#define FMA_ELEMENTS(s0, s1, s2, s3, x, w)                                                                     \
    do {                                                                                                       \
        s0 = vfmaq_laneq_f32(s0, x, w, 0);                                                                     \
        s1 = vfmaq_laneq_f32(s1, x, w, 1);                                                                     \
        s2 = vfmaq_laneq_f32(s2, x, w, 2);                                                                     \
        s3 = vfmaq_laneq_f32(s3, x, w, 3);                                                                     \
    } while (0)

typedef vec tile_sums[24];

/* Rows in the lanes: sums [8 columns][G]. */
static VE__INLINE void step_rows(vec *s, unsigned g, const vec *a, vec w0, vec w1)
{
    VE__UNROLL
    for (unsigned i = 0; i < g; i++) {
        FMA_ELEMENTS(s[i], s[g + i], s[2 * g + i], s[3 * g + i], a[i], w0);
        FMA_ELEMENTS(s[4 * g + i], s[5 * g + i], s[6 * g + i], s[7 * g + i], a[i], w1);
    }
}

/* Columns in the lanes: sums [4 G rows][2]. */
static VE__INLINE void step_columns(vec *s, unsigned g, const vec *a, vec w0, vec w1)
{
    VE__UNROLL
    for (unsigned i = 0; i < g; i++, s += 8) {
        FMA_ELEMENTS(s[0], s[2], s[4], s[6], w0, a[i]);
        FMA_ELEMENTS(s[1], s[3], s[5], s[7], w1, a[i]);
    }
}

/* One k's values of G groups, by one instruction. */
static VE__INLINE const float *load_values(const float *a, unsigned g, vec v[3])
{
    if (g == 3) {
        float32x4x3_t x = vld1q_f32_x3(a);
        v[0] = x.val[0];
        v[1] = x.val[1];
        v[2] = x.val[2];
    } else if (g == 2) {
        float32x4x2_t x = vld1q_f32_x2(a);
        v[0] = x.val[0];
        v[1] = x.val[1];
    } else
        v[0] = vld1q_f32(a);
    return a + 4 * g;
}

/* All of k; `columns_in_lanes` is a constant too. */
static VE__INLINE void accumulate(vec *s, unsigned g, int columns_in_lanes, const float *a, unsigned k,
                                  const float *b)
{
    vec v[3];
    for (; k >= 4; k -= 4) {
        VE__UNROLL
        for (unsigned i = 0; i < 2; i++) {
            float32x4x4_t w = vld1q_f32_x4(b);
            b += 16;
            a = load_values(a, g, v);
            if (columns_in_lanes)
                step_columns(s, g, v, w.val[0], w.val[1]);
            else
                step_rows(s, g, v, w.val[0], w.val[1]);
            a = load_values(a, g, v);
            if (columns_in_lanes)
                step_columns(s, g, v, w.val[2], w.val[3]);
            else
                step_rows(s, g, v, w.val[2], w.val[3]);
        }
    }
    for (; k > 0; k--, b += COLUMNS) {
        a = load_values(a, g, v);
        if (columns_in_lanes)
            step_columns(s, g, v, vec_load(b), vec_load(b + 4));
        else
            step_rows(s, g, v, vec_load(b), vec_load(b + 4));
    }
}

/* rows x 8 sums into rows of the output, at column `column`; rows <= 4 G. */
static VE__INLINE void tile_out(unsigned g, const float *a, unsigned k, const float *b, unsigned rows,
                                const float *const *residual, float *const *out, unsigned column)
{
    tile_sums s;
    VE__UNROLL
    for (unsigned r = 0; r < 4 * g; r++) {
        s[2 * r] = vec_load(b);
        s[2 * r + 1] = vec_load(b + 4);
    }
    accumulate(s, g, 1, a, k, b + COLUMNS);
    VE__UNROLL
    for (unsigned r = 0; r < 4 * g; r++) {
        if (r >= rows)
            return;
        if (residual) {
            s[2 * r] = vec_add(s[2 * r], vec_load(residual[r] + column));
            s[2 * r + 1] = vec_add(s[2 * r + 1], vec_load(residual[r] + column + 4));
        }
        vec_store(out[r] + column, s[2 * r]);
        vec_store(out[r] + column + 4, s[2 * r + 1]);
    }
}

/* GELU of 4 G rows x 8 sums -> to [8][4 G]. */
static VE__INLINE void tile_gelu(unsigned g, const float *a, unsigned k, const float *b, float *to)
{
    tile_sums s;
    VE__UNROLL
    for (unsigned j = 0; j < COLUMNS; j++)
        VE__UNROLL
    for (unsigned i = 0; i < g; i++)
        s[j * g + i] = vec_set1(b[j]);
    accumulate(s, g, 0, a, k, b + COLUMNS);
    VE__UNROLL
    for (unsigned i = 0; i < COLUMNS * g; i++)
        vec_store(to + 4 * i, s[i]);
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    const float *weights = packed;
    for (unsigned column = 0; column < n; column += COLUMNS, weights += (size_t)(k + 1) * COLUMNS) {
        const float *a = panel;
        for (unsigned r = 0; r < rows; r += GROUP_ROWS, a += (size_t)GROUP_ROWS * k) {
            unsigned count = rows - r < GROUP_ROWS ? rows - r : GROUP_ROWS;
            const float *const *added = residual ? residual + r : NULL;
            if (count > 8)
                tile_out(3, a, k, weights, count, added, out + r, column);
            else if (count > 4)
                tile_out(2, a, k, weights, count, added, out + r, column);
            else
                tile_out(1, a, k, weights, count, added, out + r, column);
        }
    }
    for (unsigned r = 0; n % COLUMNS && r < rows; r++) /* sums of infinities may have left NaN there */
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
}

/* GELU over what a tile has stored: not in the tile's own registers, which are all taken. */
static void gelu_columns(float *at, unsigned width, unsigned columns)
{
    for (unsigned i = 0; i < width * columns; i += 4)
        vec_store(at + i, vec_gelu(vec_load(at + i)));
}

/* square_sums[j] += the squares of `rows` of the `width` values of each column. */
static void add_squares(const float *at, unsigned width, unsigned rows, unsigned columns, float *square_sums)
{
    for (unsigned j = 0; j < columns; j++, at += width) {
        vec sum = vec_zero();
        for (unsigned i = 0; i < rows; i += 4) {
            vec v = rows - i < 4 ? vec_keep(vec_load(at + i), rows - i) : vec_load(at + i);
            sum = vec_fma(v, v, sum);
        }
        square_sums[j] += vec_sum(sum);
    }
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums)
{
    const float *weights = packed;
    for (unsigned column = 0; column < n; column += COLUMNS, weights += (size_t)(k + 1) * COLUMNS) {
        const float *a = panel;
        unsigned columns = n - column < COLUMNS ? n - column : COLUMNS;
        for (unsigned r = 0; r < rows; r += GROUP_ROWS, a += (size_t)GROUP_ROWS * k) {
            unsigned width = group_width(rows, r), count = rows - r < width ? rows - r : width;
            float sums[GROUP_ROWS * COLUMNS];
            float *group = (float *)panel_out + (size_t)r * n + (size_t)column * width;
            float *to = columns < COLUMNS ? sums : group; /* the panel has no room behind n */
            if (width == 12)
                tile_gelu(3, a, k, weights, to);
            else if (width == 8)
                tile_gelu(2, a, k, weights, to);
            else
                tile_gelu(1, a, k, weights, to);
            gelu_columns(to, width, columns);
            if (to == sums)
                memcpy(group, sums, (size_t)columns * width * sizeof(float));
            if (square_sums)
                add_squares(group, width, count, columns, square_sums + column);
        }
    }
}
