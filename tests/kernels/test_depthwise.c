/* SPDX-License-Identifier: MIT */
/* The depthwise convolution of every kernel table against a double sum: every strip width, every cut at the top
 * and bottom, padding, bounds, and the same bits however a row is cut. */
#include "kernels/common.h"

#include <math.h>

typedef struct scene {
    unsigned channels, count, ky_first, ky_end;
    size_t padded;
    ptrdiff_t row_stride;
    const float *x; /* the first output's own pixel */
    float *weights, *bias;
    void *packed;
} scene;

/* Memory for exactly the kernel rows and columns that the call may read. */
static void make_scene(const ve__kernels *t, scene *s, random_source *source, data_kind kind, guarded_side side)
{
    s->padded = ve__padded(s->channels);
    size_t columns = s->count + 6, gap = random_below(source, 5) * s->padded;
    s->row_stride = (ptrdiff_t)(columns * s->padded + gap);
    size_t size = (size_t)s->row_stride * (s->ky_end - s->ky_first) - gap;
    float *block = guarded_floats(size, side);
    fill_data(source, kind, block, size);
    for (size_t i = 0; i < size; i++)
        if ((i % (size_t)s->row_stride) % s->padded >= s->channels)
            block[i] = 0;
    s->x =
        (float *)((uintptr_t)block - sizeof(float) * (uintptr_t)(((ptrdiff_t)s->ky_first - 3) * s->row_stride) +
                  3 * s->padded * sizeof(float));
    s->weights = guarded_floats(49 * (size_t)s->channels, side);
    s->bias = guarded_floats(s->channels, side);
    random_floats(source, s->weights, 49 * (size_t)s->channels, -1, 1);
    random_floats(source, s->bias, s->channels, -1, 1);
    s->packed = guarded_aligned(t->depthwise_bytes(s->channels), side);
    t->depthwise_pack(s->weights, s->bias, s->channels, s->packed);
}

static void check_output(const ve__kernels *t, const scene *s, unsigned p, unsigned c, float got)
{
    double sum = (double)s->bias[c], magnitude = fabs(sum);
    for (unsigned ky = s->ky_first; ky < s->ky_end; ky++)
        for (unsigned kx = 0; kx < 7; kx++) {
            ptrdiff_t at = ((ptrdiff_t)ky - 3) * s->row_stride +
                           ((ptrdiff_t)p + (ptrdiff_t)kx - 3) * (ptrdiff_t)s->padded + (ptrdiff_t)c;
            double term = (double)s->x[at] * (double)s->weights[(ky * 7 + kx) * s->channels + c];
            sum += term;
            magnitude += fabs(term);
        }
    if (!near((double)got, sum, 2e-6 * magnitude + 1e-37))
        fail_msg("%s channels %u count %u ky %u..%u: [%u][%u] is %g, not %g", t->name, s->channels, s->count,
                 s->ky_first, s->ky_end, p, c, (double)got, sum);
}

static void check_scene(const ve__kernels *t, scene *s, random_source *source, data_kind kind,
                        guarded_side side)
{
    make_scene(t, s, source, kind, side);
    float *out = guarded_floats(s->count * s->padded, side);
    t->depthwise(s->x, s->row_stride, s->ky_first, s->ky_end, s->channels, s->packed, s->count, out);
    for (unsigned p = 0; p < s->count; p++)
        for (unsigned c = 0; c < s->padded; c++)
            if (c < s->channels)
                check_output(t, s, p, c, out[p * s->padded + c]);
            else
                assert_true(out[p * s->padded + c] == 0.0f);
    for (unsigned first = 0, n; first < s->count; first += n) { /* in pieces: the same bits */
        float part[20 * 64];
        n = 1 + random_below(source, 20);
        if (s->padded > 64)
            break;
        if (n > s->count - first)
            n = s->count - first;
        t->depthwise(s->x + first * s->padded, s->row_stride, s->ky_first, s->ky_end, s->channels, s->packed, n,
                     part);
        assert_memory_equal(part, out + first * s->padded, n * s->padded * sizeof(float));
    }
    guarded_release_all();
}

static void every_width_and_channel_edge(void **state)
{
    static const unsigned channels[] = {1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 48};
    random_source source = {1};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned i = 0; i < COUNT_OF(channels); i++)
        for (unsigned count = 1; count < 32; count++) {
            scene s = {.channels = channels[i], .count = count, .ky_first = 0, .ky_end = 7};
            check_scene(t, &s, &source, DATA_ORDINARY, count % 2);
        }
}

static void every_cut(void **state)
{
    random_source source = {2};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned first = 0; first < 7; first++)
        for (unsigned end = first + 1; end <= 7; end++) {
            scene s = {.channels = 24, .count = 17, .ky_first = first, .ky_end = end};
            check_scene(t, &s, &source, DATA_ORDINARY, end % 2);
        }
}

static void model_shapes(void **state)
{
    static const unsigned shapes[][2] = {{40, 56}, {80, 28}, {160, 14}, {320, 7}, {96, 56}, {768, 7}};
    random_source source = {3};
    (void)state;
    FOR_EACH_TABLE(t)
    for (unsigned i = 0; i < COUNT_OF(shapes); i++) {
        scene s = {.channels = shapes[i][0], .count = shapes[i][1], .ky_first = i % 4, .ky_end = 7 - i % 3};
        check_scene(t, &s, &source, DATA_ORDINARY, i % 2);
    }
}

static void hard_data(void **state)
{
    random_source source = {4};
    (void)state;
    FOR_EACH_TABLE(t)
    for (int kind = 0; kind < DATA_KINDS; kind++) {
        scene s = {.channels = 43, .count = 23, .ky_first = 1, .ky_end = 7};
        check_scene(t, &s, &source, (data_kind)kind, GUARDED_ABOVE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_and_channel_edge),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(model_shapes),
        cmocka_unit_test(hard_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
