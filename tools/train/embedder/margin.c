/* SPDX-License-Identifier: MIT */
/* See margin.h. */
#include "margin.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base.h"

#define ADAFACE_SPREAD 0.333f /* h of the paper: two thirds of the lengths fall within -1 .. 1 */
#define ANGLE_EPS      1e-3f
#define LENGTH_KEEP    0.99f

margin *margin_new(const margin_options *options, int people, int most_images)
{
    margin *m = take(1, sizeof *m);
    long most = options->most_chosen > people ? people : options->most_chosen;
    if (most < 2 * most_images && most < people)
        fail("--margin-classes %ld: want at least twice the batch", most);
    m->options = *options;
    m->people = people;
    m->length_mean = 20; /* where the paper starts; followed from there */
    m->length_deviation = 100;
    float **wide[] = {&m->centres, &m->moment1, &m->moment2};
    for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++)
        *wide[i] = take((long)people * EMBEDDING, sizeof(float));
    m->class_of = take(most + 16, sizeof *m->class_of);
    m->slot_of = take(people, sizeof *m->slot_of);
    m->slot = take(most_images, sizeof *m->slot);
    m->picked = take((most + 16) * EMBEDDING, sizeof *m->picked);
    m->d_picked = take((most + 16) * EMBEDDING, sizeof *m->d_picked);
    m->logits = take(most_images * (most + 16), sizeof *m->logits);
    return m;
}

static void choose(margin *m, int32_t person)
{
    if (m->slot_of[person] >= 0)
        return;
    m->slot_of[person] = m->chosen;
    m->class_of[m->chosen++] = person;
}

void margin_begin(margin *m, const int32_t *people_of, int batch, uint64_t seed)
{
    int most = m->options.most_chosen > m->people ? m->people : m->options.most_chosen;
    memset(m->slot_of, 0xff, (size_t)m->people * sizeof *m->slot_of);
    m->chosen = 0;
    for (int i = 0; i < batch; i++)
        if (people_of[i] >= 0)
            choose(m, people_of[i]);
    if (most == m->people)
        for (int32_t person = 0; person < m->people; person++)
            choose(m, person);
    while (m->chosen < most) {
        seed = mix64(seed);
        choose(m, (int32_t)(seed % (uint64_t)m->people));
    }
    for (int i = 0; i < batch; i++)
        m->slot[i] = people_of[i] >= 0 ? m->slot_of[people_of[i]] : -1;
    for (long s = 0; s < m->chosen; s++)
        memcpy(m->picked + s * EMBEDDING, m->centres + (long)m->class_of[s] * EMBEDDING,
               EMBEDDING * sizeof(float));
    m->width = (m->chosen + 15) & ~15L;
}

static float length_of(const float *vector)
{
    float squares = 0;
    for (int j = 0; j < EMBEDDING; j++)
        squares += vector[j] * vector[j];
    return sqrtf(squares);
}

/* The own cosine with its margin; *slope gets the derivative. */
static float with_margin(const margin *m, float cosine, float length, float *slope)
{
    float value = m->options.margin, shift, g;
    *slope = 1;
    if (m->options.kind == MARGIN_COSFACE)
        return cosine - value;
    g = (length - m->length_mean) / (m->length_deviation + 1e-3f) * ADAFACE_SPREAD;
    g = g < -1 ? -1 : g > 1 ? 1 : g;
    shift = -value * g;
    float angle = acosf(cosine < -1 ? -1 : cosine > 1 ? 1 : cosine), moved = angle + shift;
    if (moved < ANGLE_EPS || moved > (float)M_PI - ANGLE_EPS) {
        moved = moved < ANGLE_EPS ? ANGLE_EPS : (float)M_PI - ANGLE_EPS;
        *slope = 0;
    } else if (angle > ANGLE_EPS && angle < (float)M_PI - ANGLE_EPS) {
        *slope = sinf(moved) / sinf(angle);
    }
    return cosf(moved) - value * g - value;
}

/* Softmax over one row of logits, in place: the gradient at the cosines. Returns the loss. */
static double softmax_row(const margin *m, float *row, int slot, float slope, float factor)
{
    v16 most = spread(-1e30f), sum = zeros();
    float own = row[slot];
    for (long j = 0; j < m->width; j += 16)
        most = _mm512_max_ps(most, load(row + j));
    float top = _mm512_reduce_max_ps(most);
    for (long j = 0; j < m->width; j += 16) {
        v16 e = exp_of(_mm512_max_ps(_mm512_sub_ps(load(row + j), spread(top)), spread(-80)));
        sum = _mm512_add_ps(sum, e);
        store(row + j, e);
    }
    float total = _mm512_reduce_add_ps(sum);
    v16 share = spread(factor / total);
    for (long j = 0; j < m->width; j += 16)
        store(row + j, _mm512_mul_ps(load(row + j), share));
    row[slot] = (row[slot] - factor) * slope;
    return (double)(logf(total) + top - own);
}

double margin_rows(margin *m, network *net, int batch, int first, int count)
{
    float factor = m->options.weight * m->options.scale / (float)batch, slope;
    int width = (int)m->width;
    double loss = 0;
    float *logits = m->logits + first * m->width;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, m->chosen, EMBEDDING, m->options.scale,
                net->unit + (long)first * EMBEDDING, EMBEDDING, m->picked, EMBEDDING, 0, logits, width);
    for (long i = 0; i < count; i++) {
        float *row = logits + i * m->width;
        int slot = m->slot[first + i];
        if (slot < 0) {
            memset(row, 0, (size_t)m->width * sizeof *row);
            continue;
        }
        for (long j = m->chosen; j < m->width; j++)
            row[j] = -1e30f;
        float length = length_of(net->out + (first + i) * EMBEDDING);
        row[slot] = m->options.scale * with_margin(m, row[slot] / m->options.scale, length, &slope);
        loss += softmax_row(m, row, slot, slope, factor);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, EMBEDDING, m->chosen, 1, logits, width,
                m->picked, EMBEDDING, 1, net->d_out + (long)first * EMBEDDING, EMBEDDING);
    return loss;
}

/* Keeps a centre's gradient off the centre's own direction, and its length at 1. */
static void step_centre(margin *m, long slot, const optimiser *step)
{
    long at = (long)m->class_of[slot] * EMBEDDING;
    float *d = m->d_picked + slot * EMBEDDING, *centre = m->centres + at, along = 0;
    for (int j = 0; j < EMBEDDING; j++)
        along += d[j] * centre[j];
    for (int j = 0; j < EMBEDDING; j++)
        d[j] -= along * centre[j];
    if (!step)
        return;
    optimiser_update(step, 0, EMBEDDING, d, m->moment1 + at, m->moment2 + at, centre, NULL);
    float inverse = 1 / length_of(centre);
    for (int j = 0; j < EMBEDDING; j++)
        centre[j] *= inverse;
}

void margin_update(margin *m, const network *net, int batch, int first, int end, const optimiser *step)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, end - first, EMBEDDING, batch, 1, m->logits + first,
                (int)m->width, net->unit, EMBEDDING, 0, m->d_picked + (long)first * EMBEDDING, EMBEDDING);
    for (long slot = first; slot < end; slot++)
        step_centre(m, slot, step);
}

void margin_end(margin *m, const network *net, int batch)
{
    double sum = 0, squares = 0;
    int named = 0;
    for (long i = 0; i < batch; i++)
        if (m->slot[i] >= 0) {
            double length = (double)length_of(net->out + i * EMBEDDING);
            sum += length;
            squares += length * length;
            named++;
        }
    if (named < 2)
        return;
    double mean = sum / named, variance = squares / named - mean * mean;
    m->length_mean += (1 - LENGTH_KEEP) * ((float)mean - m->length_mean);
    m->length_deviation += (1 - LENGTH_KEEP) * ((float)sqrt(variance > 0 ? variance : 0) - m->length_deviation);
}
