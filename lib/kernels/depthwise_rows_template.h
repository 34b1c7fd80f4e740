/* SPDX-License-Identifier: MIT */
/*
 * The depthwise entries of the kernel table, over depthwise_template.h. packed: for each vector of channels
 * what that one wants; where VEC_LANES is 16 and the padded channels leave 8 over, a half comes last.
 */

static size_t depthwise_bytes(unsigned channels)
{
    return (size_t)ve__padded(channels) * 50 * sizeof(float);
}

static void depthwise_pack(const float *weights, const float *bias, unsigned channels, void *packed)
{
    float *to = packed;
    memset(to, 0, depthwise_bytes(channels));
    for (unsigned c = 0; c < channels; c += VEC_LANES, to += 50 * VEC_LANES) {
        unsigned lanes = ve__padded(channels) - c < VEC_LANES ? ve__padded(channels) - c : VEC_LANES;
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
    const unsigned strip = 14, padded = ve__padded(channels);
    for (unsigned p = 0; p < count; p += strip) {
        const float *weights = packed;
        size_t offset = (size_t)p * padded;
        unsigned n = count - p < strip ? count - p : strip, c = 0;
        for (; c + VEC_LANES <= padded; c += VEC_LANES, weights += 50 * VEC_LANES)
            vec_depthwise(x + offset + c, row_stride, ky_first, ky_end, (ptrdiff_t)padded, weights, n,
                          out + offset + c);
#if VEC_LANES == 16
        if (c < padded)
            half_depthwise(x + offset + c, row_stride, ky_first, ky_end, (ptrdiff_t)padded, weights, n,
                           out + offset + c);
#endif
    }
}
