/* SPDX-License-Identifier: MIT */
/* Text for people and for JSON readers. */
#include <errno.h>
#include <stdlib.h>

#include "common/text.h"

static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if ((first & 0xF0) == 0xE0)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

size_t text_read_utf8(const char *text, uint32_t *code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = *bytes ? sequence_length(*bytes) : 0;
    if (length == 0)
        return 0;
    uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3Fu);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return length;
}

static void write_json_character(FILE *out, const char *text, size_t length, uint32_t code)
{
    if (code == '"' || code == '\\')
        fprintf(out, "\\%c", (int)code);
    else if (code < 0x20 || code == 0x7F)
        fprintf(out, "\\u%04x", (unsigned)code);
    else
        fwrite(text, 1, length, out);
}

void text_write_json(FILE *out, const char *text)
{
    putc('"', out);
    while (*text) {
        uint32_t code;
        size_t length = text_read_utf8(text, &code);
        if (length)
            write_json_character(out, text, length, code);
        else
            fputs("\\ufffd", out);
        text += length ? length : 1;
    }
    putc('"', out);
}

int text_read_number(const char *text, unsigned long low, unsigned long high, unsigned long *number)
{
    char *end;
    /* strtoul would take spaces and signs. */
    if (*text < '0' || *text > '9')
        return -1;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || value < low || value > high)
        return -1;
    *number = value;
    return 0;
}
