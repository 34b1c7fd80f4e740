/* SPDX-License-Identifier: MIT */
/* Several cells, strides and sizes see the same face: the best candidate stands for all that overlap it, and
 * where they agree with it nearly, box and points are their mean, weighted by their scores. */
#include <stdlib.h>

#include "face/detect_internal.h"

/* Of the intersection over the union: the same face; and so much the same that its place counts. */
#define SAME_FACE  0.35f
#define SAME_PLACE 0.6f
/* A box that lies in another by this part is a piece of that face, seen in a tile that cut it. */
#define INSIDE 0.75f

static int by_falling_score(const void *a, const void *b)
{
    float x = ((const ve__detection *)a)->score, y = ((const ve__detection *)b)->score;
    return x < y ? 1 : x > y ? -1 : 0;
}

static float area(const ve__detection *d)
{
    return (d->right - d->left) * (d->bottom - d->top);
}

static float intersection(const ve__detection *a, const ve__detection *b)
{
    float width = (a->right < b->right ? a->right : b->right) - (a->left > b->left ? a->left : b->left);
    float height = (a->bottom < b->bottom ? a->bottom : b->bottom) - (a->top > b->top ? a->top : b->top);
    return width > 0 && height > 0 ? width * height : 0.0f;
}

/* sum += weight * face, box and points. */
static void add_weighted(ve__detection *sum, const ve__detection *face, float weight)
{
    sum->left += weight * face->left;
    sum->top += weight * face->top;
    sum->right += weight * face->right;
    sum->bottom += weight * face->bottom;
    for (unsigned i = 0; i < VE__FACE_POINTS; i++)
        for (unsigned k = 0; k < 2; k++)
            sum->points[i][k] += weight * face->points[i][k];
}

/* Takes the candidates that are the first one's face out of the list, which keeps its order. */
static ve__detection take_face(ve__candidates *found)
{
    const ve__detection best = found->list[0];
    ve__detection sum = {.score = best.score}, mean = {.score = best.score};
    float weight = 0;
    unsigned kept = 0;
    for (unsigned i = 0; i < found->count; i++) {
        const ve__detection *other = &found->list[i];
        float common = intersection(&best, other), mine = area(&best), others = area(other);
        float overlap = common / (mine + others - common);
        if (i == 0 || overlap >= SAME_PLACE) {
            add_weighted(&sum, other, other->score);
            weight += other->score;
        } else if (!(overlap >= SAME_FACE || common >= INSIDE * (mine < others ? mine : others)))
            found->list[kept++] = *other;
    }
    found->count = kept;
    add_weighted(&mean, &sum, 1.0f / weight);
    return mean;
}

unsigned ve__detect_merge(ve__candidates *found, float min_side, ve__detection *faces, unsigned max)
{
    unsigned count = 0;
    qsort(found->list, found->count, sizeof *found->list, by_falling_score);
    while (found->count > 0 && count < max) {
        ve__detection face = take_face(found);
        float width = face.right - face.left, height = face.bottom - face.top;
        if ((width > height ? width : height) >= min_side)
            faces[count++] = face;
    }
    return count;
}
