/* SPDX-License-Identifier: MIT */
/* Small checkpoints for the tests of ve-export: a list of tensors that a test edits, written as
 * model.safetensors into a folder of its own and exported there. */
#ifndef VE_TESTS_UNIT_EXPORT_CASE_H
#define VE_TESTS_UNIT_EXPORT_CASE_H

#include "../../tools/ve-export/export.h"
#include "weights/weights.h"

#define MAX_TENSORS 128u

typedef struct item {
    char name[96];
    char dtype[8];
    unsigned rank;
    unsigned shape[5];
} item;

typedef struct list {
    item items[MAX_TENSORS];
    size_t count;
    const char *poisoned; /* the tensor whose last element is `poison`; NULL: none */
    float poison;
} list;

/* f32, the embedding by rule. */
extern const plan_options case_plain;

/* The smallest network in timm's names: one block a stage, 2 to 16 channels, a head of 10 classes. */
list case_timm(void);
void case_add(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d);
/* NAME.weight of that shape and NAME.bias of length a. */
void case_add_pair(list *l, const char *name, unsigned rank, unsigned a, unsigned b, unsigned c, unsigned d);
void case_add_block(list *l, unsigned stage, unsigned dim);
/* Fails the test when there is none. */
item *case_find(list *l, const char *name);
/* Removes all whose names have that part. */
void case_drop(list *l, const char *part);
/* What element of what tensor of a list holds: six bits, so that every element type has it exactly. */
float case_value(size_t tensor, size_t element);

/* cmocka's set-up and tear-down of a group: the folder. */
int case_make_folder(void **state);
int case_remove_folder(void **state);
/* One of four buffers, in turn. */
const char *case_path(const char *name);
void case_write(const list *l);
void case_write_config(const char *name, const char *text);
/* Removes all files; how many there were. */
size_t case_clear(void);

/* Exports the list, with the text as config.json where there is one. */
ve_status case_export(const list *l, const char *config_text, plan_options how);
/* Exports and expects it to be refused with these words, and no file beside the input. */
void case_refused(const list *l, const char *config_text, plan_options how, ve_status status,
                  const char *words);
/* Exports and opens what came out; the folder is empty afterwards. */
ve__weights *case_exported(const list *l, const char *config_text, plan_options how);

#endif
