/* SPDX-License-Identifier: MIT */
/* See view.h. */
#include "view.h"

#include <math.h>
#include <string.h>

#include "base.h"

enum { ROW = CROP * 3, MOST_TAPS = 5, WIDE = ROW + 16 };

const view whole_view = {0, 0, CROP, 0, 1, 0};

view view_random(uint64_t *state)
{
    view v = whole_view;
    v.size = CROP * (1 - 0.08f * uniform(state));
    float room = CROP - v.size;
    v.x = room * uniform(state) + 2 * uniform(state) - 1;
    v.y = room * uniform(state) + 2 * uniform(state) - 1;
    int relights = uniform(state) < 0.5f;
    v.flips = uniform(state) < 0.5f;
    if (relights) {
        v.gain = expf(0.3f * (uniform(state) - 0.5f));
        v.offset = 0.2f * (uniform(state) - 0.5f);
    }
    return v;
}

static int inside(int i)
{
    return i < 0 ? 0 : i > CROP - 1 ? CROP - 1 : i;
}

/* The source pixels that output i covers, from `from` to `end`: first one, and the shares of up to 5. */
static int cover(float from, float end, int *first, float *share)
{
    int taps = 0;
    *first = (int)floorf(from);
    for (; taps < MOST_TAPS && (float)(*first + taps) < end - 1e-4f; taps++) {
        float low = (float)(*first + taps), high = low + 1;
        share[taps] = ((high < end ? high : end) - (low > from ? low : from)) / (end - from);
    }
    return taps;
}

/* For each number of an output row, where its taps lie in a source row and what they count. */
typedef struct columns {
    int taps, at[MOST_TAPS][WIDE];
    float share[MOST_TAPS][WIDE];
} columns;

static void plan_columns(const view *v, int side, columns *plan)
{
    float step = v->size / (float)side, share[MOST_TAPS];
    int first;
    memset(plan, 0, sizeof *plan);
    for (int i = 0; i < side; i++) {
        float from = v->x + (float)i * step;
        int taps = cover(from, from + step, &first, share), to = v->flips ? side - 1 - i : i;
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < 3; c++) {
                plan->at[t][to * 3 + c] = inside(first + t) * 3 + c;
                plan->share[t][to * 3 + c] = share[t];
            }
        plan->taps = taps > plan->taps ? taps : plan->taps;
    }
}

/* One source row, the mean of those that output row i covers. */
static void blend_rows(const uint8_t *crop, const view *v, int side, int i, float *row)
{
    float step = v->size / (float)side, share[MOST_TAPS], from = v->y + (float)i * step;
    int first, taps = cover(from, from + step, &first, share);
    memset(row, 0, WIDE * sizeof *row);
    for (int t = 0; t < taps; t++) {
        const uint8_t *source = crop + inside(first + t) * ROW;
        v16 weight = spread(share[t]);
        for (int k = 0; k < ROW; k += 16) {
            __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(source + k)));
            store(row + k, _mm512_fmadd_ps(weight, _mm512_cvtepi32_ps(bytes), load(row + k)));
        }
    }
}

static void blend_columns(const float *row, const columns *plan, int side, v16 gain, v16 offset, operand *out)
{
    for (int j = 0; j < side * 3; j += 16) {
        v16 sum = zeros();
        for (int t = 0; t < plan->taps; t++) {
            v16 values = _mm512_i32gather_ps(_mm512_loadu_si512(plan->at[t] + j), row, 4);
            sum = _mm512_fmadd_ps(load(plan->share[t] + j), values, sum);
        }
        operand_store16(out + j, _mm512_fmadd_ps(sum, gain, offset));
    }
}

void view_load(const uint8_t *crop, const view *v, int side, operand *patches)
{
    columns plan;
    float row[WIDE];
    operand out[4][WIDE + 16];
    v16 gain = spread(v->gain * (2 / 255.0f)), offset = spread(v->offset - v->gain);
    plan_columns(v, side, &plan);
    for (int i = 0; i < side; i++) {
        blend_rows(crop, v, side, i, row);
        blend_columns(row, &plan, side, gain, offset, out[i & 3]);
        if ((i & 3) != 3)
            continue;
        for (int x = 0; x < side / 4; x++, patches += STEM_K)
            for (int k = 0; k < 4; k++)
                memcpy(patches + k * 12, out[k] + x * 12, 12 * sizeof *patches);
    }
}
