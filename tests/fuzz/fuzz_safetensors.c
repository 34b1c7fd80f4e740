/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a .safetensors file, through everything that ve-export does before it writes.
 * The length of the header is made to fit where the input starts with '{'. */
#include <stdlib.h>
#include <string.h>

#include "../../tools/ve-export/checkpoint.h"
#include "../../tools/ve-export/family.h"
#include "../../tools/ve-export/plan.h"
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const unsigned char *bytes, size_t size)
{
    static const plan_options options = {0, VE__TYPE_F32, NULL};
    checkpoint c;
    family_map map;
    plan p;
    config none;
    memset(&c, 0, sizeof c);
    memset(&map, 0, sizeof map);
    memset(&p, 0, sizeof p);
    memset(&none, 0, sizeof none);
    if (checkpoint_open_memory(bytes, size, &c) == VE_OK && family_recognise(&c, &map) == VE_OK)
        (void)plan_make(&map, &none, &options, &p);
    plan_free(&p);
    family_free(&map);
    checkpoint_close(&c);
}

/* Puts a length before a bare header, which ends at the last brace. */
static void read_with_length(const uint8_t *data, size_t size)
{
    size_t header_bytes = size;
    unsigned char *bytes = malloc(size + 8);
    if (!bytes)
        return;
    while (header_bytes > 0 && data[header_bytes - 1] != '}')
        header_bytes--;
    ve__store_u64(bytes, header_bytes);
    memcpy(bytes + 8, data, size);
    read_all(bytes, size + 8);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '{')
        read_with_length(data, size);
    else
        read_all(data, size);
    return 0;
}
