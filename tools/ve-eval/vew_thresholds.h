/* SPDX-License-Identifier: MIT */
/* Puts a threshold table into a copy of a weight file. */
#ifndef VE_EVAL_VEW_THRESHOLDS_H
#define VE_EVAL_VEW_THRESHOLDS_H

#include <stddef.h>

#include "visembed.h"

/* Copies the weight file `from` to `to` (which may be the same) with these rows in the place of its table, and
 * `source` (what they were measured on) as the text thresholds_from. All else stays byte for byte, the
 * fingerprint too; only offsets move. The new file is opened and compared before it takes the name. Prints what
 * is wrong and returns -1 then. */
int vew_thresholds_write(const char *from, const char *to, const ve_threshold *rows, size_t count,
                         const char *source);

#endif
