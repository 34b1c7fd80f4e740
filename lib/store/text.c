/* SPDX-License-Identifier: MIT */
/* Label and metadata: 40 bytes lie in the record's own slot, the rest in TEXT slots behind it. */
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "store/replay.h"
#include "store/store.h"

size_t ve__store_text_slots(size_t text_bytes, size_t payload_bytes)
{
    if (text_bytes <= VE__STORE_INLINE_TEXT)
        return 0;
    return (text_bytes - VE__STORE_INLINE_TEXT + payload_bytes - 1) / payload_bytes;
}

ve_status ve__record_text_make(ve__record_text *text)
{
    memset(text, 0, sizeof *text);
    text->bytes = ve__allocate(VE__MAX_TEXT);
    return text->bytes ? VE_OK : ve__fail(VE_ERR_MEMORY, "no memory to read a store's labels");
}

void ve__record_text_free(ve__record_text *text)
{
    ve__wipe(text->bytes, text->bytes ? VE__MAX_TEXT : 0);
    ve__release(text->bytes);
    text->bytes = NULL;
}

int ve__record_text_start(ve__record_text *text, const uint8_t *trailer, unsigned text_slots,
                          size_t payload_bytes)
{
    text->label_length = ve__load_u16(trailer);
    text->metadata_size = ve__load_u32(trailer + 4);
    text->slots_left = text_slots;
    if (text->label_length > VE_STORE_MAX_LABEL || text->metadata_size > VE_STORE_MAX_METADATA)
        return 0;
    text->wanted = text->label_length + text->metadata_size;
    if (ve__store_text_slots(text->wanted, payload_bytes) != text_slots)
        return 0;
    text->used = text->wanted < VE__STORE_INLINE_TEXT ? text->wanted : VE__STORE_INLINE_TEXT;
    memcpy(text->bytes, trailer + 8, text->used);
    return 1;
}

void ve__record_text_go_on(ve__record_text *text, const uint8_t *payload, size_t payload_bytes)
{
    size_t left = text->wanted - text->used, size = left < payload_bytes ? left : payload_bytes;
    memcpy(text->bytes + text->used, payload, size);
    text->used += size;
    text->slots_left--;
}
