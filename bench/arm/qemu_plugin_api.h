/* SPDX-License-Identifier: MIT */
/*
 * The part of QEMU's plugin interface (version 1: QEMU 4.2 to 8.2) that count.c uses. Debian ships the
 * interface inside qemu-aarch64 but no header for it, so the few calls are declared here, from QEMU's
 * documentation
 * ("QEMU TCG Plugins").
 *
 * QEMU loads the plugin, checks qemu_plugin_version and calls qemu_plugin_install. It then reports every block
 * of guest code as it is translated; the plugin asks for counters to be raised, or a function to be called,
 * whenever the block or one of its instructions is executed. Handles live only as long as the callback that got
 * them.
 */
#ifndef BENCH_ARM_QEMU_PLUGIN_API_H
#define BENCH_ARM_QEMU_PLUGIN_API_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT      __attribute__((visibility("default")))
#define PLUGIN_API_VERSION 1

typedef uint64_t plugin_id;
struct qemu_plugin_tb;   /* a block of guest code */
struct qemu_plugin_insn; /* an instruction in it */

enum { PLUGIN_INLINE_ADD_U64 = 0 };
enum { PLUGIN_CALLBACK_NO_REGISTERS = 0 };

/* What the plugin offers to QEMU. */
extern int qemu_plugin_version;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* What QEMU offers to the plugin. */
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*on_block)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
/* The guest function's name where the program has a symbol table, else NULL. */
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *instruction);
/* *counter += add whenever the block is executed; not atomic. */
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation, void *counter,
                                              uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
                                            void (*on_execution)(unsigned cpu, void *data), int registers,
                                            void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*at_exit)(plugin_id, void *data), void *data);

#endif
