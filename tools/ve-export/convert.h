/* SPDX-License-Identifier: MIT */
/* Moves a checkpoint's tensors into a .vew file: element types to float, layouts to ours, row by row, so that
 * memory does not grow with the checkpoint. */
#ifndef VE_EXPORT_CONVERT_H
#define VE_EXPORT_CONVERT_H

#include "plan.h"
#include "progress.h"
#include "vew_write.h"

/* All tensors of the plan, in order. Values that are not finite are refused. */
ve_status convert_all(const plan *p, vew_writer *writer, progress *shown);

#endif
