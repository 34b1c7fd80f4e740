/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a store file: open, read everything, search, check, recover. The slots'
 * checksums are made to fit, or nothing behind them would ever be reached; every fourth input keeps its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "store/format.h"
#include "visembed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The two checksums of every slot, as ve__slot_encode makes them from what the slot says. */
static void fit_slots(uint8_t *bytes, size_t size, const ve__store_header *header)
{
    size_t payload = ve__store_payload_bytes(header->dim), slot_bytes = ve__store_slot_bytes(header->dim);
    uint64_t number = 0;
    for (size_t at = VE__STORE_HEADER_BYTES; at + slot_bytes <= size; at += slot_bytes, number++) {
        ve__slot slot;
        uint8_t *trailer = bytes + at + payload;
        ve__slot_decode(bytes + at, payload, trailer, header->salt, number, &slot);
        slot.state &= 1;
        ve__slot_encode(&slot, header->salt, number, bytes + at, payload, trailer);
    }
}

static void fit(uint8_t *bytes, size_t size)
{
    ve__store_header header;
    if (size < VE__STORE_HEADER_BYTES)
        return;
    ve__store_u32(bytes + VE__STORE_COPY_BYTES - 4, ve__crc32c(0, bytes, VE__STORE_COPY_BYTES - 4));
    memcpy(bytes + VE__STORE_SECOND_COPY, bytes, VE__STORE_COPY_BYTES);
    if (ve__store_header_decode(bytes, size, 0, "input", &header) == VE_OK)
        fit_slots(bytes, size, &header);
}

static void use(ve_store *store)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    ve_store_record record = {.id = 0};
    ve_match matches[5];
    size_t found;
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_store_get_info(store, &info);
    float *vector = calloc(info.dim, sizeof *vector);
    char *metadata = malloc(VE_STORE_MAX_METADATA);
    while (vector && metadata && ve_store_next(store, record.id, &record, vector) == VE_OK)
        ve_store_get_metadata(store, record.id, metadata, VE_STORE_MAX_METADATA, &found);
    options.k = 5;
    if (vector) {
        vector[0] = 1;
        ve_store_search(store, vector, 1, &options, matches, &found);
    }
    free(vector);
    free(metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], saved[72];
    ve_store *store = NULL;
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    ve_store_report report = VE_STORE_REPORT_INIT;
    uint8_t *bytes = malloc(size ? size : 1);
    snprintf(path, sizeof path, "%s/ve-fuzz-%ld.ves", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (long)getpid());
    snprintf(saved, sizeof saved, "%s.new", path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!bytes || file < 0)
        abort();
    memcpy(bytes, data, size);
    if (size == 0 || data[size - 1] % 4 != 3)
        fit(bytes, size);
    if (write(file, bytes, size) != (ssize_t)size)
        abort();
    close(file);
    options.flags = VE_STORE_READ_ONLY | (size % 2 ? VE_STORE_CODES : 0);
    ve_status opened = ve_store_open(path, &options, &store);
    if (opened == VE_OK)
        use(store);
    ve_store_close(store);
    ve_store_check(path, NULL, &report);
    unlink(saved);
    if (ve_store_recover(path, saved, NULL, &report) == VE_OK) {
        store = NULL;
        if (ve_store_open(saved, &options, &store) != VE_OK)
            abort(); /* what recovery makes is sound */
        ve_store_close(store);
    }
    unlink(saved);
    unlink(path);
    free(bytes);
    return 0;
}
