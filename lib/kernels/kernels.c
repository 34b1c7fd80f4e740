/* SPDX-License-Identifier: MIT */
/* Makes the kernel tables once, and picks one: the best that this CPU runs, or the one that VE_FORCE_ISA names.
 */
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

#define MAX_TABLES 4u

/* Written once, under pthread_once, and constant from then on. */
static struct {
    ve__kernels tables[MAX_TABLES]; /* those that this CPU can run, from the plainest to the best */
    unsigned count;
    const ve__kernels *chosen; /* NULL: VE_FORCE_ISA named none of them */
    char forced[32];           /* what it named, for the message; cut where too long */
} state;

/* Adds a table: the scalar one with all that `fill` has put on top of it. */
static void add_table(void (*fill)(ve__kernels *table), void (*fill_search)(ve__search_kernels *table),
                      void (*fill_i8)(ve__dense_i8 *table))
{
    ve__kernels *table = &state.tables[state.count++];
    ve__kernels_fill_scalar(table);
    ve__search_fill_scalar(&table->search);
    int (*interleave)(const float *planes, size_t count, float *out) = table->interleave;
    if (fill) {
        fill(table);
        fill_search(&table->search);
    }
    if (!table->interleave) /* x86's tables have none of their own */
        table->interleave = interleave;
    fill_i8(&table->dense_i8);
#ifdef VE_GEMM_OPENBLAS
    ve__kernels_fill_openblas(table);
#endif
}

static void make_tables(void)
{
    unsigned features = ve__cpu_features();
    (void)features;
    add_table(NULL, NULL, ve__i8_fill_scalar);
#ifdef __x86_64__
    if (features & VE__CPU_AVX2)
        add_table(ve__kernels_fill_avx2, ve__search_fill_avx2, ve__i8_fill_avx2);
    if (features & VE__CPU_AVX512)
        add_table(ve__kernels_fill_avx512, ve__search_fill_avx512, ve__i8_fill_avx2);
    if (features & VE__CPU_AVX512_VNNI) {
        add_table(ve__kernels_fill_avx512, ve__search_fill_avx512, ve__i8_fill_avx512vnni);
        state.tables[state.count - 1].name = "avx512-vnni";
    }
#endif
#ifdef __aarch64__
    if (features & VE__CPU_NEON)
        add_table(ve__kernels_fill_neon, ve__search_fill_neon, ve__i8_fill_neon);
    if (features & VE__CPU_NEON_DOT) {
        add_table(ve__kernels_fill_neon, ve__search_fill_neon, ve__i8_fill_neondot);
        state.tables[state.count - 1].name = "neon-dot";
    }
#endif
}

static const ve__kernels *find_table(const char *name)
{
    for (unsigned i = 0; i < state.count; i++)
        if (strcmp(state.tables[i].name, name) == 0)
            return &state.tables[i];
    return NULL;
}

static void prepare(void)
{
    const char *forced = getenv("VE_FORCE_ISA");
    make_tables();
    if (!forced || !*forced) {
        state.chosen = &state.tables[state.count - 1];
        return;
    }
    state.chosen = find_table(forced);
    for (size_t i = 0; i + 1 < sizeof state.forced && forced[i]; i++)
        state.forced[i] = forced[i];
}

static void prepare_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
}

ve_status ve__kernels_select(const ve__kernels **kernels)
{
    prepare_once();
    if (!state.chosen)
        return ve__fail(VE_ERR_UNSUPPORTED, "VE_FORCE_ISA=%s: this CPU or this build has no such kernels",
                        state.forced);
    *kernels = state.chosen;
    return VE_OK;
}

const ve__kernels *ve__kernels_available(unsigned index)
{
    prepare_once();
    return index < state.count ? &state.tables[index] : NULL;
}
