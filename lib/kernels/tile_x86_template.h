/* SPDX-License-Identifier: MIT */
/*
 * The matrix product under the dense layers of AVX2 and AVX-512, for floats and for 8 bits. Both multiply
 * *words* of four bytes: one float, or a few integers next to each other. Included once per instruction set and
 * element type, after its vec_*.h and
 *
 *     word             float or int32_t
 *     HEADER           rows of words that stand before the weights of a column panel
 *     STEPS            words that a loop takes at once; k is rounded up to it
 *     MAX_VECTORS      3, or 2 where a product needs a register between multiplying and adding
 *     acc              a vector of sums, with acc_load, acc_store, acc_word (one word in all lanes), acc_start
 * (from the header), acc_add(x, w, sum); for AVX-512 half_acc, with half_acc_load, half_acc_start, half_acc_add
 * and half_as_acc, for the eight columns that do not fill a vector product          what becomes of the sums;
 * has at least rows and n finish           does it, for a tile
 *
 * A panel is [block of VEC_LANES words of k][row][VEC_LANES]: within a block the rows lie one after the other
 * at a distance that the compiler knows, so that a tile may start at any row and takes its rows' words as
 * broadcasts at constant offsets from one pointer.
 *
 * packed is one column panel after the other; each covers U units of 8 columns: header [HEADER][8 U], weights
 * [k][8 U], in words. The last panel may be wider than the columns left, and k is rounded up, both with zeros:
 * every shape of tile is code, and narrow layers are not worth shapes of their own.
 *
 * The tile, MR rows by U units, keeps all its sums in registers for the whole of k, which is added in ascending
 * order. A result therefore does not depend on the tile that made it.
 */

#define UNIT      VE__LANES
#define VEC_UNITS (VEC_LANES / UNIT)
/* The fewest units in a column panel, and the most rows in a tile. */
#if VEC_LANES == 16
#define MIN_UNITS 4u
#define MAX_ROWS  14u
#elif MAX_VECTORS == 3
#define MIN_UNITS 2u
#define MAX_ROWS  6u
#else
#define MIN_UNITS 1u
#define MAX_ROWS  12u
#endif
#define TILE_WORDS (MAX_ROWS * MAX_VECTORS * VEC_LANES)

/* Units in the next column panel when `columns` are left. Two vectors by many rows is the best tile; odd
 * numbers end in one wider tile instead of a narrow one. */
static unsigned column_units(unsigned columns)
{
    unsigned units = ve__padded(columns) / UNIT;
#if VEC_LANES == 16
    return units == 11 ? 6 : units == 5 || units == 6 ? units : 4;
#else
    return units <= MIN_UNITS || units == MAX_VECTORS ? (units < MIN_UNITS ? MIN_UNITS : units) : 2;
#endif
}

/* The most rows of a tile of that many units: its sums, the weights and one broadcast fill the registers. */
static unsigned tile_rows(unsigned units)
{
#if VEC_LANES == 16
    return units <= 4 ? 14 : 8;
#else
    return units == 1 ? 12 : units == 2 ? 6 : 4;
#endif
}

/* Tiles have even heights, which is half the code. An odd number of rows is computed with one more, of whatever
 * lies behind them, and this is what has to lie behind the last block. */
#define PANEL_SLACK (VEC_LANES * sizeof(word))

/* Words of a column panel of k words. */
static size_t column_words(size_t k, unsigned units)
{
    return ((k + STEPS - 1) / STEPS * STEPS + HEADER) * units * UNIT;
}

static size_t all_columns_bytes(size_t k, unsigned n)
{
    size_t words = 0;
    for (unsigned first = 0; first < n; first += column_units(n - first) * UNIT)
        words += column_words(k, column_units(n - first));
    return words * sizeof(word);
}

/* ---- tiles: MR rows by U units; all of MR, U, whole vectors NV and `odd` (a half behind them) are constants
 */

typedef struct tile_sums {
    acc whole[MAX_ROWS][MAX_VECTORS];
#if VEC_LANES == 16
    half_acc odd[MAX_ROWS];
#endif
} tile_sums;

/* One word of k: a points at the first row's, b at the weights. */
static VE__INLINE void tile_step(tile_sums *sums, unsigned mr, unsigned nv, unsigned odd, const word *a,
                                 const word *b)
{
    acc w[MAX_VECTORS];
    VE__UNROLL
    for (unsigned v = 0; v < nv; v++)
        w[v] = acc_load(b + v * VEC_LANES);
#if VEC_LANES == 16
    half_acc w_odd = half_acc_load(b + (odd ? nv * VEC_LANES : 0));
#endif
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        acc x = acc_word(a[r * VEC_LANES]);
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++)
            sums->whole[r][v] = acc_add(x, w[v], sums->whole[r][v]);
#if VEC_LANES == 16
        if (odd)
            sums->odd[r] = half_acc_add(x, w_odd, sums->odd[r]);
#endif
    }
    (void)odd;
}

/* out [MR][vectors][VEC_LANES]; `block` is the distance of the panel's blocks. While it works, the next column
 * panel is fetched into the second-level cache (behind the last one that fetches nothing of use, but a prefetch
 * cannot fail): the weights of wide layers come from further away. */
static VE__INLINE void tile(unsigned mr, unsigned units, const word *a, size_t block, unsigned k, const word *b,
                            word *out)
{
    const unsigned nv = units / VEC_UNITS, odd = units % VEC_UNITS, width = units * UNIT;
    const size_t panel_size = column_words(k, units) * sizeof(word);
    tile_sums sums;
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++)
            sums.whole[r][v] = acc_start(b + v * VEC_LANES);
#if VEC_LANES == 16
        if (odd)
            sums.odd[r] = half_acc_start(b + nv * VEC_LANES);
#endif
    }
    b += HEADER * width;
    for (unsigned first = 0; first < k; first += VEC_LANES, a += block) {
        const word *at = a;
        unsigned n = k - first < VEC_LANES ? k - first : VEC_LANES;
        for (unsigned done = 0; done < n; done += STEPS, at += STEPS, b += STEPS * width) {
            VE__FORGET(at);
            VE__UNROLL
            for (unsigned i = 0; i < STEPS * width; i += VE__ALIGN / sizeof(word))
                _mm_prefetch((const char *)((uintptr_t)b + panel_size + i * sizeof(word)), _MM_HINT_T1);
            VE__UNROLL
            for (unsigned i = 0; i < STEPS; i++)
                tile_step(&sums, mr, nv, odd, at + i, b + i * width);
        }
    }
    VE__UNROLL
    for (unsigned r = 0; r < mr; r++) {
        VE__UNROLL
        for (unsigned v = 0; v < nv; v++, out += VEC_LANES)
            acc_store(out, sums.whole[r][v]);
#if VEC_LANES == 16
        if (odd) {
            acc_store(out, half_acc_widen(sums.odd[r]));
            out += VEC_LANES;
        }
#endif
    }
}

typedef void tile_function(const word *a, size_t block, unsigned k, const word *b, word *out);

#define TILE(mr, units)                                                                                        \
    static void tile_##mr##_##units(const word *a, size_t block, unsigned k, const word *b, word *out)         \
    {                                                                                                          \
        tile(mr, units, a, block, k, b, out);                                                                  \
    }
#define TILES_4(units) TILE(2, units) TILE(4, units)
#if VEC_LANES == 16
#define TILE_6(units) /* seldom wanted, and long: next_height() does without */
#define NAME_6(units) NULL
#else
#define TILE_6(units) TILE(6, units)
#define NAME_6(units) tile_6_##units
#endif
#define TILES_6(units)  TILES_4(units) TILE_6(units)
#define TILES_8(units)  TILES_6(units) TILE(8, units)
#define TILES_12(units) TILES_8(units) TILE(10, units) TILE(12, units)
#define TILES_14(units) TILES_12(units) TILE(14, units)

#define NAMES_4(units)  tile_2_##units, tile_4_##units
#define NAMES_6(units)  NAMES_4(units), NAME_6(units)
#define NAMES_8(units)  NAMES_6(units), tile_8_##units
#define NAMES_12(units) NAMES_8(units), tile_10_##units, tile_12_##units
#define NAMES_14(units) NAMES_12(units), tile_14_##units

/* Of 2, 4 ... rows. */
#if VEC_LANES == 16
TILES_14(4)
TILES_8(5)
TILES_8(6)
static tile_function *const tiles[][MAX_ROWS / 2] = {{NAMES_14(4)}, {NAMES_8(5)}, {NAMES_8(6)}};
#elif MAX_VECTORS == 3
TILES_6(2)
TILES_4(3)
static tile_function *const tiles[][MAX_ROWS / 2] = {{NAMES_6(2)}, {NAMES_4(3)}};
#else
TILES_12(1)
TILES_6(2)
static tile_function *const tiles[][MAX_ROWS / 2] = {{NAMES_12(1)}, {NAMES_6(2)}};
#endif

/* ---- all rows, all columns */

/* Whole vectors and a part, at the ends of rows. */
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

/* sums [rows][vectors][VEC_LANES] of the rows from first_row and the columns from `column` on; `packed` is
 * their column panel, `width` columns wide. */
static void finish(const product *to, const word *sums, const word *packed, unsigned width, unsigned vectors,
                   unsigned first_row, unsigned rows, unsigned column);

/* Rows of the next tile when `left` of them, an even number, are left: nearly the same for all tiles. */
static unsigned next_height(unsigned left, unsigned most)
{
    unsigned count = (left + most - 1) / most, height = 2 * ((left / 2 + count - 1) / count);
#if VEC_LANES == 16
    if (height == 6)
        height = most == 8 && left > 6 ? 8 : 4;
#endif
    return height;
}

/* All the rows by one column panel. */
static void multiply_columns(const word *panel, unsigned k, const word *packed, unsigned units, unsigned column,
                             const product *to)
{
    word sums[TILE_WORDS] __attribute__((aligned(VE__ALIGN)));
    unsigned vectors = (units + VEC_UNITS - 1) / VEC_UNITS, even_rows = to->rows + to->rows % 2;
    for (unsigned first = 0, height; first < to->rows; first += height) {
        height = next_height(even_rows - first, tile_rows(units));
        tiles[units - MIN_UNITS][height / 2 - 1](panel + (size_t)first * VEC_LANES,
                                                 (size_t)to->rows * VEC_LANES, k, packed, sums);
        finish(to, sums, packed, units * UNIT, vectors, first,
               height < to->rows - first ? height : to->rows - first, column);
    }
}

/* k in words. */
static void multiply_all(const word *panel, unsigned k, const void *packed, const product *to)
{
    const word *weights = packed;
    for (unsigned column = 0; column < to->n;) {
        unsigned units = column_units(to->n - column);
        multiply_columns(panel, k, weights, units, column, to);
        weights += column_words(k, units);
        column += units * UNIT;
    }
}
