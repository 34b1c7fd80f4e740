/* SPDX-License-Identifier: MIT */
/* train-embedder: trains the face embedder; measures, embeds and checks with the same code. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "evaluate.h"
#include "initial.h"
#include "options.h"
#include "safetensors.h"
#include "step.h"
#include "train.h"

#define BENCH_SECONDS 6
enum { BENCH_LEAST_STEPS = 4 };

static void load_weights(network *net, const options *o)
{
    if (!o->init || strcmp(o->init, "fresh") == 0)
        initial_weights(net, (uint64_t)o->seed);
    else
        safetensors_read(o->init, &net->table, net->weights);
    memcpy(net->average, net->weights, (size_t)net->table.total * sizeof *net->average);
}

static void dump(const char *prefix, const char *name, const float *values, long count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s.f32", prefix, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof *values, (size_t)count, file) != (size_t)count || fclose(file) != 0)
        fail("cannot write %s", path);
}

/* The centres of the check's people: the means of their targets, as in training. */
static margin *check_margin(const options *o, const npy *crops, const npy *targets, npy *people, dataset *data)
{
    if (o->margin.kind == MARGIN_NONE || !o->files.third)
        return NULL;
    npy_need(o->files.third, "i4", people);
    data->count = 1;
    data->rows = crops->rows;
    data->list[0].crops = *crops;
    data->list[0].targets = *targets;
    data->list[0].people = *people;
    data->list[0].has_people = 1;
    const int32_t *person = people->data;
    for (long i = 0; i < people->rows; i++)
        data->people = person[i] >= data->people ? person[i] + 1 : data->people;
    margin *m = margin_new(&o->margin, data->people, (int)crops->rows);
    initial_centres(m, data);
    margin_begin(m, person, (int)crops->rows, 1);
    return m;
}

/* One step's losses, embeddings and gradients, for check.py. */
static int check(network *net, const options *o)
{
    npy crops, targets, people;
    dataset *data = dataset_new(1);
    npy_need(o->files.first, "u1", &crops);
    npy_need(o->files.second, "f2", &targets);
    int batch = (int)crops.rows;
    network_reserve(net, batch, o->side);
    margin *m = check_margin(o, &crops, &targets, &people, data);
    step_pack(net, net->weights);
    const uint16_t *half = targets.data;
    for (long i = 0; i < batch * EMBEDDING; i++)
        net->target[i] = _cvtsh_ss(half[i]);
    step_input input = {NULL, NULL, 0, 0, crops.data, batch, 0};
    if (m)
        dump(o->dump, "centres", m->centres, (long)m->people * EMBEDDING);
    step_result r = step_train(net, m, &input, batch, &o->loss, NULL);
    printf("%.7f %.7f %.7f\n", r.distil, r.relational, r.margin);
    dump(o->dump, "out", net->out, (long)batch * EMBEDDING);
    for (int i = 0; i < net->table.count; i++)
        dump(o->dump, net->table.list[i].name, net->gradients + net->table.list[i].offset,
             net->table.list[i].count);
    for (long slot = 0; m && slot < m->chosen; slot++) /* back into the people's order */
        memcpy(m->moment1 + (long)m->class_of[slot] * EMBEDDING, m->d_picked + slot * EMBEDDING,
               EMBEDDING * sizeof(float));
    if (m)
        dump(o->dump, "centres.gradient", m->moment1, (long)m->people * EMBEDDING);
    return 0;
}

static int embed(network *net, const options *o)
{
    npy crops;
    npy_need(o->files.first, "u1", &crops);
    network_reserve(net, 128, o->side);
    step_pack(net, net->weights);
    float *embeddings = take(crops.rows * EMBEDDING, sizeof *embeddings);
    evaluate_embed(net, &crops, net->weights, 0, embeddings);
    dump(o->dump, "embeddings", embeddings, crops.rows * EMBEDDING);
    return 0;
}

static int bench(network *net, const options *o)
{
    int batch = o->bench_batch, steps = 0;
    network_reserve(net, batch, o->side);
    uint8_t *crops = take(batch, CROP_BYTES);
    for (long i = 0; i < (long)batch * CROP_BYTES; i++)
        crops[i] = (uint8_t)mix64((uint64_t)i);
    for (long i = 0; i < (long)batch * EMBEDDING; i++)
        net->target[i] = (float)((i * 2654435761u >> 7) % 255) / 255 - 0.5f;
    step_pack(net, net->weights);
    step_input input = {NULL, NULL, 0, 0, crops, batch, 0};
    optimiser change = {1e-4f, 0.05f, 0.999f, 0, 1};
    step_train(net, NULL, &input, batch, &o->loss, &change);
    double wall = wall_seconds(), cpu = cpu_seconds();
    while (wall_seconds() - wall < BENCH_SECONDS || steps < BENCH_LEAST_STEPS) {
        change.number++;
        change.averages = steps % 4 == 3;
        step_train(net, NULL, &input, batch, &o->loss, &change);
        steps++;
    }
    wall = wall_seconds() - wall;
    cpu = cpu_seconds() - cpu;
    printf("%s, %d px, batch %d, %d threads: %.1f pictures/s, %.1f per CPU second\n", net->gemm->name, o->side,
           batch, net->threads, steps * batch / wall, steps * batch / cpu);
    return 0;
}

int main(int argc, char **argv)
{
    options o;
    held_out result;
    int status = options_read(argc, argv, &o);
    if (status != 0)
        return status == 1 ? 0 : status;
    const gemm_kernels *kernels = gemm_choose(o.gemm);
    if (!kernels)
        fail("this CPU has not what %s needs (AVX-512 with bfloat16)", o.gemm ? o.gemm : "training");
    openblas_set_num_threads(1);
    network *net = network_new(kernels, o.threads);
    load_weights(net, &o);
    switch (o.command) {
    case COMMAND_TRAIN:
        return train(net, &o);
    case COMMAND_CHECK:
        return check(net, &o);
    case COMMAND_EMBED:
        return embed(net, &o);
    case COMMAND_BENCH:
        return bench(net, &o);
    case COMMAND_EVALUATE:
        break;
    }
    network_reserve(net, 128, o.side);
    evaluate_and_print(net, &o, o.side, &result);
    return 0;
}
