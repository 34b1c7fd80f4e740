/* SPDX-License-Identifier: MIT */
/* See classify.h. Bit patterns are written as mask and value: an instruction belongs to the first line whose
 * value it has under the mask. */
#include "classify.h"

#include <stddef.h>

const char *const arm_class_names[ARM_CLASSES] = {
    "fma_vector",  "fma_element",  "fma_half", "dot",   "mul_add", "permute", "vector", "float",
    "vector_load", "vector_store", "load",     "store", "branch",  "integer", "other"};

typedef struct pattern {
    uint32_t mask, value;
    arm_class kind;
} pattern;

/* Vector arithmetic: bits 28-25 are x111. Bit 30 (Q: 64 or 128 bits) never matters here, bit 29 is U. */
static const pattern vector_patterns[] = {
    /* three registers of the same kind, half floats: 0 Q U 01110 a 10 Rm 00 opcode 1 */
    {0xbf60fc00, 0x0e400c00, ARM_FMA_HALF}, /* FMLA, FMLS */
    {0xbf60fc00, 0x0e401400, ARM_MUL_ADD},  /* FADD, FSUB */
    {0xbf60fc00, 0x2e401400, ARM_MUL_ADD},  /* FADDP, FABD */
    {0xbf60fc00, 0x2e401c00, ARM_MUL_ADD},  /* FMUL */
    /* the same, f32 and f64: 0 Q U 01110 size 1 Rm opcode 1 */
    {0xbf20fc00, 0x0e20cc00, ARM_FMA_VECTOR}, /* FMLA, FMLS */
    {0xbf20fc00, 0x0e20ec00, ARM_FMA_HALF},   /* FMLAL, FMLSL */
    {0xbf20fc00, 0x2e20cc00, ARM_FMA_HALF},   /* FMLAL2, FMLSL2 */
    {0xbf20fc00, 0x0e20d400, ARM_MUL_ADD},    /* FADD, FSUB */
    {0xbf20fc00, 0x2e20d400, ARM_MUL_ADD},    /* FADDP, FABD */
    {0xbf20fc00, 0x2e20dc00, ARM_MUL_ADD},    /* FMUL */
    /* the same, extra: 0 Q U 01110 size 0 Rm 1 opcode 1 */
    {0x9f20fc00, 0x0e009400, ARM_DOT}, /* SDOT, UDOT */
    {0xbf20fc00, 0x0e009c00, ARM_DOT}, /* USDOT */
    {0x9f20f400, 0x0e00a400, ARM_DOT}, /* SMMLA, UMMLA, USMMLA */
    /* by element: 0 Q U 01111 size L M Rm opcode H 0 */
    {0xbf80b400, 0x0f801000, ARM_FMA_ELEMENT}, /* FMLA, FMLS f32, f64 */
    {0xbfc0b400, 0x0f001000, ARM_FMA_HALF},    /* FMLA, FMLS half */
    {0xbfc0b400, 0x0f800000, ARM_FMA_HALF},    /* FMLAL, FMLSL */
    {0xbfc0b400, 0x2f808000, ARM_FMA_HALF},    /* FMLAL2, FMLSL2 */
    {0xbf00f400, 0x0f009000, ARM_MUL_ADD},     /* FMUL */
    {0x9f00f400, 0x0f00e000, ARM_DOT},         /* SDOT, UDOT */
    {0xbf00f400, 0x0f00f000, ARM_DOT},         /* USDOT, SUDOT */
    /* moving elements about */
    {0x9fe08400, 0x0e000400, ARM_PERMUTE}, /* DUP, INS, SMOV, UMOV */
    {0xbf208c00, 0x0e000800, ARM_PERMUTE}, /* UZP, TRN, ZIP */
    {0xbfe08400, 0x2e000000, ARM_PERMUTE}, /* EXT */
    {0xbfe08c00, 0x0e000000, ARM_PERMUTE}, /* TBL, TBX */
    {0x9f3fec00, 0x0e200800, ARM_PERMUTE}, /* REV16, REV32, REV64 */
    {0x9e000000, 0x0e000000, ARM_VECTOR},
    /* one element of a vector register, and scalar floating point */
    {0x00000000, 0x00000000, ARM_FLOAT},
};

static arm_class classify_vector(uint32_t code)
{
    const pattern *p = vector_patterns;
    while ((code & p->mask) != p->value)
        p++;
    return p->kind;
}

/* Bytes of LD1 ... LD4, ST1 ... ST4 on whole registers. */
static unsigned structure_bytes(uint32_t code)
{
    static const unsigned char registers[16] = {
        [0x0] = 4, [0x2] = 4, [0x4] = 3, [0x6] = 3, [0x7] = 1, [0x8] = 2, [0xa] = 2};
    return registers[code >> 12 & 15] * (code >> 30 & 1 ? 16u : 8u);
}

/* Bytes of the same on single elements; LD1R ... LD4R read one element each. */
static unsigned element_bytes(uint32_t code)
{
    unsigned opcode = code >> 13 & 7, size = code >> 10 & 3;
    unsigned registers = ((opcode & 1) << 1 | (code >> 21 & 1)) + 1;
    unsigned scale = opcode >> 1;
    if (scale == 3)
        scale = size;
    else if (scale == 2 && (size & 1))
        scale = 3;
    return registers << scale;
}

/* Bytes that a pair of registers (LDP, STP) or one (LDR, STR in all their forms) moves. */
static unsigned register_bytes(uint32_t code, int is_vector, int is_pair)
{
    unsigned size = code >> 30;
    if (is_pair)
        return 2 * (is_vector ? 4u << size : size == 2 ? 8u : 4u);
    return is_vector && (code >> 23 & 1) ? 16u : 1u << size;
}

static arm_instruction load_or_store(int is_load, int is_vector, unsigned bytes)
{
    arm_class kind = is_vector ? (is_load ? ARM_VECTOR_LOAD : ARM_VECTOR_STORE)
                     : is_load ? ARM_LOAD
                               : ARM_STORE;
    return (arm_instruction){kind, bytes, bytes >= 16, 0};
}

/* Loads and stores: bits 28-25 are x1x0. */
static arm_instruction classify_memory(uint32_t code)
{
    int is_vector = code >> 26 & 1, load_bit = code >> 22 & 1;
    if ((code & 0xbf000000) == 0x0c000000)
        return load_or_store(load_bit, 1, structure_bytes(code));
    if ((code & 0xbf000000) == 0x0d000000)
        return load_or_store(load_bit, 1, element_bytes(code));
    if ((code & 0x3f000000) == 0x08000000) /* exclusive, acquire and release */
        return load_or_store(load_bit, 0, 1u << (code >> 30));
    if ((code & 0x3b000000) == 0x18000000) { /* from beside the code; opc 3 is a prefetch */
        unsigned opc = code >> 30;
        if (!is_vector && opc == 3)
            return (arm_instruction){ARM_OTHER, 0, 0, 0};
        return load_or_store(1, is_vector, is_vector ? 4u << opc : opc == 1 ? 8u : 4u);
    }
    if ((code & 0x3a000000) == 0x28000000)
        return load_or_store(load_bit, is_vector, register_bytes(code, is_vector, 1));
    if ((code & 0x3a000000) != 0x38000000)
        return (arm_instruction){ARM_OTHER, 0, 0, 0};
    unsigned opc = code >> 22 & 3, size = code >> 30;
    if (!is_vector && (code & 0x01200c00) == 0x00200000) /* atomic read and write */
        return load_or_store(1, 0, 1u << size);
    if (!is_vector && size == 3 && opc == 2)
        return (arm_instruction){ARM_OTHER, 0, 0, 0}; /* PRFM */
    return load_or_store(is_vector ? (int)(opc & 1) : opc != 0, is_vector, register_bytes(code, is_vector, 0));
}

arm_instruction arm_classify(uint32_t code)
{
    arm_instruction result = {ARM_OTHER, 0, 0, 0};
    unsigned group = code >> 25 & 15;
    if ((group & 5) == 4)
        return classify_memory(code);
    if ((group & 7) == 7) {
        result.kind = classify_vector(code);
        result.is_128_bits = result.kind != ARM_FLOAT && (code >> 30 & 1);
        result.is_float_mul = result.kind <= ARM_FMA_HALF || result.kind == ARM_MUL_ADD;
    } else if ((group & 7) == 5 || (group & 14) == 8) {
        result.kind = ARM_INTEGER;
    } else if ((group & 14) == 10) {
        /* 1101 0100 and 1101 0101: exceptions, system registers, barriers, hints */
        result.kind = (code >> 25) == 0x6a ? ARM_OTHER : ARM_BRANCH;
    }
    return result;
}
