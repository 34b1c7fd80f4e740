/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in packed weights and panels of the 8-bit dense layers for NEON, with SDOT or without. To be
 * included after i8_rows_neon.h and
 *
 *     #define CODE_BYTES(k)           bytes that the codes of a row, or the weights of a column, take
 */

#define GROUP_ROWS 12u
#define COLUMNS    8u

/* What stands before the weights of 8 columns. */
typedef struct column_terms {
    float scale[COLUMNS], bias[COLUMNS];
    int32_t sum[COLUMNS];
} column_terms;

static size_t columns_bytes(unsigned k)
{
    return sizeof(column_terms) + CODE_BYTES(k) * COLUMNS;
}

static size_t packed_bytes(unsigned k, unsigned n)
{
    return columns_bytes(k) * (ve__padded(n) / COLUMNS);
}

/* weights [columns <= 8][k] to zeroed memory. */
static void pack_columns(const int8_t *weights, unsigned columns, unsigned k, int8_t *to);

static void pack(const int8_t *weights, const float *scale, const float *bias, unsigned k, unsigned n,
                 void *packed)
{
    unsigned char *to = packed;
    memset(to, 0, packed_bytes(k, n));
    for (unsigned first = 0; first < n; first += COLUMNS, to += columns_bytes(k)) {
        column_terms *terms = (column_terms *)(void *)to;
        unsigned columns = n - first < COLUMNS ? n - first : COLUMNS;
        memcpy(terms->scale, scale + first, columns * sizeof *scale);
        if (bias)
            memcpy(terms->bias, bias + first, columns * sizeof *bias);
        for (size_t i = 0; i < (size_t)columns * k; i++)
            terms->sum[i / k] += weights[(size_t)first * k + i];
        pack_columns(weights + (size_t)first * k, columns, k, (int8_t *)(terms + 1));
    }
}

/* ---- panels */

static size_t panel_rows(unsigned rows)
{
    return ((size_t)rows + 3) / 4 * 4;
}

static size_t panel_bytes(unsigned rows, unsigned k)
{
    return panel_rows(rows) * (sizeof(float) + sizeof(int32_t) + CODE_BYTES(k));
}

/* The parts of a panel. */
typedef struct panel_parts {
    float *scale;
    int32_t *minus_zero;
    int8_t *codes;
} panel_parts;

static panel_parts parts_of(const void *panel, unsigned rows)
{
    panel_parts p;
    p.scale = (float *)panel;
    p.minus_zero = (int32_t *)(p.scale + panel_rows(rows));
    p.codes = (int8_t *)(p.minus_zero + panel_rows(rows));
    return p;
}

/* Width of the group that row r lies in. */
static unsigned group_width(unsigned rows, unsigned r)
{
    size_t left = panel_rows(rows) - r / GROUP_ROWS * GROUP_ROWS;
    return left < GROUP_ROWS ? (unsigned)left : GROUP_ROWS;
}
