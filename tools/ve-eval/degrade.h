/* SPDX-License-Identifier: MIT */
/* Bad conditions, made of good pictures: low light, noise, blur and their like. Each is a formula on the 8-bit
 * pixels of an aligned crop; random numbers come from the picture's name and the pixel's number, so that a
 * picture degrades to the same bytes in every run. The man page has the formulas. */
#ifndef VE_EVAL_DEGRADE_H
#define VE_EVAL_DEGRADE_H

#include <stddef.h>
#include <stdint.h>

typedef enum condition {
    CONDITION_NONE,
    CONDITION_DARK,
    CONDITION_BRIGHT,
    CONDITION_NOISE,
    CONDITION_GRAY,
    CONDITION_BLUR32,
    CONDITION_COVERED,
    CONDITION_COUNT
} condition;

/* "none", "dark" ... */
const char *condition_name(condition which);
/* -1 for an unknown name. */
int condition_find(const char *name, condition *which);

/* Changes width x height RGB pixels in place. name: of the picture, the seed. 0, or -1 without memory. */
int degrade(condition which, const char *name, uint8_t *rgb, uint32_t width, uint32_t height);

#endif
