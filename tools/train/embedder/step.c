/* SPDX-License-Identifier: MIT */
/* See step.h. */
#include "step.h"

#include <math.h>
#include <string.h>

#include "base.h"
#include "degrade.h"
#include "view.h"
#include "workers.h"

enum { HEAD_ROWS = 32, CENTRE_ROWS = 512, MOST_TASKS = 8 * MOST_BATCH + 1024, HEAD_STAGE = STAGES };

typedef enum task_kind {
    TASK_FORWARD,
    TASK_HEAD,
    TASK_LOSS,
    TASK_CENTRES,
    TASK_BACKWARD,
    TASK_UPDATE
} task_kind;

/* Images first .. first + count - 1 of a stage; of an update, first is the unit and stage the one whose
 * backward pass must be complete; of centres, slots. */
typedef struct task {
    task_kind kind;
    int stage, first, count;
} task;

typedef struct queue {
    network *net;
    margin *margin;
    const step_input *input;
    const loss_weights *loss;
    const optimiser *change;
    const float *weights;
    int batch, is_training;
    task list[MOST_TASKS];
    int count, next;
    /* What is done: by image for the passes, counted where a task needs the whole batch. */
    uint8_t forward_done[STAGES][MOST_BATCH], backward_done[STAGES + 1][MOST_BATCH];
    int heads_done, losses_done, backward_count[STAGES];
    loss_sums sums[MOST_THREADS];
    double squares[MOST_THREADS];
} queue;

static void push(queue *q, task_kind kind, int stage, int first, int count)
{
    if (q->count == MOST_TASKS)
        fail("a batch of %d makes too many tasks", q->batch);
    q->list[q->count++] = (task){kind, stage, first, count};
}

/* One task for each group of images. */
static void push_groups(queue *q, task_kind kind, int stage, int group)
{
    for (int i = 0; i < q->batch; i += group)
        push(q, kind, stage, i, group);
}

/* The units whose gradients are complete when a stage's backward pass is. */
static void push_updates(queue *q, int stage)
{
    if (stage == STAGES - 1)
        push(q, TASK_UPDATE, HEAD_STAGE, HEAD_UNIT, 0);
    for (int number = stage_blocks[stage] - 1; number >= 0; number--)
        push(q, TASK_UPDATE, stage, network_block_unit(stage, number), 0);
    push(q, TASK_UPDATE, stage, stage, 0); /* the downsampling before it, or the stem */
}

/* Updates come one stage late, so that no thread waits for them. */
static void push_training(queue *q)
{
    push_groups(q, TASK_LOSS, HEAD_STAGE, HEAD_ROWS);
    if (q->margin)
        for (int slot = 0; slot < q->margin->chosen; slot += CENTRE_ROWS) {
            int left = q->margin->chosen - slot;
            push(q, TASK_CENTRES, HEAD_STAGE, slot, left < CENTRE_ROWS ? left : CENTRE_ROWS);
        }
    for (int stage = STAGES - 1; stage >= 0; stage--) {
        push_groups(q, TASK_BACKWARD, stage, network_group(q->net, stage, q->batch));
        if (stage < STAGES - 1)
            push_updates(q, stage + 1);
    }
    push_updates(q, 0);
}

/* ---- what the tasks do */

static void load_target(const uint16_t *half, float *target)
{
    for (int j = 0; j < EMBEDDING; j += 16)
        store(target + j, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(half + j))));
}

static void load_plain(const queue *q, long image, operand *patches)
{
    const step_input *input = q->input;
    view v = whole_view;
    v.flips = input->flips;
    if (image >= input->crop_count)
        image = input->crop_count - 1;
    view_load(input->crops + image * CROP_BYTES, &v, q->net->side[0] * 4, patches);
}

static void load_image(const queue *q, long image)
{
    network *net = q->net;
    const step_input *input = q->input;
    operand *patches = net->patches + image * net->side[0] * net->side[0] * STEM_K;
    uint8_t worse[CROP_BYTES];
    if (!input->data) {
        load_plain(q, image, patches);
        return;
    }
    dataset_row row = dataset_get(input->data, input->rows[image]);
    uint64_t state = mix64(input->seed * 1000003 + (uint64_t)image);
    view v = view_random(&state);
    if (!row.is_exact && uniform(&state) < input->degrades) {
        degrade(row.crop, worse, &state);
        row.crop = worse;
    }
    view_load(row.crop, &v, net->side[0] * 4, patches);
    load_target(row.target, net->target + image * EMBEDDING);
}

static void do_forward(queue *q, const task *t, int thread)
{
    if (t->stage > 0)
        workers_await_flags(q->forward_done[t->stage - 1] + t->first, t->count);
    else
        for (int i = t->first; i < t->first + t->count; i++)
            load_image(q, i);
    network_forward(q->net, t->stage, t->first, t->count, thread);
    workers_set_flags(q->forward_done[t->stage] + t->first, t->count);
}

static void do_head(queue *q, const task *t)
{
    workers_await_flags(q->forward_done[STAGES - 1] + t->first, t->count);
    network_head_forward(q->net, q->weights, t->first, t->count);
    workers_add(&q->heads_done, t->count);
}

static void do_loss(queue *q, const task *t, int thread)
{
    loss_sums *sums = &q->sums[thread];
    workers_await(&q->heads_done, q->batch);
    loss_rows(q->net, q->batch, t->first, t->count, q->loss, sums);
    if (q->margin)
        sums->margin += margin_rows(q->margin, q->net, q->batch, t->first, t->count);
    loss_through_norm(q->net, t->first, t->count);
    network_head_backward(q->net, t->first, t->count);
    workers_set_flags(q->backward_done[HEAD_STAGE] + t->first, t->count);
    workers_add(&q->losses_done, t->count);
}

static void do_centres(queue *q, const task *t)
{
    workers_await(&q->losses_done, q->batch);
    margin_update(q->margin, q->net, q->batch, t->first, t->first + t->count, q->change);
}

static void do_backward(queue *q, const task *t, int thread)
{
    workers_await_flags(q->backward_done[t->stage + 1] + t->first, t->count);
    network_backward(q->net, t->stage, t->first, t->count, thread);
    workers_set_flags(q->backward_done[t->stage] + t->first, t->count);
    workers_add(&q->backward_count[t->stage], t->count);
}

static void change_unit(queue *q, int unit, int thread)
{
    network *net = q->net;
    int first, last;
    network_unit_parameters(net, unit, &first, &last);
    for (int i = first; i <= last; i++) {
        const parameter *p = &net->table.list[i];
        optimiser_update(q->change, p->decays, p->count, net->gradients + p->offset, net->moment1 + p->offset,
                         net->moment2 + p->offset, net->weights + p->offset, net->average + p->offset);
    }
    network_pack(net, unit, net->weights, thread);
}

static void do_update(queue *q, const task *t, int thread)
{
    if (t->stage == HEAD_STAGE) {
        workers_await(&q->losses_done, q->batch);
        q->squares[thread] += network_head_collect(q->net, q->batch);
    } else {
        workers_await(&q->backward_count[t->stage], q->batch);
        q->squares[thread] += network_collect(q->net, t->first);
    }
    if (q->change)
        change_unit(q, t->first, thread);
}

static void work(void *context, int thread)
{
    queue *q = context;
    q->net->gemm->start_thread();
    for (int n; (n = workers_take(&q->next)) < q->count;) {
        const task *t = &q->list[n];
        switch (t->kind) {
        case TASK_FORWARD:
            do_forward(q, t, thread);
            break;
        case TASK_HEAD:
            do_head(q, t);
            break;
        case TASK_LOSS:
            do_loss(q, t, thread);
            break;
        case TASK_CENTRES:
            do_centres(q, t);
            break;
        case TASK_BACKWARD:
            do_backward(q, t, thread);
            break;
        case TASK_UPDATE:
            do_update(q, t, thread);
            break;
        }
    }
}

static void run(queue *q, network *net, const step_input *input, int batch, const float *weights)
{
    if (batch % HEAD_ROWS != 0 || batch > net->most_images || batch > MOST_BATCH)
        fail("a batch of %d: want a multiple of %d, at most %d", batch, HEAD_ROWS, net->most_images);
    q->net = net;
    q->input = input;
    q->weights = weights;
    q->batch = batch;
    for (int stage = 0; stage < STAGES; stage++)
        push_groups(q, TASK_FORWARD, stage, network_group(net, stage, batch));
    push_groups(q, TASK_HEAD, HEAD_STAGE, HEAD_ROWS);
    if (q->is_training)
        push_training(q);
    workers_run(net->threads, work, q);
}

static void begin_margin(margin *m, const step_input *input, int batch)
{
    int32_t people[MOST_BATCH];
    for (int i = 0; i < batch; i++)
        people[i] = dataset_get(input->data, input->rows[i]).person;
    margin_begin(m, people, batch, mix64(input->seed ^ 0x636c6173u));
}

step_result step_train(network *net, margin *m, const step_input *input, int batch, const loss_weights *weights,
                       const optimiser *change)
{
    static queue q;
    step_result result = {0, 0, 0, 0};
    double squares = 0;
    memset(&q, 0, sizeof q);
    q.margin = m;
    q.loss = weights;
    q.change = change;
    q.is_training = 1;
    if (m && input->data)
        begin_margin(m, input, batch);
    run(&q, net, input, batch, net->weights);
    for (int t = 0; t < net->threads; t++) {
        result.distil += q.sums[t].distil / batch;
        result.relational += q.sums[t].relational / ((double)batch * batch);
        result.margin += q.sums[t].margin / batch;
        squares += q.squares[t];
    }
    result.gradient_length = sqrt(squares);
    if (m)
        margin_end(m, net, batch);
    return result;
}

void step_embed(network *net, const step_input *input, int batch, const float *weights)
{
    static queue q;
    memset(&q, 0, sizeof q);
    run(&q, net, input, batch, weights);
}

typedef struct packing {
    network *net;
    const float *weights;
    int next;
} packing;

static void pack_units(void *context, int thread)
{
    packing *p = context;
    for (int unit; (unit = workers_take(&p->next)) < UNITS;)
        network_pack(p->net, unit, p->weights, thread);
}

void step_pack(network *net, const float *weights)
{
    packing p = {net, weights, 0};
    workers_run(net->threads, pack_units, &p);
}
