/* SPDX-License-Identifier: MIT */
/* Reading a record that is spread over an ADD slot and its TEXT slots; shared by replay and recovery. */
#ifndef VE_STORE_REPLAY_H
#define VE_STORE_REPLAY_H

#include "store/table.h"

/* Label and metadata of the record being read, and where its parts are. */
typedef struct ve__record_text {
    uint8_t *bytes; /* room for the longest */
    size_t used, wanted;
    size_t label_length, metadata_size;
    unsigned slots_left;
} ve__record_text;

#define VE__MAX_TEXT (VE_STORE_MAX_LABEL + VE_STORE_MAX_METADATA)

ve_status ve__record_text_make(ve__record_text *text);
void ve__record_text_free(ve__record_text *text);
/* Starts with the private part of an ADD slot; false when its numbers break the rules. */
int ve__record_text_start(ve__record_text *text, const uint8_t *trailer, unsigned text_slots,
                          size_t payload_bytes);
/* Goes on with a TEXT slot's payload. */
void ve__record_text_go_on(ve__record_text *text, const uint8_t *payload, size_t payload_bytes);

#endif
