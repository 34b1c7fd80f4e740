/* SPDX-License-Identifier: MIT */
/* Descriptions for people: of a checkpoint, of a .vew file, of a plan. */
#ifndef VE_EXPORT_DESCRIBE_H
#define VE_EXPORT_DESCRIBE_H

#include "plan.h"

#include <stdio.h>

/* "112x112, bicubic, center crop 0.875, mean 0.5 0.5 0.5, std 0.5 0.5 0.5" */
void describe_preprocess(const ve__preprocess *preprocess, char *text, size_t size);
/* Tables of --info. */
ve_status describe_vew(const char *path, FILE *out);
/* p NULL: not recognised, why says so. */
void describe_checkpoint(const checkpoint *c, const family_map *map, const plan *p, const config *files,
                         const char *why, FILE *out);

#endif
