/* SPDX-License-Identifier: MIT */
/* The public objects, and what the files of api/ share. */
#ifndef VE_API_OBJECTS_H
#define VE_API_OBJECTS_H

#include "base/status.h"
#include "net/net.h"
#include "weights/weights.h"

struct ve_model {
    ve__net *net;
    ve__arch arch;
    ve__preprocess preprocess;
    ve_threshold *thresholds;
    size_t threshold_count;
    char name[128];
    char weight_type[16];
    char fingerprint[65];
};

/* Copies an option struct of the caller's version into `ours` (our_size bytes, zeroed first). A caller that is
 * newer than the library may use only fields that the library knows: VE_ERR_UNSUPPORTED when a byte behind them
 * is not zero. NULL gives all defaults. Idea: Linux's copy_struct_from_user(). */
ve_status ve__options_copy(void *ours, size_t our_size, const void *theirs, size_t smallest_size);

#endif
