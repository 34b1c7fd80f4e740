/* SPDX-License-Identifier: MIT */
/* For tests/integration/store-machines.sh, which builds it for several machines: `show STORE` prints all that a
 * store holds, to the bit; `grow STORE` adds, replaces, removes and compacts. */
#include <stdio.h>
#include <string.h>

#include "visembed.h"

static int show(ve_store *store, uint32_t dim)
{
    static float vector[VE_MAX_DIM];
    static unsigned char metadata[VE_STORE_MAX_METADATA];
    ve_store_record record = {.id = 0};
    size_t size;
    while (ve_store_next(store, record.id, &record, vector) == VE_OK) {
        uint32_t sum = 0, bits;
        if (ve_store_get_metadata(store, record.id, metadata, sizeof metadata, &size) != VE_OK)
            return 1;
        for (size_t i = 0; i < size; i++)
            sum = sum * 31 + metadata[i];
        for (uint32_t i = 0; i < dim; i++) {
            memcpy(&bits, &vector[i], sizeof bits);
            sum = sum * 31 + bits;
        }
        printf("%llu %s %zu %08x\n", (unsigned long long)record.id, record.label, size, sum);
    }
    return 0;
}

static int grow(ve_store *store, uint32_t dim)
{
    static float vector[VE_MAX_DIM];
    char metadata[100];
    uint64_t ids[3];
    memset(metadata, 'm', sizeof metadata);
    for (uint32_t i = 0; i < dim; i++)
        vector[i] = 1.0f + (float)(i % 7) * 0.25f;
    ve_store_entry entry = {
        .vector = vector, .dim = dim, .label = "moved", .metadata = metadata, .metadata_size = sizeof metadata};
    for (int i = 0; i < 3; i++)
        if (ve_store_add(store, &entry, &ids[i]) != VE_OK)
            return 1;
    entry.metadata_size = 3;
    return ve_store_replace(store, ids[0], &entry) != VE_OK || ve_store_remove(store, ids[1]) != VE_OK ||
           ve_store_compact(store) != VE_OK || ve_store_remove(store, ids[2]) != VE_OK;
}

int main(int argc, char **argv)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store *store = NULL;
    if (argc != 3)
        return 2;
    if (ve_store_open(argv[2], &options, &store) != VE_OK || ve_store_get_info(store, &info) != VE_OK) {
        fprintf(stderr, "%s\n", ve_last_error());
        return 1;
    }
    int result = strcmp(argv[1], "grow") == 0 ? grow(store, info.dim) : show(store, info.dim);
    ve_store_close(store);
    return result;
}
