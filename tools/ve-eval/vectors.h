/* SPDX-License-Identifier: MIT */
/* The embeddings of a set's pictures, and the files in which they are kept. */
#ifndef VE_EVAL_VECTORS_H
#define VE_EVAL_VECTORS_H

#include "set.h"
#include "visembed.h"

typedef struct eval_vectors {
    size_t count; /* pictures of the set */
    uint32_t dim;
    size_t stride; /* floats from one row to the next: dim, padded with zeros for the search kernels */
    float *rows;
    char **failures; /* for each picture: why it has no embedding; NULL where it has one */
    size_t failure_count;
    char fingerprint[65], model_name[128], how[64]; /* how: condition and flip, "dark,flip" */
} eval_vectors;

/* All functions print what is wrong and return -1 then. vectors_free in every case. */

int vectors_begin(eval_vectors *vectors, size_t count, uint32_t dim);
float *vectors_row(const eval_vectors *vectors, size_t picture);
/* Notes a failure; the text is copied. Without memory -1, silently: the caller may be one of several threads.
 */
int vectors_fail(eval_vectors *vectors, size_t picture, const char *reason);
void vectors_free(eval_vectors *vectors);

/* PATH: the array [pictures that were embedded][dim] of <f4. PATH.list: a line "fingerprint<TAB>how<TAB>model",
 * then a line for each picture, in order: its name, and behind a tab the reason where it has no row. */
int vectors_save(const eval_vectors *vectors, const picture_set *set, const char *path);
/* Reads them back; the list must name the set's pictures in the same order. */
int vectors_load(eval_vectors *vectors, const picture_set *set, const char *path);
/* Reads the list of pictures alone: fills an empty set. */
int vectors_load_names(picture_set *set, const char *path);

#endif
