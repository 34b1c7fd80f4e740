/* SPDX-License-Identifier: MIT */
/* make_model ARCH SIZE f32|f16 FILE: a weight file with random weights, for benchmarks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/ve-bench/random_model.h"

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: make_model ARCH SIZE f32|f16 FILE\narchitectures: %s\n", random_model_names);
        return 2;
    }
    unsigned size = (unsigned)strtoul(argv[2], NULL, 10);
    if (random_model_write(argv[1], size, strcmp(argv[3], "f16") == 0, argv[4]) != VE_OK) {
        fprintf(stderr, "make_model: %s\n", ve_last_error());
        return 1;
    }
    return 0;
}
