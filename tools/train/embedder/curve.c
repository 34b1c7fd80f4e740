/* SPDX-License-Identifier: MIT */
/* See curve.h. */
#include "curve.h"

#include <stdio.h>

#include "base.h"

void curve_append(const char *path, const curve_point *point, const held_out *evaluation)
{
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!path)
        return;
    if (!file)
        fail("cannot write %s", path);
    fseek(file, 0, SEEK_END);
    if (ftell(file) == 0)
        fputs("images,seconds,px,rate,distil,relational,margin,gradient,images_per_cpu_second,held_tar_1e-3,"
              "held_tar_1e-2\n",
              file);
    fprintf(file, "%ld,%.0f,%d,%.3e,%.5f,%.6f,%.4f,%.4f,%.1f,", point->images, point->seconds, point->side,
            point->rate, point->losses.distil, point->losses.relational, point->losses.margin,
            point->losses.gradient_length, point->per_cpu_second);
    if (evaluation)
        fprintf(file, "%.4f,%.4f\n", evaluation->tar3, evaluation->tar2);
    else
        fputs(",\n", file);
    if (fclose(file) != 0)
        fail("cannot write %s", path);
}
