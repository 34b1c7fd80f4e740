/* SPDX-License-Identifier: MIT */
/*
 * Times every entry of the kernel tables on the shapes of ConvNeXt-atto and -tiny.
 *
 *     bench_kernels [PATTERN]        lines whose name contains PATTERN; VE_FORCE_ISA picks one table
 *
 * The peak is measured in the same run, by a loop of independent fused multiply-adds of the table's own width,
 * and again around each line: shares of the peak stay meaningful where the clock moves. Each time is the median
 * of many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "kernels/kernels.h"

#define ROUNDS 15

/* CPU time: other programs on the machine disturb it less than they do the clock on the wall. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak: 12 chains; the registers' content is of no matter as long as it is no NaN */

#define PEAK_LOOPS 20000u

#if defined(__x86_64__)
#define FMA_12(r)                                                                                              \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "0\n vfmadd231ps %%" r "12, %%" r "13, %%" r "1\n"                \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "2\n vfmadd231ps %%" r "12, %%" r "13, %%" r "3\n"                \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "4\n vfmadd231ps %%" r "12, %%" r "13, %%" r "5\n"                \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "6\n vfmadd231ps %%" r "12, %%" r "13, %%" r "7\n"                \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "8\n vfmadd231ps %%" r "12, %%" r "13, %%" r "9\n"                \
    "vfmadd231ps %%" r "12, %%" r "13, %%" r "10\n vfmadd231ps %%" r "12, %%" r "13, %%" r "11\n"
#define ZERO_ALL "vzeroall\n"
#define CLOBBERS                                                                                               \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13"

static void peak_avx2(void)
{
    unsigned n = PEAK_LOOPS;
    __asm__ volatile(ZERO_ALL "1:\n" FMA_12("ymm") "dec %0\n jnz 1b\n vzeroupper" : "+r"(n) : : CLOBBERS, "cc");
}

static void peak_avx512(void)
{
    unsigned n = PEAK_LOOPS;
    __asm__ volatile(ZERO_ALL "1:\n" FMA_12("zmm") "dec %0\n jnz 1b\n vzeroupper" : "+r"(n) : : CLOBBERS, "cc");
}
#elif defined(__aarch64__)
#define FMLA(d) "fmla v" d ".4s, v30.4s, v31.4s\n"
static void peak_neon(void)
{
    unsigned n = PEAK_LOOPS;
    __asm__ volatile("movi v30.4s, #0\n movi v31.4s, #0\n 1:\n" FMLA("16") FMLA("17") FMLA("18") FMLA("19")
                         FMLA("20") FMLA("21") FMLA("22") FMLA("23") FMLA("24") FMLA("25") FMLA("26")
                             FMLA("27") "subs %w0, %w0, #1\n b.ne 1b"
                     : "+r"(n)
                     :
                     : "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
                       "v30", "v31", "cc");
}
#endif

/* Multiply-adds of floats per second of one core, with which those of 8 bits are compared, too; 0 where the
 * table has no vectors. */
static double peak_once(const char *isa)
{
    void (*loop)(void) = NULL;
    double lanes = 0;
#if defined(__x86_64__)
    if (strcmp(isa, "avx2") == 0)
        loop = peak_avx2, lanes = 8;
    if (strncmp(isa, "avx512", 6) == 0)
        loop = peak_avx512, lanes = 16;
#elif defined(__aarch64__)
    if (strncmp(isa, "neon", 4) == 0)
        loop = peak_neon, lanes = 4;
#endif
    if (!loop)
        return 0;
    double start = now();
    loop();
    return lanes * 12 * PEAK_LOOPS / (now() - start);
}

/* ---- timing */

typedef struct bench {
    const ve__kernels *kernels;
    const char *pattern;
    unsigned rows, k, n;
    float *x, *y, *weights, *bias;
    void *packed, *depthwise, *panel, *panel_out;
    void *packed_i8, *panel_i8;
    float *hidden; /* rows of n */
    ve__range *ranges;
    float **out;
} bench;

typedef void bench_function(const bench *b);

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One line. `work`: multiply-adds of a call, or values where it makes none. */
static void measure(const bench *b, const char *name, bench_function *function, double work, int multiplies)
{
    double ratio[ROUNDS], rate[ROUNDS];
    char line[96];
    snprintf(line, sizeof line, "%-11s %-16s rows %4u k %4u n %4u", b->kernels->name, name, b->rows, b->k,
             b->n);
    if (b->pattern && !strstr(line, b->pattern))
        return;
    unsigned repeat = 1 + (unsigned)(2e6 * (strcmp(b->kernels->name, "scalar") ? 10 : 1) / (work + 1000));
    for (unsigned i = 0; i < ROUNDS; i++) {
        double before = peak_once(b->kernels->name), start = now();
        for (unsigned j = 0; j < repeat; j++)
            function(b);
        rate[i] = work * repeat / (now() - start);
        double peak = (before + peak_once(b->kernels->name)) / 2;
        ratio[i] = peak > 0 ? rate[i] / peak : 0;
    }
    qsort(ratio, ROUNDS, sizeof ratio[0], by_value);
    qsort(rate, ROUNDS, sizeof rate[0], by_value);
    printf("%s  %8.2f %s", line, rate[ROUNDS / 2] * (multiplies ? 2e-9 : 1e-9),
           multiplies ? "GFLOP/s" : "G values/s");
    if (multiplies && ratio[ROUNDS / 2] > 0)
        printf("  %5.1f %% of the peak", 100 * ratio[ROUNDS / 2]);
    printf("\n");
    fflush(stdout);
}

static const ve__norm_rule layer_norm = {1, 1, 1.0f / 320, 1e-6f};

static void run_multiply(const bench *b)
{
    b->kernels->dense_f32.multiply(b->panel, b->rows, b->k, b->packed, b->n, (const float *const *)b->out,
                                   b->out);
}

static void run_multiply_gelu(const bench *b)
{
    b->kernels->dense_f32.multiply_gelu(b->panel, b->rows, b->k, b->packed, b->n, b->panel_out, NULL);
}

static void run_multiply_i8(const bench *b)
{
    b->kernels->dense_i8.multiply(b->panel_i8, b->rows, b->k, b->packed_i8, b->n, (const float *const *)b->out,
                                  b->out);
}

static void run_multiply_gelu_i8(const bench *b)
{
    b->kernels->dense_i8.multiply_gelu(b->panel_i8, b->rows, b->k, b->packed_i8, b->n, b->hidden,
                                       ve__padded(b->n), b->ranges, NULL);
}

static void run_panel_norm_i8(const bench *b)
{
    b->kernels->dense_i8.panel_norm(b->x, ve__padded(b->k), b->rows, b->k, &layer_norm, NULL, b->panel_i8);
}

static void run_panel_write_i8(const bench *b)
{
    b->kernels->dense_i8.panel_write(b->x, ve__padded(b->k), b->rows, b->k, NULL, NULL, b->panel_i8);
}

static void run_pack(const bench *b)
{
    b->kernels->dense_f32.pack(b->weights, b->bias, b->k, b->n, b->packed);
}

static void run_panel_norm(const bench *b)
{
    b->kernels->dense_f32.panel_norm(b->x, ve__padded(b->k), b->rows, b->k, &layer_norm, b->panel);
}

static void run_panel_write(const bench *b)
{
    b->kernels->dense_f32.panel_write(b->x, ve__padded(b->k), b->rows, b->k, b->panel);
}

/* A map `rows` wide and 7 high, k channels, three columns of zeros on both sides. */
static void run_depthwise(const bench *b)
{
    size_t padded = ve__padded(b->k), stride = (b->rows + 6) * padded;
    b->kernels->depthwise(b->x + 3 * stride + 3 * padded, (ptrdiff_t)stride, 0, 7, b->k, b->depthwise, b->rows,
                          b->y);
}

static void run_norm_rows(const bench *b)
{
    size_t padded = ve__padded(b->k);
    b->kernels->norm_rows(b->x, padded, b->rows, b->k, &layer_norm, NULL, NULL, b->y, padded);
}

static void run_sum_rows(const bench *b)
{
    b->kernels->sum_rows(b->x, b->rows, b->k, b->y);
}

static void run_gelu(const bench *b)
{
    memcpy(b->y, b->x, (size_t)b->rows * b->k * sizeof(float));
    b->kernels->gelu(b->y, (size_t)b->rows * b->k);
}

static void run_dot(const bench *b)
{
    b->y[0] += b->kernels->dot(b->x, b->weights, (size_t)b->rows * b->k);
}

static void run_pixels(const bench *b)
{
    static const float scale[3] = {0.017f, 0.0175f, 0.0174f}, shift[3] = {-2.1f, -2.0f, -1.8f};
    b->kernels->pixels((const uint8_t *)b->x, (size_t)b->rows * b->k / 3, scale, shift, b->y);
}

static void run_half(const bench *b)
{
    b->kernels->half_to_float((const uint16_t *)(const void *)b->x, (size_t)b->rows * b->k, b->y);
}

static void *need(size_t size)
{
    void *memory = ve__allocate_zeroed(size);
    if (!memory) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    return memory;
}

static void make_i8(bench *b)
{
    const ve__dense_i8 *dense = &b->kernels->dense_i8;
    int8_t *codes = need((size_t)b->k * b->n);
    float *scales = need(b->n * sizeof *scales);
    for (unsigned j = 0; j < b->n; j++)
        ve__i8_from_row(b->weights + (size_t)j * b->k, b->k, codes + (size_t)j * b->k, &scales[j]);
    b->packed_i8 = need(dense->packed_bytes(b->k, b->n));
    b->panel_i8 = need(dense->panel_bytes(b->rows, b->k));
    b->hidden = need((size_t)b->rows * ve__padded(b->n) * sizeof(float));
    b->ranges = need(b->rows * sizeof *b->ranges);
    dense->pack(codes, scales, b->bias, b->k, b->n, b->packed_i8);
    run_panel_write_i8(b);
    ve__release(codes);
    ve__release(scales);
}

static bench make(const ve__kernels *kernels, const char *pattern, unsigned rows, unsigned k, unsigned n)
{
    bench b = {.kernels = kernels, .pattern = pattern, .rows = rows, .k = k, .n = n};
    size_t wide = ve__padded(k > n ? k : n), x_count = (rows + 6) * 7 * wide;
    b.x = need(x_count * sizeof(float));
    b.y = need((rows + 6) * wide * sizeof(float));
    b.weights = need(((size_t)k * n + (size_t)k * 49 + (size_t)rows * k) * sizeof(float));
    b.bias = need(wide * sizeof(float));
    b.packed = need(kernels->dense_f32.packed_bytes(k, n));
    b.depthwise = need(kernels->depthwise_bytes(k));
    b.panel = need(kernels->dense_f32.panel_bytes(rows, k));
    b.panel_out = need(kernels->dense_f32.panel_bytes(rows, n));
    b.out = need(rows * sizeof(float *));
    for (size_t i = 0; i < x_count; i++)
        b.x[i] = (float)(i * 7919 % 1999) / 1000.0f - 1.0f;
    for (size_t i = 0; i < (size_t)k * n + (size_t)k * 49; i++)
        b.weights[i] = (float)(i * 6151 % 1999) / 10000.0f - 0.1f;
    for (unsigned r = 0; r < rows; r++)
        b.out[r] = b.y + r * ve__padded(n);
    kernels->dense_f32.pack(b.weights, b.bias, k, n, b.packed);
    kernels->depthwise_pack(b.weights, b.bias, k, b.depthwise);
    kernels->dense_f32.panel_norm(b.x, ve__padded(k), rows, k, &layer_norm, b.panel);
    make_i8(&b);
    return b;
}

static void drop(const bench *b)
{
    void *all[] = {b->x,         b->y,   b->weights,   b->bias,     b->packed, b->depthwise, b->panel,
                   b->panel_out, b->out, b->packed_i8, b->panel_i8, b->hidden, b->ranges};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        ve__release(all[i]);
}

static void bench_dense(const ve__kernels *kernels, const char *pattern)
{
    static const unsigned shapes[][3] = {
        {56, 40, 160},   {56, 160, 40},   {56, 80, 320},   {56, 320, 80},   {56, 160, 640},  {56, 640, 160},
        {49, 320, 1280}, {49, 1280, 320}, {112, 48, 40},   {56, 160, 80},   {56, 96, 384},   {56, 384, 96},
        {56, 192, 768},  {56, 768, 192},  {56, 384, 1536}, {56, 1536, 384}, {49, 768, 3072}, {49, 3072, 768}};
    for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        bench b = make(kernels, pattern, shapes[i][0], shapes[i][1], shapes[i][2]);
        double work = (double)b.rows * b.k * b.n;
        if (b.n > b.k) {
            measure(&b, "multiply_gelu", run_multiply_gelu, work, 1);
            measure(&b, "multiply_gelu i8", run_multiply_gelu_i8, work, 1);
        } else {
            measure(&b, "multiply", run_multiply, work, 1);
            measure(&b, "multiply i8", run_multiply_i8, work, 1);
        }
        drop(&b);
    }
}

static void bench_others(const ve__kernels *kernels, const char *pattern)
{
    static const unsigned maps[][2] = {{56, 40}, {28, 80},  {14, 160}, {7, 320},
                                       {56, 96}, {28, 192}, {14, 384}, {7, 768}};
    for (unsigned i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        bench b = make(kernels, pattern, maps[i][0], maps[i][1], 8);
        measure(&b, "depthwise", run_depthwise, (double)b.rows * b.k * 49, 1);
        drop(&b);
    }
    static const unsigned rows[][2] = {{56, 40}, {56, 80}, {56, 160}, {49, 320}, {49, 768}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench b = make(kernels, pattern, rows[i][0], rows[i][1], 320);
        double values = (double)b.rows * b.k;
        measure(&b, "panel_norm", run_panel_norm, values, 0);
        measure(&b, "panel_write", run_panel_write, values, 0);
        measure(&b, "panel_norm i8", run_panel_norm_i8, values, 0);
        measure(&b, "panel_write i8", run_panel_write_i8, values, 0);
        measure(&b, "norm_rows", run_norm_rows, values, 0);
        measure(&b, "sum_rows", run_sum_rows, values, 0);
        measure(&b, "gelu", run_gelu, values, 0);
        measure(&b, "dot", run_dot, values, 1);
        measure(&b, "pixels", run_pixels, values, 0);
        measure(&b, "half_to_float", run_half, values, 0);
        measure(&b, "pack", run_pack, (double)b.k * b.n, 0);
        drop(&b);
    }
}

int main(int argc, char **argv)
{
    const char *pattern = argc > 1 ? argv[1] : NULL;
    const ve__kernels *chosen = NULL, *table;
    if (ve__kernels_select(&chosen) != VE_OK) {
        fprintf(stderr, "bench_kernels: %s\n", ve_last_error());
        return 1;
    }
    for (unsigned i = 0; (table = ve__kernels_available(i)) != NULL; i++) {
        if (getenv("VE_FORCE_ISA") && table != chosen)
            continue;
        peak_once(table->name);
        printf("%s: peak %.1f GFLOP/s\n", table->name, 2e-9 * peak_once(table->name));
        bench_dense(table, pattern);
        bench_others(table, pattern);
    }
    return 0;
}
