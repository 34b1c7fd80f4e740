/* SPDX-License-Identifier: MIT */
/*
 * The dense layers for NEON. To be included once, after vec_neon.h and rows_template.h.
 *
 * A panel is cut into groups of 12 rows; the last group has 4, 8 or 12, of which the rows past the end hold
 * zeros (or whatever a computation makes of them; they are never stored in a row). A group of width w is
 * [k][w]: one value of k for all its rows lies together and is loaded by one instruction. packed is one panel
 * of 8 columns after the other: bias [8], weights [k][8].
 *
 * A tile is a group by 8 columns, its 24 sums (of 12 rows) in registers for the whole of k; a step is two loads
 * and 24 fused multiply-adds by element. What is the vector and what the element depends on where the result
 * goes: multiply_gelu keeps rows in the lanes, since that is how the next panel wants them, multiply keeps
 * columns in the lanes. Every sum starts with the bias and adds k ascending, in either form.
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
    for (unsigned r = 0; r < rows; r += 4) {
        unsigned count = rows - r < 4 ? rows - r : 4;
        norm_four f;
        vec shift[4], factor[4];
        point_to_rows(x + r * stride, stride, count, f.row);
        norm_terms(&f, k, rule);
        vec_spread(f.shift, shift);
        vec_spread(f.factor, factor);
        if (count == 4)
            write_four_rows(x + r * stride, stride, 4, k, shift, factor, four_rows(panel, k, r),
                            group_width(rows, r));
        else
            write_four_rows(x + r * stride, stride, count, k, shift, factor, four_rows(panel, k, r),
                            group_width(rows, r));
    }
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

/* ---- tiles of 4 G rows by 8 columns; G is a constant */

/* sum[0 .. 3] += x * w[0 .. 3]; by name, because the element's number must be a constant at any optimisation.
 */
#define FMA_ELEMENTS(s0, s1, s2, s3, x, w)                                                                     \
    do {                                                                                                       \
        s0 = vfmaq_laneq_f32(s0, x, w, 0);                                                                     \
        s1 = vfmaq_laneq_f32(s1, x, w, 1);                                                                     \
        s2 = vfmaq_laneq_f32(s2, x, w, 2);                                                                     \
        s3 = vfmaq_laneq_f32(s3, x, w, 3);                                                                     \
    } while (0)

typedef vec tile_sums[16];

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
static VE__INLINE const float *load_values(const float *a, unsigned g, vec v[2])
{
    if (g == 2) {
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
    vec v[2];
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

/* The tile of 12 rows, whose 24 sums together with 7 vectors of operands take all registers but one: compilers
 * spill some of them, so the loop is written down. v8 ... v31 are the sums, v0 ... v3 two rows of weights, v4
 * ... v6 one k's values. A step takes the names of its two vectors of weights. */
#define FMLA(sum, vector, element, lane) "fmla v" #sum ".4s, " #vector ".4s, " #element ".s[" #lane "]\n"

#define STEP_12_ROWS_COLUMN(s0, s1, s2, w, lane)                                                               \
    FMLA(s0, v4, w, lane) FMLA(s1, v5, w, lane) FMLA(s2, v6, w, lane)
#define STEP_12_ROWS(w0, w1)                                                                                   \
    "ld1 {v4.4s, v5.4s, v6.4s}, [%[a]], #48\n" STEP_12_ROWS_COLUMN(8, 9, 10, w0, 0)                            \
        STEP_12_ROWS_COLUMN(11, 12, 13, w0, 1) STEP_12_ROWS_COLUMN(14, 15, 16, w0, 2)                          \
            STEP_12_ROWS_COLUMN(17, 18, 19, w0, 3) STEP_12_ROWS_COLUMN(20, 21, 22, w1, 0)                      \
                STEP_12_ROWS_COLUMN(23, 24, 25, w1, 1) STEP_12_ROWS_COLUMN(26, 27, 28, w1, 2)                  \
                    STEP_12_ROWS_COLUMN(29, 30, 31, w1, 3)

#define STEP_12_COLUMNS_ROW(s0, s1, w0, w1, x, lane) FMLA(s0, w0, x, lane) FMLA(s1, w1, x, lane)
#define STEP_12_COLUMNS(w0, w1)                                                                                \
    "ld1 {v4.4s, v5.4s, v6.4s}, [%[a]], #48\n" STEP_12_COLUMNS_ROW(8, 9, w0, w1, v4, 0)                        \
        STEP_12_COLUMNS_ROW(10, 11, w0, w1, v4, 1) STEP_12_COLUMNS_ROW(12, 13, w0, w1, v4, 2)                  \
            STEP_12_COLUMNS_ROW(14, 15, w0, w1, v4, 3) STEP_12_COLUMNS_ROW(16, 17, w0, w1, v5, 0)              \
                STEP_12_COLUMNS_ROW(18, 19, w0, w1, v5, 1) STEP_12_COLUMNS_ROW(20, 21, w0, w1, v5, 2)          \
                    STEP_12_COLUMNS_ROW(22, 23, w0, w1, v5, 3) STEP_12_COLUMNS_ROW(24, 25, w0, w1, v6, 0)      \
                        STEP_12_COLUMNS_ROW(26, 27, w0, w1, v6, 1) STEP_12_COLUMNS_ROW(28, 29, w0, w1, v6, 2)  \
                            STEP_12_COLUMNS_ROW(30, 31, w0, w1, v6, 3)

#define TWO_STEPS(STEP) "ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [%[b]], #64\n" STEP(v0, v1) STEP(v2, v3)

/* k in eights, then one by one. */
#define ALL_STEPS(STEP)                                                                                        \
    "cbz %[eights], 2f\n"                                                                                      \
    "1:\n" TWO_STEPS(STEP) TWO_STEPS(STEP) TWO_STEPS(STEP)                                                     \
        TWO_STEPS(STEP) "subs %[eights], %[eights], #1\n"                                                      \
                        "b.ne 1b\n"                                                                            \
                        "2:\n"                                                                                 \
                        "cbz %[rest], 4f\n"                                                                    \
                        "3:\n"                                                                                 \
                        "ld1 {v0.4s, v1.4s}, [%[b]], #32\n" STEP(v0, v1) "subs %[rest], %[rest], #1\n"         \
                                                                         "b.ne 3b\n"                           \
                                                                         "4:\n"

#define STORE_SUMS                                                                                             \
    "stp q8, q9, [%[to]]\n stp q10, q11, [%[to], #32]\n stp q12, q13, [%[to], #64]\n"                          \
    "stp q14, q15, [%[to], #96]\n stp q16, q17, [%[to], #128]\n stp q18, q19, [%[to], #160]\n"                 \
    "stp q20, q21, [%[to], #192]\n stp q22, q23, [%[to], #224]\n stp q24, q25, [%[to], #256]\n"                \
    "stp q26, q27, [%[to], #288]\n stp q28, q29, [%[to], #320]\n stp q30, q31, [%[to], #352]\n"

#define SUM_REGISTERS                                                                                          \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",     \
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",      \
        "v31"

#define START_COLUMN(s0, s1, s2, w, lane)                                                                      \
    "dup v" #s0 ".4s, " #w ".s[" #lane "]\n mov v" #s1 ".16b, v" #s0 ".16b\n mov v" #s2 ".16b, v" #s0 ".16b\n"

/* to [8 columns][12 rows] */
static void tile_12_rows_in_lanes(const float *a, unsigned k, const float *b, float *to)
{
    unsigned long eights = k / 8, rest = k % 8;
    __asm__ volatile("ld1 {v0.4s, v1.4s}, [%[b]], #32\n" START_COLUMN(8, 9, 10, v0, 0)
                         START_COLUMN(11, 12, 13, v0, 1) START_COLUMN(14, 15, 16, v0, 2)
                             START_COLUMN(17, 18, 19, v0, 3) START_COLUMN(20, 21, 22, v1, 0)
                                 START_COLUMN(23, 24, 25, v1, 1) START_COLUMN(26, 27, 28, v1, 2)
                                     START_COLUMN(29, 30, 31, v1, 3) ALL_STEPS(STEP_12_ROWS) STORE_SUMS
                     : [a] "+r"(a), [b] "+r"(b), [eights] "+r"(eights), [rest] "+r"(rest)
                     : [to] "r"(to)
                     : SUM_REGISTERS, "cc", "memory");
}

#define START_ROW(s0, s1) "mov v" #s0 ".16b, v8.16b\n mov v" #s1 ".16b, v9.16b\n"

/* to [12 rows][8 columns] */
static void tile_12_columns_in_lanes(const float *a, unsigned k, const float *b, float *to)
{
    unsigned long eights = k / 8, rest = k % 8;
    __asm__ volatile("ld1 {v8.4s, v9.4s}, [%[b]], #32\n" START_ROW(10, 11) START_ROW(12, 13) START_ROW(14, 15)
                         START_ROW(16, 17) START_ROW(18, 19) START_ROW(20, 21) START_ROW(22, 23)
                             START_ROW(24, 25) START_ROW(26, 27) START_ROW(28, 29) START_ROW(30, 31)
                                 ALL_STEPS(STEP_12_COLUMNS) STORE_SUMS
                     : [a] "+r"(a), [b] "+r"(b), [eights] "+r"(eights), [rest] "+r"(rest)
                     : [to] "r"(to)
                     : SUM_REGISTERS, "cc", "memory");
}

/* The smaller tiles, of G < 3. to [4 G rows][8] */
static VE__INLINE void tile_columns_in_lanes(unsigned g, const float *a, unsigned k, const float *b, float *to)
{
    tile_sums s;
    VE__UNROLL
    for (unsigned r = 0; r < 4 * g; r++) {
        s[2 * r] = vec_load(b);
        s[2 * r + 1] = vec_load(b + 4);
    }
    accumulate(s, g, 1, a, k, b + COLUMNS);
    VE__UNROLL
    for (unsigned i = 0; i < COLUMNS * g; i++)
        vec_store(to + 4 * i, s[i]);
}

/* to [8][4 G rows] */
static VE__INLINE void tile_rows_in_lanes(unsigned g, const float *a, unsigned k, const float *b, float *to)
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

/* Rows of 8 sums to their places. */
static void put_rows(const float *sums, unsigned rows, const float *const *residual, float *const *out,
                     unsigned column)
{
    for (unsigned r = 0; r < rows; r++, sums += COLUMNS) {
        vec left = vec_load(sums), right = vec_load(sums + 4);
        if (residual) {
            left = vec_add(left, vec_load(residual[r] + column));
            right = vec_add(right, vec_load(residual[r] + column + 4));
        }
        vec_store(out[r] + column, left);
        vec_store(out[r] + column + 4, right);
    }
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
            float sums[GROUP_ROWS * COLUMNS];
            if (count > 8)
                tile_12_columns_in_lanes(a, k, weights, sums);
            else if (count > 4)
                tile_columns_in_lanes(2, a, k, weights, sums);
            else
                tile_columns_in_lanes(1, a, k, weights, sums);
            put_rows(sums, count, added, out + r, column);
        }
    }
    for (unsigned r = 0; n % COLUMNS && r < rows; r++) /* sums of infinities may have left NaN there */
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
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
                tile_12_rows_in_lanes(a, k, weights, to);
            else if (width == 8)
                tile_rows_in_lanes(2, a, k, weights, to);
            else
                tile_rows_in_lanes(1, a, k, weights, to);
            gelu_vectors(to, (size_t)width * COLUMNS); /* all 8 columns: `to` has room for them */
            if (to == sums)
                memcpy(group, sums, (size_t)columns * width * sizeof(float));
            if (square_sums)
                add_squares(group, width, count, columns, square_sums + column);
        }
    }
}
