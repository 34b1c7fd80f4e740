/* SPDX-License-Identifier: MIT */
/* Makes a crop worse in the ways of cameras and life; the target stays the clean picture's, so that the network
 * learns to see through it. */
#ifndef TRAIN_DEGRADE_H
#define TRAIN_DEGRADE_H

#include <stdint.h>

/* out (CROP_BYTES) = crop, with each harm at its own chance: crooked alignment, low resolution, blur, bad light
 * with noise, no colour, something in front of the face. */
void degrade(const uint8_t *crop, uint8_t *out, uint64_t *state);

#endif
