/* SPDX-License-Identifier: MIT */
/*
 * The dense layers for AVX2 and AVX-512. Included once per instruction set, after its vec_*.h and
 * rows_template.h.
 *
 * A panel is [block of VEC_LANES values of k][row][VEC_LANES]: within a block the rows lie one after the other
 * at a distance that the compiler knows, so that a tile may start at any row, takes its rows' values as
 * broadcasts at constant offsets from one pointer, and what multiply_gelu makes goes into the next panel by
 * whole vectors.
 *
 * packed is one column panel after the other; each covers U units of 8 columns: bias [8 U], weights [k][8 U].
 *
 * The tile, MR rows by U units, keeps all its sums in registers for the whole of k: each starts with the bias
 * and adds k ascending, one fused multiply-add each. A result therefore does not depend on the tile that made
 * it.
 */

#define UNIT      VE__LANES
#define VEC_UNITS (VEC_LANES / UNIT)
/* The most units in a column panel, the most rows and the most floats in a tile. */
#if VEC_LANES == 16
#define MAX_UNITS 6u
#define MAX_ROWS  14u
#else
#define MAX_UNITS 3u
#define MAX_ROWS  12u
#endif
/* Steps of k that a loop makes at once. */
#if VEC_LANES == 16
#define STEPS 4u
#else
#define STEPS 8u
#endif
#define MAX_VECTORS 3u
#define TILE_FLOATS (MAX_ROWS * MAX_VECTORS * VEC_LANES)

/* Units in the next column panel when `units` are left. Two vectors by many rows is the best tile; odd numbers
 * end in one wider tile instead of a narrow one. */
static unsigned column_units(unsigned units)
{
#if VEC_LANES == 16
    return units == 11 ? 6 : units <= 6 ? units : 4;
#else
    return units == 3 ? 3 : units >= 2 ? 2 : 1;
#endif
}

/* The most rows of a tile of that many units: its sums, the weights and one broadcast fill the registers. */
static unsigned tile_rows(unsigned units)
{
#if VEC_LANES == 16
    return units <= 4 ? 14 : 9;
#else
    return units == 1 ? 12 : units == 2 ? 6 : 4;
#endif
}

static size_t packed_bytes(unsigned k, unsigned n)
{
    return ((size_t)k + 1) * ve__padded(n) * sizeof(float);
}

/* 8 x 8 values, transposed. */
static VE__INLINE void transpose_8x8(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    __m256 a[8], b[8];
    VE__UNROLL
    for (unsigned i = 0; i < 8; i++)
        a[i] = _mm256_loadu_ps(from + i * from_stride);
    VE__UNROLL
    for (unsigned i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    VE__UNROLL
    for (unsigned i = 0; i < 8; i += 4)
        VE__UNROLL
    for (unsigned j = 0; j < 2; j++) {
        a[i + 2 * j] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0x44);
        a[i + 2 * j + 1] = _mm256_shuffle_ps(b[i + j], b[i + j + 2], 0xee);
    }
    VE__UNROLL
    for (unsigned i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}

/* weights [columns <= 8][k] -> to [k][8] at a distance of `stride`. */
static void pack_unit(const float *weights, unsigned columns, unsigned k, float *to, size_t stride)
{
    unsigned i = 0;
    for (; columns == UNIT && i + UNIT <= k; i += UNIT)
        transpose_8x8(weights + i, k, to + i * stride, stride);
    for (; i < k; i++)
        for (unsigned j = 0; j < UNIT; j++)
            to[i * stride + j] = j < columns ? weights[(size_t)j * k + i] : 0.0f;
}

static void pack(const float *weights, const float *bias, unsigned k, unsigned n, void *packed)
{
    float *to = packed;
    for (unsigned first = 0; first < n;) {
        unsigned units = column_units(ve__padded(n - first) / UNIT), width = units * UNIT;
        for (unsigned j = 0; j < width; j++)
            to[j] = bias && first + j < n ? bias[first + j] : 0.0f;
        for (unsigned j = 0; j < width; j += UNIT) {
            unsigned columns = n - first - j < UNIT ? n - first - j : UNIT;
            pack_unit(weights + (size_t)(first + j) * k, columns, k, to + width + j, width);
        }
        to += (size_t)(k + 1) * width;
        first += width;
    }
}

/* ---- panels */

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return (size_t)rows * ((k + VEC_LANES - 1) / VEC_LANES * VEC_LANES) * sizeof(float);
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, void *panel)
{
    float *to = panel;
    unsigned whole = WHOLE(k), rest = k - whole;
    for (unsigned i = 0; i < whole; i += VEC_LANES)
        for (unsigned r = 0; r < rows; r++, to += VEC_LANES)
            vec_store(to, vec_load(x + r * stride + i));
    for (unsigned r = 0; rest && r < rows; r++, to += VEC_LANES)
        vec_store(to, vec_load_part(x + r * stride + whole, rest));
}

/* `count` rows (a constant) from row `first` on. */
static VE__INLINE void panel_norm_rows(const float *x, size_t stride, unsigned count, unsigned rows, unsigned k,
                                       const ve__norm_rule *rule, float *to)
{
    unsigned whole = WHOLE(k), rest = k - whole;
    vec shift[NORM_ROWS], factor[NORM_ROWS];
    norm_terms(x, stride, count, k, rule, shift, factor);
    for (unsigned i = 0; i < whole; i += VEC_LANES, to += (size_t)rows * VEC_LANES)
        VE__UNROLL
    for (unsigned r = 0; r < count; r++)
        vec_store(to + r * VEC_LANES, vec_mul(vec_sub(vec_load(x + r * stride + i), shift[r]), factor[r]));
    VE__UNROLL
    for (unsigned r = 0; r < count; r++)
        if (rest) {
            vec v = vec_load_part(x + r * stride + whole, rest);
            vec_store(to + r * VEC_LANES, vec_mul(vec_sub(v, shift[r]), factor[r]));
        }
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       void *panel)
{
    float *to = panel;
    unsigned r = 0;
    for (; r + NORM_ROWS <= rows; r += NORM_ROWS)
        panel_norm_rows(x + r * stride, stride, NORM_ROWS, rows, k, rule, to + (size_t)r * VEC_LANES);
    for (; r < rows; r++)
        panel_norm_rows(x + r * stride, stride, 1, rows, k, rule, to + (size_t)r * VEC_LANES);
}

static void panel_scale(void *panel, unsigned rows, unsigned k, const float *scale)
{
    float *at = panel;
    for (unsigned i = 0; i < k; i += VEC_LANES) {
        vec s = k - i < VEC_LANES ? vec_load_part(scale + i, k - i) : vec_load(scale + i);
        for (unsigned r = 0; r < rows; r++, at += VEC_LANES)
            vec_store(at, vec_mul(vec_load(at), s));
    }
}

/* ---- tiles: MR rows by U units; all of MR, U, whole vectors NV and `odd` (a half behind them) are constants
 */

typedef struct tile_sums {
    vec whole[MAX_ROWS][MAX_VECTORS];
#if VEC_LANES == 16
    half odd[MAX_ROWS];
#endif
} tile_sums;

/* One k: a points at the first row's value, b at the weights. */
static VE__INLINE void tile_step(tile_sums *sums, unsigned mr, unsigned nv, unsigned odd, const float *a,
                                 const float *b)
{
    vec w[MAX_VECTORS];
    VE__UNROLL
    for (unsigned v = 0; v < nv; v++)
        w[v] = vec_load(b + v * VEC_LANES);
#if VEC_LANES == 16
    half w_odd = odd ? half_load(b + nv * VEC_LANES) : half_set1(0.0f);
#endif
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        vec x = vec_set1(a[r * VEC_LANES]);
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++)
            sums->whole[r][v] = vec_fma(x, w[v], sums->whole[r][v]);
#if VEC_LANES == 16
        if (odd)
            sums->odd[r] = half_fma(_mm512_castps512_ps256(x), w_odd, sums->odd[r]);
#endif
    }
    (void)odd;
}

/* out [MR][vectors][VEC_LANES]; `block` is the distance of the panel's blocks. While it works, the next column
 * panel is fetched into the second-level cache (behind the last one that fetches nothing of use, but a prefetch
 * cannot fail): the weights of wide layers come from further away. */
static VE__INLINE void tile(unsigned mr, unsigned units, const float *a, size_t block, unsigned k,
                            const float *b, float *out)
{
    const unsigned nv = units / VEC_UNITS, odd = units % VEC_UNITS, width = units * UNIT;
    const size_t panel_size = (size_t)(k + 1) * width * sizeof(float);
    tile_sums sums;
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++)
            sums.whole[r][v] = vec_load(b + v * VEC_LANES);
#if VEC_LANES == 16
        if (odd)
            sums.odd[r] = half_load(b + nv * VEC_LANES);
#endif
    }
    b += width;
    for (unsigned first = 0; first < k; first += VEC_LANES, a += block) {
        const float *at = a;
        unsigned n = k - first < VEC_LANES ? k - first : VEC_LANES;
        for (; n >= STEPS; n -= STEPS, at += STEPS, b += STEPS * width) {
            VE__FORGET(at);
            VE__UNROLL
            for (unsigned i = 0; i < STEPS * width; i += VE__ALIGN / sizeof(float))
                _mm_prefetch((const char *)((uintptr_t)b + panel_size + i * sizeof(float)), _MM_HINT_T1);
            VE__UNROLL
            for (unsigned i = 0; i < STEPS; i++)
                tile_step(&sums, mr, nv, odd, at + i, b + i * width);
        }
        for (; n > 0; n--, at++, b += width) {
            VE__FORGET(at);
            tile_step(&sums, mr, nv, odd, at, b);
        }
    }
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++, out += VEC_LANES)
            vec_store(out, sums.whole[r][v]);
#if VEC_LANES == 16
        if (odd) {
            vec_store(out, half_widen(sums.odd[r]));
            out += VEC_LANES;
        }
#endif
    }
}

typedef void tile_function(const float *a, size_t block, unsigned k, const float *b, float *out);

#define TILE(mr, units)                                                                                        \
    static void tile_##mr##_##units(const float *a, size_t block, unsigned k, const float *b, float *out)      \
    {                                                                                                          \
        tile(mr, units, a, block, k, b, out);                                                                  \
    }
#define TILES_4(units)  TILE(1, units) TILE(2, units) TILE(3, units) TILE(4, units)
#define TILES_6(units)  TILES_4(units) TILE(5, units) TILE(6, units)
#define TILES_9(units)  TILES_6(units) TILE(7, units) TILE(8, units) TILE(9, units)
#define TILES_12(units) TILES_9(units) TILE(10, units) TILE(11, units) TILE(12, units)
#define TILES_14(units) TILES_12(units) TILE(13, units) TILE(14, units)

#define NAMES_4(units)  tile_1_##units, tile_2_##units, tile_3_##units, tile_4_##units
#define NAMES_6(units)  NAMES_4(units), tile_5_##units, tile_6_##units
#define NAMES_9(units)  NAMES_6(units), tile_7_##units, tile_8_##units, tile_9_##units
#define NAMES_12(units) NAMES_9(units), tile_10_##units, tile_11_##units, tile_12_##units
#define NAMES_14(units) NAMES_12(units), tile_13_##units, tile_14_##units

#if VEC_LANES == 16
TILES_14(1)
TILES_14(2)
TILES_14(3)
TILES_14(4)
TILES_9(5)
TILES_9(6)
static tile_function *const tiles[MAX_UNITS][MAX_ROWS] = {{NAMES_14(1)}, {NAMES_14(2)}, {NAMES_14(3)},
                                                          {NAMES_14(4)}, {NAMES_9(5)},  {NAMES_9(6)}};
#else
TILES_12(1)
TILES_6(2)
TILES_4(3)
static tile_function *const tiles[MAX_UNITS][MAX_ROWS] = {{NAMES_12(1)}, {NAMES_6(2)}, {NAMES_4(3)}};
#endif

/* ---- what becomes of a tile's sums */

typedef struct product {
    unsigned rows, n;
    const float *const *residual; /* multiply */
    float *const *out;
    float *panel_out; /* multiply_gelu; NULL for multiply */
    float *square_sums;
} product;

static VE__INLINE vec load_n(const float *p, unsigned n)
{
    return n < VEC_LANES ? vec_load_part(p, n) : vec_load(p);
}

static VE__INLINE void store_n(float *p, vec v, unsigned n)
{
    if (n < VEC_LANES)
        vec_store_part(p, v, n);
    else
        vec_store(p, v);
}

/* Rows of the output; lanes that the padded row has not are left out. */
static void finish_rows(const product *to, const float *sums, unsigned vectors, unsigned first_row,
                        unsigned rows, unsigned column)
{
    unsigned end = ve__padded(to->n);
    for (unsigned r = first_row; r < first_row + rows; r++)
        for (unsigned v = 0; v < vectors; v++, sums += VEC_LANES) {
            unsigned at = column + v * VEC_LANES, n = end - at < VEC_LANES ? end - at : VEC_LANES;
            vec sum = vec_load(sums);
            if (to->residual)
                sum = vec_add(sum, load_n(to->residual[r] + at, n));
            store_n(to->out[r] + at, sum, n);
        }
}

/* A panel; the squares are added row by row. */
static void finish_gelu(const product *to, const float *sums, unsigned vectors, unsigned first_row,
                        unsigned rows, unsigned column)
{
    for (unsigned v = 0; v < vectors; v++, column += VEC_LANES) {
        float *out = to->panel_out + (size_t)column * to->rows + (size_t)first_row * VEC_LANES;
        unsigned n = to->n - column < VEC_LANES ? to->n - column : VEC_LANES;
        const float *from = sums + v * VEC_LANES;
        vec squares = to->square_sums ? load_n(to->square_sums + column, n) : vec_zero();
        for (unsigned r = 0; r < rows; r++, from += vectors * VEC_LANES, out += VEC_LANES) {
            vec y = vec_gelu(vec_load(from));
            vec_store(out, y);
            squares = vec_fma(y, y, squares);
        }
        if (to->square_sums)
            store_n(to->square_sums + column, squares, n);
    }
}

/* All the rows by one column panel, in tiles of nearly equal height. */
static void multiply_columns(const float *panel, unsigned k, const float *packed, unsigned units,
                             unsigned column, const product *to)
{
    float sums[TILE_FLOATS] __attribute__((aligned(VE__ALIGN)));
    unsigned vectors = (units + VEC_UNITS - 1) / VEC_UNITS,
             count = (to->rows + tile_rows(units) - 1) / tile_rows(units);
    for (unsigned i = 0; i < count; i++) {
        unsigned first = to->rows * i / count, rows = to->rows * (i + 1) / count - first;
        tiles[units - 1][rows - 1](panel + (size_t)first * VEC_LANES, (size_t)to->rows * VEC_LANES, k, packed,
                                   sums);
        if (to->panel_out)
            finish_gelu(to, sums, vectors, first, rows, column);
        else
            finish_rows(to, sums, vectors, first, rows, column);
    }
}

static void multiply_all(const void *panel, unsigned k, const void *packed, const product *to)
{
    const float *weights = packed;
    for (unsigned column = 0; column < to->n;) {
        unsigned units = column_units(ve__padded(to->n - column) / UNIT);
        multiply_columns(panel, k, weights, units, column, to);
        weights += (size_t)(k + 1) * units * UNIT;
        column += units * UNIT;
    }
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    const product to = {rows, n, residual, out, NULL, NULL};
    multiply_all(panel, k, packed, &to);
    for (unsigned r = 0; n % UNIT && r < rows; r++) /* sums of infinities may have left NaN there */
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          void *panel_out, float *square_sums)
{
    const product to = {rows, n, NULL, NULL, panel_out, square_sums};
    multiply_all(panel, k, packed, &to);
}
