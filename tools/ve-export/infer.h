/* SPDX-License-Identifier: MIT */
/* Reads an architecture off a checkpoint's translated names and their shapes. */
#ifndef VE_EXPORT_INFER_H
#define VE_EXPORT_INFER_H

#include "config.h"
#include "family.h"

/* Everything but the final norm, the head and embedding_kind. */
ve_status infer_trunk(const family_map *map, const config *c, ve__arch *arch);

/* "convnext_atto", "convnextv2_tiny"; "convnext" for sizes without a name. */
void infer_name(const ve__arch *arch, char *name, size_t size);

/* torchvision resizes the shorter side to a length of its own for each size. */
void infer_torchvision_resize(const ve__arch *arch, ve__preprocess *preprocess);

#endif
