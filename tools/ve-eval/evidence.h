/* SPDX-License-Identifier: MIT */
/* What all figures are made of: the similarities of comparisons, of the same person and of strangers.
 *
 * Of a large set there are too many comparisons of strangers to keep: they are counted in fine bins of the
 * similarity, and those that matter (the highest ones, and the bin where the two error rates cross) are kept as
 * they are. That takes two walks over all products, and every figure comes out as if all had been kept and
 * sorted; only the area under the curve takes comparisons of one bin as equal (evidence_auc says how much that
 * can be). */
#ifndef VE_EVAL_EVIDENCE_H
#define VE_EVAL_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#define EVIDENCE_BINS (1u << 20)

typedef struct comparison {
    float score;
    uint32_t first, second; /* pictures */
} comparison;

typedef struct evidence {
    comparison *same; /* all comparisons of one person, by rising score */
    size_t same_count, same_capacity;
    comparison *strangers; /* the highest comparisons of strangers, by falling score */
    size_t strangers_kept, strangers_capacity;
    uint64_t stranger_count;             /* all of them */
    uint64_t *same_bins, *stranger_bins; /* EVIDENCE_BINS of each */
    uint32_t crossing_bin; /* where as large a share of strangers lies above as of the same below */
    float *crossing;       /* strangers' scores in that bin, by rising score */
    size_t crossing_count, crossing_capacity;
    int is_all_pairs; /* every picture was compared with every other one, not pairs of a list */
} evidence;

/* All functions print what is wrong and return -1 then. evidence_free in every case. */

/* Compares each of count vectors with each other one. person[i]: of whom vector i is. */
int evidence_of_vectors(evidence *all, const float *rows, size_t stride, size_t count, const uint32_t *person,
                        unsigned threads);
/* Takes comparisons as they are: is_same[i] tells the kind of list[i]. */
int evidence_of_list(evidence *all, const comparison *list, const int *is_same, size_t count);
void evidence_free(evidence *all);

/* The bin of a similarity: never falls when the similarity rises. */
uint32_t evidence_bin(float score);

#endif
