/* SPDX-License-Identifier: MIT */
/* Binary PGM and PPM files: "P5" or "P6", width, height and maximum as decimal numbers with white space and
 * #-comments in between, exactly one white space, samples row by row. */
#include "image/pnm.h"

#include "image/image.h"

enum { MAX_SAMPLE = 65535 };

typedef struct header {
    uint32_t channels, width, height, maximum;
    size_t bytes; /* where the samples begin */
} header;

int ve__pnm_is(const uint8_t *bytes, size_t size)
{
    return size >= 2 && bytes[0] == 'P' && (bytes[1] == '5' || bytes[1] == '6');
}

static int is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_blank(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size && (is_space(bytes[at]) || bytes[at] == '#')) {
        if (bytes[at] == '#')
            while (at < size && bytes[at] != '\n' && bytes[at] != '\r')
                at++;
        else
            at++;
    }
    return at;
}

/* White space and a number of at most nine digits. */
static ve_status read_number(const uint8_t *bytes, size_t size, size_t *at, const char *what, uint32_t *number)
{
    size_t first = skip_blank(bytes, size, *at), i = first;
    uint32_t value = 0;
    for (; i < size && is_digit(bytes[i]); i++) {
        if (i - first == 9)
            return ve__fail(VE_ERR_FORMAT, "PNM: the %s has more than nine digits", what);
        value = value * 10 + (uint32_t)(bytes[i] - '0');
    }
    if (i == first || first == *at)
        return ve__fail(VE_ERR_FORMAT, "PNM: the header has no %s", what);
    *at = i;
    *number = value;
    return VE_OK;
}

static ve_status read_header(const uint8_t *bytes, size_t size, header *head)
{
    size_t at = 2;
    head->channels = bytes[1] == '6' ? 3 : 1;
    VE_TRY(read_number(bytes, size, &at, "width", &head->width));
    VE_TRY(read_number(bytes, size, &at, "height", &head->height));
    VE_TRY(read_number(bytes, size, &at, "maximum", &head->maximum));
    if (head->maximum == 0 || head->maximum > MAX_SAMPLE)
        return ve__fail(VE_ERR_FORMAT, "PNM: a maximum of %u, not 1 to %d", head->maximum, MAX_SAMPLE);
    if (at == size || !is_space(bytes[at]))
        return ve__fail(VE_ERR_FORMAT, "PNM: no white space behind the maximum");
    head->bytes = at + 1;
    return ve__image_check_size(head->width, head->height);
}

ve_status ve__pnm_peek(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    header head;
    VE_TRY(read_header(bytes, size, &head));
    *width = head.width;
    *height = head.height;
    return VE_OK;
}

/* Sample i, scaled to 0 ... 255 and rounded to nearest; above the maximum counts as the maximum. */
static uint8_t sample(const uint8_t *samples, size_t i, uint32_t maximum)
{
    uint32_t value = maximum > 255 ? (uint32_t)samples[2 * i] << 8 | samples[2 * i + 1] : samples[i];
    if (value > maximum)
        value = maximum;
    return (uint8_t)((value * 255 + maximum / 2) / maximum);
}

ve_status ve__pnm_decode(const uint8_t *bytes, size_t size, ve_image **image)
{
    header head;
    ve_image *made = NULL;
    VE_TRY(read_header(bytes, size, &head));
    size_t pixels = (size_t)head.width * head.height;
    size_t needed = pixels * head.channels * (head.maximum > 255 ? 2 : 1);
    if (size - head.bytes < needed)
        return ve__fail(VE_ERR_FORMAT, "PNM: cut short, %zu of %zu bytes of samples", size - head.bytes,
                        needed);
    VE_TRY(ve__image_create(head.width, head.height, &made));
    const uint8_t *samples = bytes + head.bytes;
    for (size_t i = 0; i < 3 * pixels; i++)
        made->pixels[i] = sample(samples, head.channels == 3 ? i : i / 3, head.maximum);
    *image = made;
    return VE_OK;
}
