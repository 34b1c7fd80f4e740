/* SPDX-License-Identifier: MIT */
/* Chooses the matrix kernels (gemm.h). */
#include "gemm.h"

#include <string.h>

static int is_usable(const gemm_kernels *kernels)
{
#ifdef TRAIN_F32
    (void)kernels;
    return __builtin_cpu_supports("avx512f");
#else
    if (kernels == &gemm_amx)
        return gemm_amx_is_usable();
    return __builtin_cpu_supports("avx512bf16") != 0;
#endif
}

const gemm_kernels *gemm_choose(const char *name)
{
#ifdef TRAIN_F32
    static const gemm_kernels *const all[] = {&gemm_f32};
#else
    static const gemm_kernels *const all[] = {&gemm_amx, &gemm_bf16};
#endif
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if ((!name || strcmp(name, all[i]->name) == 0) && is_usable(all[i]))
            return all[i];
    return NULL;
}
