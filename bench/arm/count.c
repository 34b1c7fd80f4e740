/* SPDX-License-Identifier: MIT */
/*
 * A QEMU plugin that counts executed A64 instructions by class (classify.h), for each pass of a program that
 * marks its passes (marks.h), for each kind of kernel, and for each function.
 *
 *     qemu-aarch64 -plugin build/.../libarmcount.so,out=FILE PROGRAM
 *
 * Each block of code gets its sums when it is translated; executing it adds them to the totals (one addition
 * for each class that occurs in it) and raises the block's own counter, from which the functions' counts are
 * made. A block that is left early by a signal would be counted whole; the benchmarks raise none. Only programs
 * whose work is done by one thread are counted exactly: the additions are not atomic.
 *
 * FILE, tab-separated, zero counts left out:
 *     pass    number  -         metric  count
 *     kind    number  index     metric  count
 *     symbol  number  function  metric  count
 *     run     0       -         metric  count     from the program's start to its end
 * Metrics: the classes, and the sums below them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "marks.h"
#include "qemu_plugin_api.h"

/* What is added up besides the classes: bytes, and slots of the two narrow units of a Cortex-A72. */
enum {
    VECTOR_LOAD_BYTES = ARM_CLASSES,
    VECTOR_STORE_BYTES,
    A72_VECTOR_SLOTS, /* 64-bit pipeline slots: a 128-bit multiplication or addition of floats takes two */
    LOAD_SLOTS,       /* loads of up to 16 bytes */
    A72_STORE_SLOTS,  /* stores of up to 8 bytes */
    METRICS
};
static const char *const sum_names[METRICS - ARM_CLASSES] = {
    "vector_load_bytes", "vector_store_bytes", "a72_vector_slots", "load_slots", "a72_store_slots"};

typedef struct counts {
    uint64_t of[METRICS];
} counts;

typedef struct symbol {
    const char *name;
    counts before; /* up to the last pass mark */
    struct symbol *next;
} symbol;

/* A block as it was translated once; a block that is translated again gets a new one. */
typedef struct block {
    uint64_t executed;
    counts each;
    symbol *in;
    struct block *next;
} block;

static struct {
    FILE *out;
    counts total, at_pass, at_kind;
    counts kinds[MARK_KINDS];
    int kind; /* -1: none */
    unsigned passes_marked;
    block *blocks;
    symbol *symbols;
} state = {.kind = -1};

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory) {
        fprintf(stderr, "armcount: no memory\n");
        abort();
    }
    return memory;
}

static symbol *find_symbol(const char *name)
{
    if (!name)
        name = "?";
    for (symbol *s = state.symbols; s; s = s->next)
        if (strcmp(s->name, name) == 0)
            return s;
    symbol *s = allocate(sizeof *s);
    char *copy = allocate(strlen(name) + 1);
    strcpy(copy, name);
    s->name = copy;
    s->next = state.symbols;
    state.symbols = s;
    return s;
}

static void add_instruction(counts *c, uint32_t code)
{
    arm_instruction i = arm_classify(code);
    c->of[i.kind]++;
    if (i.kind == ARM_VECTOR_LOAD)
        c->of[VECTOR_LOAD_BYTES] += i.bytes;
    if (i.kind == ARM_VECTOR_STORE)
        c->of[VECTOR_STORE_BYTES] += i.bytes;
    if (i.kind <= ARM_FLOAT)
        c->of[A72_VECTOR_SLOTS] += i.is_128_bits && i.is_float_mul ? 2 : 1;
    if (i.kind == ARM_VECTOR_LOAD || i.kind == ARM_LOAD)
        c->of[LOAD_SLOTS] += (i.bytes + 15) / 16;
    if (i.kind == ARM_VECTOR_STORE || i.kind == ARM_STORE)
        c->of[A72_STORE_SLOTS] += (i.bytes + 7) / 8;
}

static const char *metric_name(unsigned m)
{
    return m < ARM_CLASSES ? arm_class_names[m] : sum_names[m - ARM_CLASSES];
}

static void print_counts(const char *what, const char *name, const counts *now, const counts *before)
{
    for (unsigned m = 0; m < METRICS; m++)
        if (now->of[m] > before->of[m])
            fprintf(state.out, "%s\t%u\t%s\t%s\t%llu\n", what, state.passes_marked, name, metric_name(m),
                    (unsigned long long)(now->of[m] - before->of[m]));
}

/* Each function's counts since the program started, from its blocks. */
static void sum_symbol(const symbol *s, counts *sum)
{
    memset(sum, 0, sizeof *sum);
    for (const block *b = state.blocks; b; b = b->next)
        for (unsigned m = 0; b->in == s && m < METRICS; m++)
            sum->of[m] += b->executed * b->each.of[m];
}

/* Prints what the pass that ends here has done, and starts the next. */
static void mark_pass(void)
{
    static const counts nothing;
    int has_pass = state.passes_marked > 0;
    if (has_pass)
        print_counts("pass", "-", &state.total, &state.at_pass);
    for (unsigned k = 0; k < MARK_KINDS; k++) {
        char number[16];
        snprintf(number, sizeof number, "%u", k);
        if (has_pass)
            print_counts("kind", number, &state.kinds[k], &nothing);
        memset(&state.kinds[k], 0, sizeof state.kinds[k]);
    }
    for (symbol *s = state.symbols; s; s = s->next) {
        counts now;
        sum_symbol(s, &now);
        if (has_pass)
            print_counts("symbol", s->name, &now, &s->before);
        s->before = now;
    }
    state.at_pass = state.total;
    state.passes_marked++;
    fflush(state.out);
}

static void on_mark(unsigned cpu, void *data)
{
    int mark = (int)(intptr_t)data;
    (void)cpu;
    if (mark == MARK_PASS) {
        mark_pass();
    } else if (mark == MARK_END) {
        for (unsigned m = 0; state.kind >= 0 && m < METRICS; m++)
            state.kinds[state.kind].of[m] += state.total.of[m] - state.at_kind.of[m];
        state.kind = -1;
    } else {
        state.kind = mark - MARK_KIND;
        state.at_kind = state.total;
    }
}

static int is_our_mark(int mark)
{
    return mark == MARK_PASS || mark == MARK_END || (mark >= MARK_KIND && mark < MARK_KIND + MARK_KINDS);
}

static void on_block(plugin_id id, struct qemu_plugin_tb *tb)
{
    block *b = allocate(sizeof *b);
    size_t count = qemu_plugin_tb_n_insns(tb);
    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        uint32_t code;
        memcpy(&code, qemu_plugin_insn_data(instruction), sizeof code);
        add_instruction(&b->each, code);
        int mark = MARK_IN_CODE(code);
        if (is_our_mark(mark))
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, PLUGIN_CALLBACK_NO_REGISTERS,
                                                   (void *)(intptr_t)mark);
    }
    b->in = find_symbol(qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0)));
    b->next = state.blocks;
    state.blocks = b;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, PLUGIN_INLINE_ADD_U64, &b->executed, 1);
    for (unsigned m = 0; m < METRICS; m++)
        if (b->each.of[m])
            qemu_plugin_register_vcpu_tb_exec_inline(tb, PLUGIN_INLINE_ADD_U64, &state.total.of[m],
                                                     b->each.of[m]);
}

static void at_exit(plugin_id id, void *data)
{
    static const counts nothing;
    (void)id;
    (void)data;
    state.passes_marked = 0;
    print_counts("run", "-", &state.total, &nothing);
    if (fclose(state.out) != 0)
        fprintf(stderr, "armcount: the counts could not be written\n");
}

PLUGIN_EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            state.out = fopen(argv[i] + 4, "w");
    if (!state.out) {
        fprintf(stderr, "armcount: give the name of a writable file as out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
