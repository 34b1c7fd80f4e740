/* SPDX-License-Identifier: MIT */
/* Option structs that may grow: the caller's and the library's versions need not be the same. */
#include <string.h>

#include "api/objects.h"

/* No version's struct comes near this. A larger size was never set, and reading that many bytes would end
 * behind the caller's memory. */
#define LARGEST_OPTIONS 4096u

ve_status ve__options_copy(void *ours, size_t our_size, const void *theirs, size_t smallest_size)
{
    uint32_t their_size;
    memset(ours, 0, our_size);
    if (!theirs)
        return VE_OK;
    memcpy(&their_size, theirs, sizeof their_size);
    if (their_size < smallest_size)
        return ve__fail(VE_ERR_ARGUMENT,
                        "struct_size is %u, less than the first version's %zu: use the ..._INIT macro",
                        their_size, smallest_size);
    if (their_size > LARGEST_OPTIONS)
        return ve__fail(VE_ERR_ARGUMENT, "struct_size is %u, more than any version's: use the ..._INIT macro",
                        their_size);
    const unsigned char *bytes = theirs;
    for (size_t i = our_size; i < their_size; i++)
        if (bytes[i] != 0)
            return ve__fail(VE_ERR_UNSUPPORTED,
                            "an option that this version of the library does not know is set");
    memcpy(ours, theirs, their_size < our_size ? their_size : our_size);
    return VE_OK;
}
