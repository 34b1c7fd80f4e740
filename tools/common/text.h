/* SPDX-License-Identifier: MIT */
/* Text for people and for JSON readers. */
#ifndef VE_TOOLS_TEXT_H
#define VE_TOOLS_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* Reads one character of UTF-8. Returns its length in bytes, 1 to 4, and the character in *code; 0 where text
 * does not start with a valid one (overlong forms, surrogates and numbers above U+10FFFF are not) or is at its
 * end. */
size_t text_read_utf8(const char *text, uint32_t *code);

/* Writes text as a JSON string, quotes included. File names may hold any bytes: what is not UTF-8 becomes
 * U+FFFD. */
void text_write_json(FILE *out, const char *text);

/* Reads a decimal number between low and high that fills the whole text. 0, or -1 when it is not one. */
int text_read_number(const char *text, unsigned long low, unsigned long high, unsigned long *number);

#endif
