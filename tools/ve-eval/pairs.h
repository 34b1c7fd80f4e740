/* SPDX-License-Identifier: MIT */
/* The list of pairs of a verification protocol, in the form of LFW's pairs.txt:
 *
 *     FOLDS <TAB> N                        10 <TAB> 300; the development lists have N alone: one fold
 *     NAME <TAB> i <TAB> j                 N lines a fold: the same person, NAME/NAME_000i.jpg and
 * NAME_000j.jpg NAME1 <TAB> i <TAB> NAME2 <TAB> j    then N lines: two people
 *
 * Spaces do where a line has no tab. */
#ifndef VE_EVAL_PAIRS_H
#define VE_EVAL_PAIRS_H

#include "set.h"

typedef struct eval_pair {
    uint32_t first, second; /* pictures of the set */
    uint32_t fold;
    int is_same;
} eval_pair;

typedef struct pair_list {
    eval_pair *pairs;
    size_t count;
    uint32_t folds;
    size_t missing; /* pictures of the set that have no file: their names end in ".?" */
} pair_list;

/* Reads the list and fills the set with the pictures that it names, each once. A picture without a file is
 * refused unless allow_missing: then it is in the set, and opening it will fail. Prints what is wrong, with the
 * line, and returns -1 then. pairs_free and set_free in every case. */
int pairs_read(pair_list *list, picture_set *set, const char *path, const char *folder, int allow_missing);
void pairs_free(pair_list *list);

#endif
