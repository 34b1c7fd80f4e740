/* SPDX-License-Identifier: MIT */
/* Moves a checkpoint's tensors into a .vew file: element types to float, layouts to ours, row by row, so that
 * memory does not grow with the checkpoint. */
#ifndef VE_EXPORT_CONVERT_H
#define VE_EXPORT_CONVERT_H

#include "calibrate.h"
#include "plan.h"
#include "progress.h"
#include "vew_write.h"

/* All tensors of the plan, in order. Values that are not finite are refused. seen: with it, weights of 8 bits
 * are rounded as rounding.h says; NULL: each to the nearest. */
ve_status convert_all(const plan *p, const calibration *seen, vew_writer *writer, progress *shown);

#endif
