/* SPDX-License-Identifier: MIT */
/* The command line of ve-embed. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "common/text.h"
#include "options.h"
#include "visembed.h"

#define MAX_THREADS 256u
#define MAX_SIDE    65536u

static const char help[] =
    "Usage: ve-embed [OPTION]... IMAGE...\n"
    "Prints one embedding for each picture, scaled to unit length.\n"
    "\n"
    "  -m, --model FILE      weight file made by ve-export\n"
    "  -f, --format FORMAT   text: one line of values a picture (default)\n"
    "                        json: one object a line with path, dim, fingerprint, embedding\n"
    "                        npy:  one NumPy array of float32, a row a picture\n"
    "  -o, --output FILE     write there instead of to standard output\n"
    "  -t, --threads N       threads that work on one picture (default 1)\n"
    "      --size WxH        input size in pixels (default: the model's; of a tensor: its own)\n"
    "      --tensor FILE     embed a ready input: .npy, float32, 1x3xHxW (may be repeated)\n"
    "      --no-normalize    leave embeddings as the network gives them\n"
    "  -h, --help            this text\n"
    "  -V, --version         the version\n"
    "\n"
    "IMAGE is a JPEG, PNG, BMP, GIF, TGA or PNM file; - reads one from standard input.\n" MODEL_PATH_HELP "\n"
    "A picture that cannot be embedded is named on standard error, and the others go on.\n"
    "Exit status: 0 all embedded, 2 something failed.\n";

static next_step usage_error(const char *message, ...)
{
    va_list arguments;
    fputs("ve-embed: ", stderr);
    va_start(arguments, message);
    vfprintf(stderr, message, arguments);
    va_end(arguments);
    fputs("\nTry `ve-embed --help`.\n", stderr);
    return NEXT_USAGE_ERROR;
}

static next_step read_format(const char *text, embed_options *options)
{
    static const char *const names[] = {"text", "json", "npy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            options->format = (embed_format)i;
            return NEXT_RUN;
        }
    return usage_error("--format %s: there are text, json and npy", text);
}

static next_step read_threads(const char *text, embed_options *options)
{
    unsigned long threads;
    if (text_read_number(text, 1, MAX_THREADS, &threads) != 0)
        return usage_error("--threads %s: want a number from 1 to %u", text, MAX_THREADS);
    options->threads = (uint32_t)threads;
    return NEXT_RUN;
}

/* "160x128", or "128" for both sides. */
static next_step read_size(const char *text, embed_options *options)
{
    char width_text[16];
    const char *cross = strchr(text, 'x');
    unsigned long width, height;
    int length = snprintf(width_text, sizeof width_text, "%.*s", cross ? (int)(cross - text) : 15, text);
    if (length < 0 || (size_t)length >= sizeof width_text ||
        text_read_number(width_text, 1, MAX_SIDE, &width) != 0 ||
        text_read_number(cross ? cross + 1 : text, 1, MAX_SIDE, &height) != 0)
        return usage_error("--size %s: want WIDTHxHEIGHT in pixels, 160x128 say", text);
    options->width = (uint32_t)width;
    options->height = (uint32_t)height;
    return NEXT_RUN;
}

static next_step add_input(const char *path, int is_tensor, embed_options *options)
{
    options->inputs[options->input_count].path = path;
    options->inputs[options->input_count++].is_tensor = is_tensor;
    return NEXT_RUN;
}

static next_step print_and_stop(const char *text)
{
    fputs(text, stdout);
    return NEXT_DONE;
}

enum { OPTION_SIZE = 256, OPTION_TENSOR, OPTION_RAW };

static const struct option long_options[] = {{"model", required_argument, NULL, 'm'},
                                             {"format", required_argument, NULL, 'f'},
                                             {"output", required_argument, NULL, 'o'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"size", required_argument, NULL, OPTION_SIZE},
                                             {"tensor", required_argument, NULL, OPTION_TENSOR},
                                             {"no-normalize", no_argument, NULL, OPTION_RAW},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

static next_step read_option(int option, embed_options *options)
{
    switch (option) {
    case 'm':
        options->model = optarg;
        return NEXT_RUN;
    case 'o':
        options->output = optarg;
        return NEXT_RUN;
    case OPTION_RAW:
        options->is_raw = 1;
        return NEXT_RUN;
    case 'f':
        return read_format(optarg, options);
    case 't':
        return read_threads(optarg, options);
    case OPTION_SIZE:
        return read_size(optarg, options);
    case OPTION_TENSOR:
        return add_input(optarg, 1, options);
    case 1: /* not an option: a picture */
        return add_input(optarg, 0, options);
    case 'h':
        return print_and_stop(help);
    case 'V':
        printf("ve-embed %s\n", ve_version());
        return NEXT_DONE;
    default: /* getopt has said what is wrong */
        fputs("Try `ve-embed --help`.\n", stderr);
        return NEXT_USAGE_ERROR;
    }
}

next_step options_read(int argc, char **argv, embed_options *options)
{
    int option;
    memset(options, 0, sizeof *options);
    options->threads = 1;
    if (!(options->inputs = calloc((size_t)argc + 1, sizeof *options->inputs)))
        return usage_error("no memory for the command line");
    /* The leading "-" keeps pictures and tensors in the order in which they were given. */
    while ((option = getopt_long(argc, argv, "-m:f:o:t:hV", long_options, NULL)) != -1) {
        next_step result = read_option(option, options);
        if (result != NEXT_RUN)
            return result;
    }
    for (; optind < argc; optind++)
        add_input(argv[optind], 0, options);
    if (options->input_count == 0)
        return usage_error("no picture was given");
    return NEXT_RUN;
}

void options_free(embed_options *options)
{
    free(options->inputs);
    options->inputs = NULL;
}
