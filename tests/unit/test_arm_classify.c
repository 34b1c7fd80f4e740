/* SPDX-License-Identifier: MIT */
/* bench/arm/classify.c: each form of instruction that it tells apart, as GNU as encodes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../bench/arm/classify.c"
#include "../../bench/arm/marks.h"

/* clang-format off */
static const struct encoded {
    uint32_t code;
    const char *text;
    arm_class kind;
    unsigned bytes;
    int is_128_bits, is_float_mul;
} instructions[] = {
    {0x4e22cc20, "fmla v0.4s, v1.4s, v2.4s", ARM_FMA_VECTOR, 0, 1, 1},
    {0x4ee2cc20, "fmls v0.2d, v1.2d, v2.2d", ARM_FMA_VECTOR, 0, 1, 1},
    {0x0e22cc20, "fmla v0.2s, v1.2s, v2.2s", ARM_FMA_VECTOR, 0, 0, 1},
    {0x4fa21820, "fmla v0.4s, v1.4s, v2.s[3]", ARM_FMA_ELEMENT, 0, 1, 1},
    {0x4f9f5020, "fmls v0.4s, v1.4s, v31.s[0]", ARM_FMA_ELEMENT, 0, 1, 1},
    {0x4fc21820, "fmla v0.2d, v1.2d, v2.d[1]", ARM_FMA_ELEMENT, 0, 1, 1},
    {0x4e420c20, "fmla v0.8h, v1.8h, v2.8h", ARM_FMA_HALF, 0, 1, 1},
    {0x4ec20c20, "fmls v0.8h, v1.8h, v2.8h", ARM_FMA_HALF, 0, 1, 1},
    {0x4f121820, "fmla v0.8h, v1.8h, v2.h[5]", ARM_FMA_HALF, 0, 1, 1},
    {0x4e22ec20, "fmlal v0.4s, v1.4h, v2.4h", ARM_FMA_HALF, 0, 1, 1},
    {0x6e22cc20, "fmlal2 v0.4s, v1.4h, v2.4h", ARM_FMA_HALF, 0, 1, 1},
    {0x4fb20020, "fmlal v0.4s, v1.4h, v2.h[3]", ARM_FMA_HALF, 0, 1, 1},
    {0x6fb28020, "fmlal2 v0.4s, v1.4h, v2.h[3]", ARM_FMA_HALF, 0, 1, 1},
    {0x4e829420, "sdot v0.4s, v1.16b, v2.16b", ARM_DOT, 0, 1, 0},
    {0x6e829420, "udot v0.4s, v1.16b, v2.16b", ARM_DOT, 0, 1, 0},
    {0x4f82e820, "sdot v0.4s, v1.16b, v2.4b[2]", ARM_DOT, 0, 1, 0},
    {0x6f82e820, "udot v0.4s, v1.16b, v2.4b[2]", ARM_DOT, 0, 1, 0},
    {0x4e829c20, "usdot v0.4s, v1.16b, v2.16b", ARM_DOT, 0, 1, 0},
    {0x4e82a420, "smmla v0.4s, v1.16b, v2.16b", ARM_DOT, 0, 1, 0},
    {0x6e22dc20, "fmul v0.4s, v1.4s, v2.4s", ARM_MUL_ADD, 0, 1, 1},
    {0x4fa29020, "fmul v0.4s, v1.4s, v2.s[1]", ARM_MUL_ADD, 0, 1, 1},
    {0x4e22d420, "fadd v0.4s, v1.4s, v2.4s", ARM_MUL_ADD, 0, 1, 1},
    {0x4ea2d420, "fsub v0.4s, v1.4s, v2.4s", ARM_MUL_ADD, 0, 1, 1},
    {0x4e421420, "fadd v0.8h, v1.8h, v2.8h", ARM_MUL_ADD, 0, 1, 1},
    {0x6e421c20, "fmul v0.8h, v1.8h, v2.8h", ARM_MUL_ADD, 0, 1, 1},
    {0x4e140420, "dup v0.4s, v1.s[2]", ARM_PERMUTE, 0, 1, 0},
    {0x4e040c20, "dup v0.4s, w1", ARM_PERMUTE, 0, 1, 0},
    {0x4e0c1c60, "mov v0.s[1], w3", ARM_PERMUTE, 0, 1, 0},
    {0x0e0c3c20, "mov w0, v1.s[1]", ARM_PERMUTE, 0, 0, 0},
    {0x4e823820, "zip1 v0.4s, v1.4s, v2.4s", ARM_PERMUTE, 0, 1, 0},
    {0x4e826820, "trn2 v0.4s, v1.4s, v2.4s", ARM_PERMUTE, 0, 1, 0},
    {0x6e022020, "ext v0.16b, v1.16b, v2.16b, #4", ARM_PERMUTE, 0, 1, 0},
    {0x4e020020, "tbl v0.16b, {v1.16b}, v2.16b", ARM_PERMUTE, 0, 1, 0},
    {0x4ea00820, "rev64 v0.4s, v1.4s", ARM_PERMUTE, 0, 1, 0},
    {0x4e22f420, "fmax v0.4s, v1.4s, v2.4s", ARM_VECTOR, 0, 1, 0},
    {0x6e22fc20, "fdiv v0.4s, v1.4s, v2.4s", ARM_VECTOR, 0, 1, 0},
    {0x6ea1f820, "fsqrt v0.4s, v1.4s", ARM_VECTOR, 0, 1, 0},
    {0x4e218820, "frintn v0.4s, v1.4s", ARM_VECTOR, 0, 1, 0},
    {0x4ea1b820, "fcvtzs v0.4s, v1.4s", ARM_VECTOR, 0, 1, 0},
    {0x0e217820, "fcvtl v0.4s, v1.4h", ARM_VECTOR, 0, 0, 0},
    {0x0e612820, "xtn v0.4h, v1.4s", ARM_VECTOR, 0, 0, 0},
    {0x4f000420, "movi v0.4s, #0x1", ARM_VECTOR, 0, 1, 0},
    {0x4f375420, "shl v0.4s, v1.4s, #23", ARM_VECTOR, 0, 1, 0},
    {0x4ea28420, "add v0.4s, v1.4s, v2.4s", ARM_VECTOR, 0, 1, 0},
    {0x4ea29420, "mla v0.4s, v1.4s, v2.4s", ARM_VECTOR, 0, 1, 0},
    {0x4f828020, "mul v0.4s, v1.4s, v2.s[0]", ARM_VECTOR, 0, 1, 0},
    {0x6e221c20, "eor v0.16b, v1.16b, v2.16b", ARM_VECTOR, 0, 1, 0},
    {0x6e621c20, "bsl v0.16b, v1.16b, v2.16b", ARM_VECTOR, 0, 1, 0},
    {0x4eb1b820, "addv s0, v1.4s", ARM_VECTOR, 0, 1, 0},
    {0x6e22d420, "faddp v0.4s, v1.4s, v2.4s", ARM_MUL_ADD, 0, 1, 1},
    {0x7e30d820, "faddp s0, v1.2s", ARM_FLOAT, 0, 0, 0},
    {0x0e628020, "smlal v0.4s, v1.4h, v2.4h", ARM_VECTOR, 0, 0, 0},
    {0x1e222820, "fadd s0, s1, s2", ARM_FLOAT, 0, 0, 0},
    {0x1f020c20, "fmadd s0, s1, s2, s3", ARM_FLOAT, 0, 0, 0},
    {0x1e260020, "fmov w0, s1", ARM_FLOAT, 0, 0, 0},
    {0x1e22c020, "fcvt d0, s1", ARM_FLOAT, 0, 0, 0},
    {0x1e220020, "scvtf s0, w1", ARM_FLOAT, 0, 0, 0},
    {0x5f821020, "fmla s0, s1, v2.s[0]", ARM_FLOAT, 0, 0, 0},
    {0x3dc00000, "ldr q0, [x0]", ARM_VECTOR_LOAD, 16, 1, 0},
    {0x3ce16800, "ldr q0, [x0, x1]", ARM_VECTOR_LOAD, 16, 1, 0},
    {0xfd400400, "ldr d0, [x0, #8]", ARM_VECTOR_LOAD, 8, 0, 0},
    {0xbc404400, "ldr s0, [x0], #4", ARM_VECTOR_LOAD, 4, 0, 0},
    {0x3cdf0000, "ldur q0, [x0, #-16]", ARM_VECTOR_LOAD, 16, 1, 0},
    {0x7d400000, "ldr h0, [x0]", ARM_VECTOR_LOAD, 2, 0, 0},
    {0xad400400, "ldp q0, q1, [x0]", ARM_VECTOR_LOAD, 32, 1, 0},
    {0x6cc10400, "ldp d0, d1, [x0], #16", ARM_VECTOR_LOAD, 16, 1, 0},
    {0x2d400400, "ldp s0, s1, [x0]", ARM_VECTOR_LOAD, 8, 0, 0},
    {0xac400400, "ldnp q0, q1, [x0]", ARM_VECTOR_LOAD, 32, 1, 0},
    {0x4c407800, "ld1 {v0.4s}, [x0]", ARM_VECTOR_LOAD, 16, 1, 0},
    {0x4cdf2800, "ld1 {v0.4s-v3.4s}, [x0], #64", ARM_VECTOR_LOAD, 64, 1, 0},
    {0x4cdfa800, "ld1 {v0.4s, v1.4s}, [x0], #32", ARM_VECTOR_LOAD, 32, 1, 0},
    {0x4c400800, "ld4 {v0.4s-v3.4s}, [x0]", ARM_VECTOR_LOAD, 64, 1, 0},
    {0x0c404000, "ld3 {v0.8b-v2.8b}, [x0]", ARM_VECTOR_LOAD, 24, 1, 0},
    {0x4d40c800, "ld1r {v0.4s}, [x0]", ARM_VECTOR_LOAD, 4, 0, 0},
    {0x0d409000, "ld1 {v0.s}[1], [x0]", ARM_VECTOR_LOAD, 4, 0, 0},
    {0x4d408400, "ld1 {v0.d}[1], [x0]", ARM_VECTOR_LOAD, 8, 0, 0},
    {0x0d604800, "ld2 {v0.h, v1.h}[1], [x0]", ARM_VECTOR_LOAD, 4, 0, 0},
    {0x9c000620, "ldr q0", ARM_VECTOR_LOAD, 16, 1, 0},
    {0x3d800000, "str q0, [x0]", ARM_VECTOR_STORE, 16, 1, 0},
    {0xbd000400, "str s0, [x0, #4]", ARM_VECTOR_STORE, 4, 0, 0},
    {0xad000400, "stp q0, q1, [x0]", ARM_VECTOR_STORE, 32, 1, 0},
    {0x3c9f0000, "stur q0, [x0, #-16]", ARM_VECTOR_STORE, 16, 1, 0},
    {0x4c007800, "st1 {v0.4s}, [x0]", ARM_VECTOR_STORE, 16, 1, 0},
    {0x0d009000, "st1 {v0.s}[1], [x0]", ARM_VECTOR_STORE, 4, 0, 0},
    {0xf9400020, "ldr x0, [x1]", ARM_LOAD, 8, 0, 0},
    {0xb8626820, "ldr w0, [x1, x2]", ARM_LOAD, 4, 0, 0},
    {0x39400020, "ldrb w0, [x1]", ARM_LOAD, 1, 0, 0},
    {0xb9800020, "ldrsw x0, [x1]", ARM_LOAD, 4, 0, 0},
    {0xa9400440, "ldp x0, x1, [x2]", ARM_LOAD, 16, 1, 0},
    {0x29400440, "ldp w0, w1, [x2]", ARM_LOAD, 8, 0, 0},
    {0x69400440, "ldpsw x0, x1, [x2]", ARM_LOAD, 8, 0, 0},
    {0xc85f7c20, "ldxr x0, [x1]", ARM_LOAD, 8, 0, 0},
    {0x88dffc20, "ldar w0, [x1]", ARM_LOAD, 4, 0, 0},
    {0xf8200041, "ldadd x0, x1, [x2]", ARM_LOAD, 8, 0, 0},
    {0x58000400, "ldr x0", ARM_LOAD, 8, 0, 0},
    {0xf9000020, "str x0, [x1]", ARM_STORE, 8, 0, 0},
    {0x79000020, "strh w0, [x1]", ARM_STORE, 2, 0, 0},
    {0xa9bf07e0, "stp x0, x1, [sp, #-16]!", ARM_STORE, 16, 1, 0},
    {0x889ffc20, "stlr w0, [x1]", ARM_STORE, 4, 0, 0},
    {0xc8007c41, "stxr w0, x1, [x2]", ARM_STORE, 8, 0, 0},
    {0xf9800000, "prfm pldl1keep, [x0]", ARM_OTHER, 0, 0, 0},
    {0xf89f8000, "prfum pldl1keep, [x0, #-8]", ARM_OTHER, 0, 0, 0},
    {0x14000001, "b", ARM_BRANCH, 0, 0, 0},
    {0x94000000, "bl", ARM_BRANCH, 0, 0, 0},
    {0xd65f03c0, "ret", ARM_BRANCH, 0, 0, 0},
    {0xb4ffffc0, "cbz x0", ARM_BRANCH, 0, 0, 0},
    {0x360fffa0, "tbz w0, #1", ARM_BRANCH, 0, 0, 0},
    {0x54ffff80, "b.eq", ARM_BRANCH, 0, 0, 0},
    {0xd61f0020, "br x1", ARM_BRANCH, 0, 0, 0},
    {0xd63f0020, "blr x1", ARM_BRANCH, 0, 0, 0},
    {0x8b020020, "add x0, x1, x2", ARM_INTEGER, 0, 0, 0},
    {0x91000c20, "add x0, x1, #0x3", ARM_INTEGER, 0, 0, 0},
    {0xd28000a0, "mov x0, #0x5", ARM_INTEGER, 0, 0, 0},
    {0x9b020c20, "madd x0, x1, x2, x3", ARM_INTEGER, 0, 0, 0},
    {0xd37df020, "lsl x0, x1, #3", ARM_INTEGER, 0, 0, 0},
    {0x9a820020, "csel x0, x1, x2, eq", ARM_INTEGER, 0, 0, 0},
    {0x90000000, "adrp x0", ARM_INTEGER, 0, 0, 0},
    {0xeb01001f, "cmp x0, x1", ARM_INTEGER, 0, 0, 0},
    {0xd3410820, "ubfx x0, x1, #1, #2", ARM_INTEGER, 0, 0, 0},
    {0xdac01020, "clz x0, x1", ARM_INTEGER, 0, 0, 0},
    {0x1ac25020, "crc32cb w0, w1, w2", ARM_INTEGER, 0, 0, 0},
    {0xd503201f, "nop", ARM_OTHER, 0, 0, 0},
    {0xd5032c9f, "hint #0x64", ARM_OTHER, 0, 0, 0},
    {0xd53bd040, "mrs x0, tpidr_el0", ARM_OTHER, 0, 0, 0},
    {0xd5033bbf, "dmb ish", ARM_OTHER, 0, 0, 0},
    {0xd4000001, "svc #0x0", ARM_OTHER, 0, 0, 0},
};
/* clang-format on */

static void test_classify_knows_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        const struct encoded *e = &instructions[i];
        arm_instruction got = arm_classify(e->code);
        if (got.kind != e->kind || got.bytes != e->bytes || got.is_128_bits != e->is_128_bits ||
            got.is_float_mul != e->is_float_mul)
            fail_msg("%s: class %s, %u bytes, %d, %d", e->text, arm_class_names[got.kind], got.bytes,
                     got.is_128_bits, got.is_float_mul);
    }
}

/* Every code gets a class, and only loads and stores move bytes. */
static void test_classify_takes_any_code(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        arm_instruction got = arm_classify(i * 2654435761u);
        assert_true(got.kind < ARM_CLASSES);
        int moves = got.kind == ARM_VECTOR_LOAD || got.kind == ARM_VECTOR_STORE || got.kind == ARM_LOAD ||
                    got.kind == ARM_STORE;
        assert_true(moves || got.bytes == 0);
    }
}

static void test_marks_are_hints(void **state)
{
    (void)state;
    assert_int_equal(MARK_IN_CODE(0xd5032c9fu), 100); /* hint #100 */
    assert_int_equal(MARK_IN_CODE(0xd503201fu), 0);   /* nop */
    assert_int_equal(MARK_IN_CODE(0xd5033bbfu), -1);  /* dmb ish */
    assert_int_equal(arm_classify(0xd5032fffu).kind, ARM_OTHER);
    assert_int_equal(MARK_IN_CODE(0xd5032fffu), MARK_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classify_knows_each_form),
        cmocka_unit_test(test_classify_takes_any_code),
        cmocka_unit_test(test_marks_are_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
