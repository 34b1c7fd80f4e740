/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a .vew file. The checksums are made to fit, or nothing behind them would ever
 * be reached; every fourth input keeps its own. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "weights/vew.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(unsigned char *bytes, size_t size)
{
    if (size < VE__VEW_HEADER_BYTES)
        return;
    size_t header_bytes = ve__load_u32(bytes + VE__VEW_AT_HEADER_BYTES);
    ve__store_u64(bytes + VE__VEW_AT_FILE_BYTES, size);
    if (header_bytes < VE__VEW_HEADER_BYTES || header_bytes > size)
        return;
    ve__store_u32(bytes + VE__VEW_AT_HEADER_CRC, 0);
    ve__store_u32(bytes + VE__VEW_AT_HEADER_CRC, ve__crc32c(0, bytes, header_bytes));
}

static void read_all(const ve__weights *weights)
{
    for (size_t i = 0; i < ve__weights_tensor_count(weights); i++) {
        const ve__tensor *tensor = ve__weights_tensor(weights, i);
        float *out = malloc(tensor->count * sizeof *out);
        if (out)
            (void)ve__weights_read(weights, tensor, out);
        free(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ve__weights *weights = NULL;
    unsigned char *bytes = malloc(size ? size : 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    if (size == 0 || data[size - 1] % 4 != 3)
        seal(bytes, size);
    if (ve__weights_open_memory(bytes, size, &weights) == VE_OK)
        read_all(weights);
    ve__weights_close(weights);
    free(bytes);
    return 0;
}
