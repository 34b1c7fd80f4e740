/* SPDX-License-Identifier: MIT */
/* 95 % intervals by the bootstrap. People are drawn again, with replacement, not comparisons: those of one
 * picture or one person are not independent of each other. */
#ifndef VE_EVAL_RESAMPLE_H
#define VE_EVAL_RESAMPLE_H

#include "figures.h"

/* Fills true_interval and false_interval of every measurable point. Draws go to plan->threads threads; the
 * result does not depend on their number. */
int resample_points(figures *result, const evidence *all, const figure_plan *plan);

#endif
