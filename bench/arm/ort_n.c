/* SPDX-License-Identifier: MIT */
/* ort_n LIBRARY MODEL.onnx SIZE COUNT [OUT]: what embed_n does, with ONNX Runtime. */
#include <stdio.h>
#include <stdlib.h>

#include "../peers/onnxruntime.h"
#include "input.h"
#include "marks.h"

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: ort_n LIBRARY MODEL.onnx SIZE COUNT [OUT]\n");
        return 2;
    }
    const float *output = NULL;
    size_t dim = 0;
    unsigned size = (unsigned)strtoul(argv[3], NULL, 10), count = (unsigned)strtoul(argv[4], NULL, 10);
    float *input = make_input(size);
    ort_model *model = ort_open(argv[1], argv[2], 1);
    if (!input || !model)
        return 1;
    MARK(MARK_PASS);
    for (unsigned i = 0; i < count; i++) {
        if (ort_run(model, input, size, &output, &dim) != 0)
            return 1;
        MARK(MARK_PASS);
    }
    printf("version\t%s\n", ort_version(model));
    FILE *out = argc > 5 ? fopen(argv[5], "wb") : NULL;
    return out && (fwrite(output, sizeof *output, dim, out) != dim || fclose(out) != 0);
}
