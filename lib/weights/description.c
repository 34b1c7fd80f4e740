/* SPDX-License-Identifier: MIT */
/* What must hold of a description, whether it comes from a file or goes into one. */
#include "weights/vew.h"

#include <string.h>

static int is_hex(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

static ve_status check_thresholds(const ve__description *about)
{
    for (uint32_t i = 0; i < about->threshold_count; i++) {
        const ve_threshold *t = &about->thresholds[i];
        if (!(t->false_accept_rate > 0.0f && t->false_accept_rate <= 1.0f) || !(t->similarity >= -1.0f) ||
            !(t->similarity <= 1.0f))
            return ve__fail(VE_ERR_FORMAT, "thresholds: row %lu is out of range", (unsigned long)i);
        if (i > 0 && !(t->false_accept_rate < t[-1].false_accept_rate))
            return ve__fail(VE_ERR_FORMAT, "thresholds: rates do not fall at row %lu", (unsigned long)i);
    }
    return VE_OK;
}

ve_status ve__vew_check(const ve__description *about)
{
    VE_TRY(ve__arch_check(&about->arch));
    VE_TRY(ve__preprocess_check(&about->preprocess));
    if (!is_hex(about->fingerprint, 64))
        return ve__fail(VE_ERR_FORMAT, "field fingerprint is not 64 hex digits");
    if (about->source_sha256[0] && !is_hex(about->source_sha256, 64))
        return ve__fail(VE_ERR_FORMAT, "field source_sha256 is not 64 hex digits");
    return check_thresholds(about);
}
