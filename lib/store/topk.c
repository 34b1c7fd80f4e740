/* SPDX-License-Identifier: MIT */
/* A binary heap of matches. */
#include "store/topk.h"

void ve__topk_start(ve__topk *top, ve_match *matches, size_t k, float limit)
{
    top->matches = matches;
    top->count = 0;
    top->k = k;
    top->limit = limit;
}

static int is_worse(const ve_match *a, const ve_match *b)
{
    return a->score < b->score || (a->score == b->score && a->id > b->id);
}

/* Puts a match into the hole at the top of the heap of `count`. */
static void sink(ve_match *matches, size_t count, ve_match match)
{
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_worse(&matches[child + 1], &matches[child]))
            child++;
        if (!is_worse(&matches[child], &match))
            break;
        matches[hole] = matches[child];
        hole = child;
    }
    matches[hole] = match;
}

static void rise(ve_match *matches, size_t hole, ve_match match)
{
    while (hole > 0 && is_worse(&match, &matches[(hole - 1) / 2])) {
        matches[hole] = matches[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    matches[hole] = match;
}

void ve__topk_push(ve__topk *top, uint64_t id, float score)
{
    ve_match match = {.id = id, .score = score};
    if (top->count < top->k)
        rise(top->matches, top->count++, match);
    else if (top->k > 0 && is_worse(&top->matches[0], &match))
        sink(top->matches, top->count, match);
    if (top->count == top->k && top->k > 0 && top->matches[0].score > top->limit)
        top->limit = top->matches[0].score;
}

void ve__topk_finish(ve__topk *top)
{
    for (size_t left = top->count; left > 1; left--) {
        ve_match best_of_rest = top->matches[left - 1];
        top->matches[left - 1] = top->matches[0];
        sink(top->matches, left - 1, best_of_rest);
    }
}
