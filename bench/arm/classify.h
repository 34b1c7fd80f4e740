/* SPDX-License-Identifier: MIT */
/* What kind of work an A64 instruction is: enough of the encoding (Arm Architecture Reference Manual, chapter
 * C4) to sort the instructions of a benchmark into a dozen classes. */
#ifndef BENCH_ARM_CLASSIFY_H
#define BENCH_ARM_CLASSIFY_H

#include <stdint.h>

typedef enum arm_class {
    ARM_FMA_VECTOR,  /* FMLA, FMLS, vector by vector, f32 and f64 */
    ARM_FMA_ELEMENT, /* the same by an element of a vector */
    ARM_FMA_HALF,    /* FMLA, FMLS on half floats, FMLAL, FMLSL */
    ARM_DOT,         /* SDOT, UDOT, USDOT, SMMLA ... */
    ARM_MUL_ADD,     /* vector FMUL, FADD, FSUB, FABD, by element too */
    ARM_PERMUTE,     /* DUP, INS, UMOV, ZIP, UZP, TRN, EXT, TBL, REV */
    ARM_VECTOR,      /* all other vector arithmetic */
    ARM_FLOAT,       /* scalar floating point */
    ARM_VECTOR_LOAD, /* into vector and floating point registers */
    ARM_VECTOR_STORE,
    ARM_LOAD, /* into general registers, exclusive and atomic ones too */
    ARM_STORE,
    ARM_BRANCH,
    ARM_INTEGER,
    ARM_OTHER, /* system instructions, hints, prefetches, SVE */
    ARM_CLASSES
} arm_class;

/* Short names, in this order: "fma_vector" ... */
extern const char *const arm_class_names[ARM_CLASSES];

typedef struct arm_instruction {
    arm_class kind;
    unsigned bytes;   /* that a load or store moves */
    int is_128_bits;  /* vector instructions: works on the whole register */
    int is_float_mul; /* belongs to ARM_FMA_... or ARM_MUL_ADD */
} arm_instruction;

arm_instruction arm_classify(uint32_t code);

#endif
