/* SPDX-License-Identifier: MIT */
/* What is accepted: thresholds and names. */
#include <math.h>
#include <string.h>

#include "common/text.h"
#include "decide.h"
#include "report.h"

/* Rates fall and similarities rise from row to row; 1.001 leaves room for rounding in the file. */
static auth_outcome threshold_for_rate(const auth_settings *settings, const ve_threshold *rows, size_t count,
                                       float *threshold)
{
    double rate = settings->false_accept_rate > 0 ? settings->false_accept_rate : (double)FALSE_ACCEPT_RATE;
    if (count == 0 || (double)rows[count - 1].false_accept_rate > rate * 1.001)
        return report(
            settings, TROUBLE, "no_threshold", NULL,
            "this model has no threshold measured for a false accept rate of %g: is it a face embedder? "
            "--threshold sets one",
            rate);
    if ((double)rows[0].false_accept_rate < rate * 0.999)
        return report(settings, TROUBLE, "no_threshold", NULL,
                      "a false accept rate of %g is looser than any that was measured for this model (%g)",
                      rate, (double)rows[0].false_accept_rate);
    size_t i = 0;
    while ((double)rows[i].false_accept_rate > rate * 1.001)
        i++;
    *threshold = rows[i].similarity;
    if (i > 0 && (double)rows[i].false_accept_rate < rate * 0.999) {
        double above = log((double)rows[i - 1].false_accept_rate),
               below = log((double)rows[i].false_accept_rate);
        double share = (above - log(rate)) / (above - below);
        *threshold = (float)((double)rows[i - 1].similarity +
                             share * ((double)rows[i].similarity - (double)rows[i - 1].similarity));
    }
    return ACCEPTED;
}

auth_outcome decide_threshold(const auth_settings *settings, const ve_model *model, float *threshold)
{
    const ve_threshold *rows = NULL;
    size_t count = ve_model_thresholds(model, &rows);
    if (settings->has_threshold) {
        if (count && settings->threshold < rows[0].similarity)
            report_note(settings, "warning: with threshold %.3g more than %.2g of all strangers are accepted",
                        (double)settings->threshold, (double)rows[0].false_accept_rate);
        *threshold = settings->threshold;
        return ACCEPTED;
    }
    return threshold_for_rate(settings, rows, count, threshold);
}

/* Characters that are not seen, are seen as a space but are none, or change how their neighbours are shown: two
 * names must not look the same because of them. (Letters that look alike, and accents written as characters of
 * their own, are let through: many languages need them.) */
static int is_invisible(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},        /* control characters */
        {0x7F, 0x9F},        /* and the second set of them */
        {0xA0, 0xA0},        /* no-break space */
        {0xAD, 0xAD},        /* soft hyphen */
        {0x034F, 0x034F},    /* grapheme joiner */
        {0x061C, 0x061C},    /* Arabic letter mark */
        {0x115F, 0x1160},    /* Hangul fillers */
        {0x1680, 0x1680},    /* Ogham space */
        {0x17B4, 0x17B5},    /* Khmer inherent vowels */
        {0x180B, 0x180F},    /* Mongolian selectors and vowel separator */
        {0x2000, 0x200F},    /* spaces, zero-width characters and direction marks */
        {0x2028, 0x202F},    /* line separators, direction embeddings and overrides, narrow space */
        {0x205F, 0x206F},    /* mathematical space, word joiner, isolates and other formats */
        {0x2800, 0x2800},    /* empty Braille pattern */
        {0x3000, 0x3000},    /* ideographic space */
        {0x3164, 0x3164},    /* Hangul filler */
        {0xE000, 0xF8FF},    /* private use */
        {0xFE00, 0xFE0F},    /* variation selectors */
        {0xFEFF, 0xFEFF},    /* byte order mark */
        {0xFFA0, 0xFFA0},    /* Hangul filler */
        {0xFFF0, 0xFFFF},    /* annotations, replacement character, non-characters */
        {0x1D173, 0x1D17A},  /* musical formats */
        {0xE0000, 0x10FFFF}, /* tags, variation selectors, private use */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return 1;
    return 0;
}

const char *decide_name_problem(const char *name)
{
    size_t length = strlen(name);
    if (length == 0)
        return "a name cannot be empty";
    if (length > VE_STORE_MAX_LABEL)
        return "a name cannot be longer than 255 bytes";
    if (name[0] == ' ' || name[length - 1] == ' ')
        return "a name cannot begin or end with a space";
    while (*name) {
        uint32_t code;
        size_t bytes = text_read_utf8(name, &code);
        if (bytes == 0)
            return "the name is not valid UTF-8";
        if (is_invisible(code))
            return "the name has a control character, an invisible one or an unusual space in it";
        name += bytes;
    }
    return NULL;
}
