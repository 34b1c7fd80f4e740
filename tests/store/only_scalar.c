/* SPDX-License-Identifier: MIT */
/* For tests/integration/store-machines.sh: the kernel table with nothing but the store's search in plain C, so
 * that the store can be built without the network's kernels. */
#include "kernels/kernels.h"

ve_status ve__kernels_select(const ve__kernels **kernels)
{
    static ve__kernels table = {.name = "scalar"};
    ve__search_fill_scalar(&table.search);
    *kernels = &table;
    return VE_OK;
}
