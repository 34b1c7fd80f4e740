/* SPDX-License-Identifier: MIT */
/*
 * The depthwise entries of the kernel table, over depthwise_template.h. packed: for each vector of channels
 * what that one wants; where VEC_LANES is 16 and the padded channels leave 8 over, a half comes last.
 * DW_ROWS(name) and DW_LANES, where they are defined, name what stands in for a vector.
 */
#ifndef DW_ROWS
#define DW_ROWS(name) vec_##name
#define DW_LANES      VEC_LANES
#endif

static size_t depthwise_bytes(unsigned channels)
{
    return (size_t)ve__padded(channels) * 50 * sizeof(float);
}

static VE__COLD void depthwise_pack(const float *weights, const float *bias, unsigned channels, void *packed)
{
    float *to = packed;
    memset(to, 0, depthwise_bytes(channels));
    for (unsigned c = 0; c < channels; c += DW_LANES, to += 50 * DW_LANES) {
        unsigned lanes = ve__padded(channels) - c < DW_LANES ? ve__padded(channels) - c : DW_LANES;
        unsigned used = channels - c < lanes ? channels - c : lanes;
        memcpy(to, bias + c, used * sizeof(float));
        for (unsigned tap = 0; tap < 49; tap++)
            memcpy(to + (size_t)(1 + tap) * lanes, weights + (size_t)tap * channels + c, used * sizeof(float));
    }
}

/* Strips of outputs outermost, so that their input stays in the first-level cache for all the channels. */
static void depthwise(const float *x, ptrdiff_t row_stride, unsigned ky_first, unsigned ky_end,
                      unsigned channels, const void *packed, unsigned count, float *out)
{
    const unsigned strip = 14, padded = ve__padded(channels), vectors = padded / DW_LANES;
    for (unsigned p = 0; p < count; p += strip) {
        size_t offset = (size_t)p * padded;
        unsigned n = count - p < strip ? count - p : strip;
        DW_ROWS(place)
        at = {x + offset, row_stride, (ptrdiff_t)padded, ky_first, ky_end - ky_first,
              vectors,    packed,     out + offset};
        DW_ROWS(depthwise)(at, n);
#if VEC_LANES == 16
        const unsigned done = vectors * VEC_LANES;
        half_place rest = {
            at.x + done,  row_stride, at.padded, ky_first, at.rows, 1, at.packed + (size_t)50 * done,
            at.out + done};
        if (done < padded)
            half_depthwise(rest, n);
#endif
    }
}
