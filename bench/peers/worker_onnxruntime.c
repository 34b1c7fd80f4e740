/* SPDX-License-Identifier: MIT */
/* worker_onnxruntime LIBRARY MODEL.onnx SIZE THREADS INPUT OUTPUT: ONNX Runtime in bench-peers. */
#include <stdio.h>
#include <stdlib.h>

#include "onnxruntime.h"
#include "worker.h"

typedef struct job {
    ort_model *model;
    float *input;
    unsigned size;
    const float *output;
    size_t output_count;
} job;

static int run_once(void *data)
{
    job *j = data;
    return ort_run(j->model, j->input, j->size, &j->output, &j->output_count);
}

int main(int argc, char **argv)
{
    job j = {0};
    if (argc != 7) {
        fprintf(stderr, "usage: worker_onnxruntime LIBRARY MODEL.onnx SIZE THREADS INPUT OUTPUT\n");
        return 2;
    }
    j.size = (unsigned)strtoul(argv[3], NULL, 10);
    j.model = ort_open(argv[1], argv[2], atoi(argv[4]));
    j.input = worker_read_floats(argv[5], (size_t)3 * j.size * j.size);
    if (!j.model || !j.input || run_once(&j) != 0 ||
        worker_write_floats(argv[6], j.output, j.output_count) != 0)
        return 1;
    return worker_serve("onnxruntime", ort_version(j.model), run_once, &j);
}
