/* SPDX-License-Identifier: MIT */
/* The entries of the 8-bit dense layers for NEON. To be included once, after dense_i8_neon_parts.h and, with
 * the layouts and instructions of one kind of core, write_four() and tile(). */

static void panel_rows_from(const float *x, size_t stride, unsigned rows, unsigned k, const float *factors,
                            const ve__range *ranges, const ve__norm_rule *rule, void *panel)
{
    panel_parts p = parts_of(panel, rows);
    for (unsigned r = 0; r < rows; r += 4) {
        unsigned count = rows - r < 4 ? rows - r : 4;
        row_sources sources;
        find_sources(x + r * stride, stride, count, k, factors, ranges ? ranges + r : NULL, rule, &sources);
        vec_store(p.scale + r, sources.scale);
        vst1q_s32(p.minus_zero + r, vnegq_s32(sources.zero));
        if (rule && factors)
            write_four(&sources, k, factors, 1, &p, rows, r);
        else if (rule)
            write_four(&sources, k, NULL, 1, &p, rows, r);
        else if (factors)
            write_four(&sources, k, factors, 0, &p, rows, r);
        else
            write_four(&sources, k, NULL, 0, &p, rows, r);
    }
}

static void panel_write(const float *x, size_t stride, unsigned rows, unsigned k, const float *factor,
                        const ve__range *ranges, void *panel)
{
    panel_rows_from(x, stride, rows, k, factor, ranges, NULL, panel);
}

static void panel_norm(const float *x, size_t stride, unsigned rows, unsigned k, const ve__norm_rule *rule,
                       const float *factor, void *panel)
{
    panel_rows_from(x, stride, rows, k, factor, NULL, rule, panel);
}

static void multiply(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                     const float *const *residual, float *const *out)
{
    panel_parts p = parts_of(panel, rows);
    const unsigned char *at = packed;
    for (unsigned column = 0; column < n; column += COLUMNS, at += columns_bytes(k)) {
        const column_terms *columns = (const column_terms *)(const void *)at;
        column_floats floats = load_column_floats(columns->scale, columns->bias);
        for (unsigned r = 0; r < rows; r += GROUP_ROWS) {
            int32_t sums[GROUP_ROWS * COLUMNS];
            unsigned count = rows - r < GROUP_ROWS ? rows - r : GROUP_ROWS;
            tile(&p, rows, r, k, columns, sums);
            put_sums(sums, p.scale + r, &floats, count, column, residual ? residual + r : NULL, out + r);
        }
    }
    for (unsigned r = 0; n % COLUMNS && r < rows; r++)
        memset(out[r] + n, 0, (ve__padded(n) - n) * sizeof(float));
}

static void multiply_gelu(const void *panel, unsigned rows, unsigned k, const void *packed, unsigned n,
                          float *out, size_t stride, ve__range *ranges, float *square_sums)
{
    panel_parts p = parts_of(panel, rows);
    const unsigned char *at = packed;
    for (unsigned column = 0; column < n; column += COLUMNS, at += columns_bytes(k)) {
        const column_terms *columns = (const column_terms *)(const void *)at;
        column_floats floats = load_column_floats(columns->scale, columns->bias);
        for (unsigned r = 0; r < rows; r += GROUP_ROWS) {
            int32_t sums[GROUP_ROWS * COLUMNS];
            unsigned count = rows - r < GROUP_ROWS ? rows - r : GROUP_ROWS;
            tile(&p, rows, r, k, columns, sums);
            put_gelu(sums, p.scale + r, &floats, count, out + r * stride + column, stride);
            if (square_sums)
                add_squares(out + r * stride + column, stride, count, n - column, square_sums + column);
        }
    }
    finish_gelu(out, stride, rows, n, ranges);
}
