/* SPDX-License-Identifier: MIT */
/* How near a written file comes to the same checkpoint in f32, on pictures. */
#ifndef VE_EXPORT_REPORT_H
#define VE_EXPORT_REPORT_H

#include "pictures.h"
#include "weights/weights.h"

#include <stdio.h>

/* Both are run through the library on every picture, prepared as the model says. A file with weights of 8 bits
 * is computed in 8 bits, whatever this CPU would choose. */
ve_status report_nearness(const ve__weights *reference, const char *written, const pictures *p, FILE *out);

#endif
