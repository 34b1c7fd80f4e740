/* SPDX-License-Identifier: MIT */
/* The slot writer: records to slots, a window of them at a time. */
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "store/replay.h"
#include "store/seal.h"
#include "store/store.h"

/* Small enough to stay in the second-level cache between filling and writing, large enough for few calls. */
#define WINDOW_BYTES ((size_t)256 * 1024)

ve_status ve__slot_writer_make(ve__slot_writer *writer, const ve__io *io, const ve_store_seal *seal,
                               const ve__pages *key, const ve__store_header *header, const ve__file *file,
                               uint64_t first_slot, size_t slots_expected)
{
    memset(writer, 0, sizeof *writer);
    writer->io = io;
    writer->seal = header->is_sealed ? seal : NULL;
    writer->key = key;
    writer->header = header;
    writer->file = file;
    writer->payload_bytes = ve__store_payload_bytes(header->dim);
    writer->slot_bytes = ve__store_slot_bytes(header->dim);
    writer->first = first_slot;
    writer->capacity = WINDOW_BYTES / writer->slot_bytes;
    if (writer->capacity > slots_expected)
        writer->capacity = slots_expected ? slots_expected : 1;
    writer->window = ve__allocate(writer->capacity * writer->slot_bytes);
    if (!writer->window)
        return ve__fail(VE_ERR_MEMORY, "no memory to write %s", file->path);
    return VE_OK;
}

void ve__slot_writer_free(ve__slot_writer *writer)
{
    if (writer->window)
        ve__wipe(writer->window, writer->capacity * writer->slot_bytes);
    ve__release(writer->window);
    writer->window = NULL;
}

ve_status ve__slot_writer_flush(ve__slot_writer *writer)
{
    if (writer->used == 0)
        return VE_OK;
    VE_TRY(ve__io_write(writer->io, writer->file, ve__store_slot_offset(writer->header->dim, writer->first),
                        writer->window, writer->used * writer->slot_bytes));
    writer->first += writer->used;
    writer->used = 0;
    return VE_OK;
}

/* An empty slot in the window. */
static ve_status take(ve__slot_writer *writer, uint8_t **slot)
{
    if (writer->used == writer->capacity)
        VE_TRY(ve__slot_writer_flush(writer));
    *slot = writer->window + writer->used * writer->slot_bytes;
    memset(*slot, 0, writer->slot_bytes);
    return VE_OK;
}

/* The slot that `take` gave is filled: seal it, add checksums, count it. */
static ve_status put(ve__slot_writer *writer, uint8_t *bytes, const ve__slot *slot)
{
    uint64_t number = ve__slot_writer_next(writer);
    uint8_t *trailer = bytes + writer->payload_bytes;
    if (writer->seal && slot->kind != VE__SLOT_REMOVE) {
        ve__slot_encode_structure(slot, writer->header->salt, number, trailer);
        VE_TRY(ve__seal_slot(writer->seal, writer->key, writer->header, number, bytes));
    }
    ve__slot_encode(slot, writer->header->salt, number, bytes, writer->payload_bytes, trailer);
    writer->used++;
    return VE_OK;
}

/* Copies `size` bytes of label and metadata, one behind the other, from position `from` on. */
static void copy_text(const ve__staged *staged, size_t from, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size; i++, from++)
        out[i] = from < staged->label_length ? (uint8_t)staged->label[from]
                                             : ((const uint8_t *)staged->metadata)[from - staged->label_length];
}

static ve_status add_text(ve__slot_writer *writer, const ve__staged *staged, uint64_t commit, int is_last)
{
    size_t total = staged->label_length + staged->metadata_size;
    for (size_t from = VE__STORE_INLINE_TEXT; from < total; from += writer->payload_bytes) {
        size_t size = total - from < writer->payload_bytes ? total - from : writer->payload_bytes;
        uint8_t *bytes;
        int ends = is_last && from + size == total;
        ve__slot slot = {.kind = VE__SLOT_TEXT,
                         .flags = ends ? VE__SLOT_LAST : 0,
                         .id = staged->id,
                         .commit = commit,
                         .target = VE__NO_SLOT};
        VE_TRY(take(writer, &bytes));
        copy_text(staged, from, size, bytes);
        VE_TRY(put(writer, bytes, &slot));
    }
    return VE_OK;
}

ve_status ve__slot_writer_add(ve__slot_writer *writer, const ve__staged *staged, const float *vector,
                              uint64_t commit, int is_last)
{
    size_t total = staged->label_length + staged->metadata_size;
    uint8_t *bytes;
    ve__slot slot = {.kind = VE__SLOT_ADD,
                     .flags = is_last && staged->text_slots == 0 ? VE__SLOT_LAST : 0,
                     .text_slots = staged->text_slots,
                     .id = staged->id,
                     .commit = commit,
                     .target = staged->target};
    VE_TRY(take(writer, &bytes));
    uint8_t *trailer = bytes + writer->payload_bytes;
    memcpy(bytes, vector, writer->header->dim * sizeof *vector);
    ve__store_u16(trailer, (uint16_t)staged->label_length);
    ve__store_u32(trailer + 4, (uint32_t)staged->metadata_size);
    copy_text(staged, 0, total < VE__STORE_INLINE_TEXT ? total : VE__STORE_INLINE_TEXT, trailer + 8);
    VE_TRY(put(writer, bytes, &slot));
    return add_text(writer, staged, commit, is_last);
}

ve_status ve__slot_writer_remove(ve__slot_writer *writer, uint64_t id, uint64_t target, uint64_t commit,
                                 int is_last)
{
    uint8_t *bytes;
    ve__slot slot = {.kind = VE__SLOT_REMOVE,
                     .flags = is_last ? VE__SLOT_LAST : 0,
                     .id = id,
                     .commit = commit,
                     .target = target};
    VE_TRY(take(writer, &bytes));
    return put(writer, bytes, &slot);
}
