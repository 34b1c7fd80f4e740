/* SPDX-License-Identifier: MIT */
/* See initial.h. */
#include "initial.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "base.h"

#define FIRST_SCALE 0.1f

/* A normal number that is drawn again where it lies beyond two deviations. */
static float normal_within_two(uint64_t *state)
{
    for (;;) {
        float u = uniform(state), v = uniform(state);
        float x = sqrtf(-2 * logf(u > 1e-7f ? u : 1e-7f)) * cosf(2 * (float)M_PI * v);
        if (fabsf(x) <= 2)
            return x;
    }
}

static void fill(float *values, long count, float value)
{
    for (long i = 0; i < count; i++)
        values[i] = value;
}

void initial_weights(network *net, uint64_t seed)
{
    const parameter_table *table = &net->table;
    uint64_t state = mix64(seed);
    for (int i = 0; i < table->count; i++) {
        const parameter *p = &table->list[i];
        float *values = net->weights + p->offset, deviation = 1 / sqrtf((float)(p->count / p->shape[0]));
        for (long j = 0; p->decays && j < p->count; j++)
            values[j] = deviation * normal_within_two(&state);
    }
    fill(net->weights + table->list[table->stem.norm_weight].offset, stage_channels[0], 1);
    fill(net->weights + table->list[table->head.norm_weight].offset, LAST, 1);
    for (int stage = 0; stage < STAGES; stage++) {
        if (stage > 0)
            fill(net->weights + table->list[table->down[stage].norm_weight].offset, stage_channels[stage - 1],
                 1);
        for (int b = 0; b < stage_blocks[stage]; b++) {
            const block_parameters *p = &table->block[stage][b];
            fill(net->weights + table->list[p->norm_weight].offset, stage_channels[stage], 1);
            fill(net->weights + table->list[p->scale].offset, stage_channels[stage], FIRST_SCALE);
        }
    }
}

static float squares_of(const float *vector)
{
    float squares = 0;
    for (int j = 0; j < EMBEDDING; j++)
        squares += vector[j] * vector[j];
    return squares;
}

/* A number without pictures gets any direction. */
static void make_unit(float *vector, uint64_t *state)
{
    int is_empty = squares_of(vector) <= 0;
    for (int j = 0; is_empty && j < EMBEDDING; j++)
        vector[j] = uniform(state) - 0.5f;
    float inverse = 1 / sqrtf(squares_of(vector));
    for (int j = 0; j < EMBEDDING; j++)
        vector[j] *= inverse;
}

void initial_centres(margin *m, const dataset *data)
{
    uint64_t state = 1;
    for (long row = 0; row < data->rows; row++) {
        dataset_row r = dataset_get(data, (uint32_t)row);
        float *centre = m->centres + (long)r.person * EMBEDDING;
        for (int j = 0; r.person >= 0 && j < EMBEDDING; j++)
            centre[j] += _cvtsh_ss(r.target[j]);
    }
    for (long person = 0; person < m->people; person++)
        make_unit(m->centres + person * EMBEDDING, &state);
}
