/* SPDX-License-Identifier: MIT */
/* Which size a picture is resized to and which part of that becomes the network's input, by the rules of timm's
 * evaluation transforms and torchvision's Resize and CenterCrop. */
#ifndef VE_IMAGE_CROP_H
#define VE_IMAGE_CROP_H

#include "image/filter.h"

typedef struct ve__crop_plan {
    ve__axis horizontal, vertical;
    uint32_t left, top; /* where the wanted part lies in the input; around it is the fill colour */
} ve__crop_plan;

/* For a picture of checked size. */
void ve__crop_make(const ve__preprocess *preprocess, uint32_t width, uint32_t height, ve__crop_plan *plan);
/* No picture within the limits shrinks by more than this, either way. */
double ve__crop_max_ratio(const ve__preprocess *preprocess);
/* The colour of whatever the picture does not cover. */
void ve__crop_fill(const ve__preprocess *preprocess, uint8_t fill[3]);

#endif
