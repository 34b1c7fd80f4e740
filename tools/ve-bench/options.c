/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "measure.h"
#include "random_model.h"
#include "visembed.h"

static const char help[] =
    "Usage: ve-bench [OPTION]...\n"
    "Measures how fast this machine embeds pictures, and how near that is to what the machine can do.\n"
    "\n"
    "  -m, --model FILE    a weight file made by ve-export\n"
    "  -a, --arch NAME     random weights of this size instead (default atto): atto, femto, pico, nano,\n"
    "                      tiny, small, base; NAME-v2 is the second version\n"
    "  -s, --size S        input of S x S pixels (default: the model's, 224)\n"
    "  -t, --threads N     threads that work on one picture (default 1; 0: all cores)\n"
    "      --isa NAME      kernels to use: scalar, neon, neon-dot, avx2, avx512,\n"
    "                      avx512-vnni (default: the best)\n"
    "      --precision P   f32 or f16: of random weights in their file (default f32); i8: compute in 8 bits\n"
    "  -b, --batch N       also embed N pictures at once, one thread a picture\n"
    "      --sessions N    also embed with 1 session, one a core, and N, each in a thread of its own\n"
    "      --runs N        at least N embeddings (default 30) ...\n"
    "      --seconds S     ... and at least S seconds of them (default 3)\n"
    "      --minutes M     then a run of M minutes, to see what heat does\n"
    "      --json FILE     write all figures there\n"
    "      --svg FILE      write a roofline plot there, with every layer on it\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "The machine should have nothing else to do; docs/benchmarking-on-a-pi.md says how to prepare a board.\n"
    "Exit status: 0 measured, 1 measured but void (the board throttled), 2 something failed.\n";

static next_step usage_error(const char *message, ...)
{
    va_list arguments;
    fputs("ve-bench: ", stderr);
    va_start(arguments, message);
    vfprintf(stderr, message, arguments);
    va_end(arguments);
    fputs("\nTry `ve-bench --help`.\n", stderr);
    return NEXT_USAGE_ERROR;
}

static next_step read_unsigned(const char *name, const char *text, unsigned long low, unsigned long high,
                               unsigned *value)
{
    unsigned long number;
    if (text_read_number(text, low, high, &number) != 0)
        return usage_error("--%s %s: want a number from %lu to %lu", name, text, low, high);
    *value = (unsigned)number;
    return NEXT_RUN;
}

static next_step read_time(const char *name, const char *text, double high, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= 0 && *value <= high))
        return usage_error("--%s %s: want a number from 0 to %.0f", name, text, high);
    return NEXT_RUN;
}

static next_step read_precision(const char *text, bench_options *o)
{
    o->is_half = strcmp(text, "f16") == 0;
    o->is_i8 = strcmp(text, "i8") == 0;
    return o->is_half || o->is_i8 || strcmp(text, "f32") == 0
               ? NEXT_RUN
               : usage_error("--precision %s: f32, f16 or i8", text);
}

enum {
    OPTION_ISA = 256,
    OPTION_PRECISION,
    OPTION_SESSIONS,
    OPTION_RUNS,
    OPTION_SECONDS,
    OPTION_MINUTES,
    OPTION_JSON,
    OPTION_SVG,
    OPTION_ROOT,
    OPTION_COLD
};

static const struct option long_options[] = {{"model", required_argument, NULL, 'm'},
                                             {"arch", required_argument, NULL, 'a'},
                                             {"size", required_argument, NULL, 's'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"isa", required_argument, NULL, OPTION_ISA},
                                             {"precision", required_argument, NULL, OPTION_PRECISION},
                                             {"batch", required_argument, NULL, 'b'},
                                             {"sessions", required_argument, NULL, OPTION_SESSIONS},
                                             {"runs", required_argument, NULL, OPTION_RUNS},
                                             {"seconds", required_argument, NULL, OPTION_SECONDS},
                                             {"minutes", required_argument, NULL, OPTION_MINUTES},
                                             {"json", required_argument, NULL, OPTION_JSON},
                                             {"svg", required_argument, NULL, OPTION_SVG},
                                             {"root", required_argument, NULL, OPTION_ROOT},
                                             {"cold-child", no_argument, NULL, OPTION_COLD},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

static next_step read_option(int option, bench_options *o)
{
    switch (option) {
    case 'm':
        o->model = optarg;
        return NEXT_RUN;
    case 'a':
        o->arch = optarg;
        return NEXT_RUN;
    case 's':
        return read_unsigned("size", optarg, 1, 2048, &o->size);
    case 't':
        return read_unsigned("threads", optarg, 0, 256, &o->threads);
    case 'b':
        return read_unsigned("batch", optarg, 1, 100000, &o->batch);
    case OPTION_SESSIONS:
        return read_unsigned("sessions", optarg, 1, MAX_SESSIONS, &o->sessions);
    case OPTION_RUNS:
        return read_unsigned("runs", optarg, 1, 100000, &o->runs);
    case OPTION_ISA:
        o->isa = optarg;
        return NEXT_RUN;
    case OPTION_PRECISION:
        return read_precision(optarg, o);
    case OPTION_MINUTES:
        return read_time("minutes", optarg, 1440, &o->minutes);
    case OPTION_SECONDS:
        return read_time("seconds", optarg, 3600, &o->seconds);
    case OPTION_JSON:
        o->json = optarg;
        return NEXT_RUN;
    case OPTION_SVG:
        o->svg = optarg;
        return NEXT_RUN;
    case OPTION_ROOT:
        o->root = optarg;
        return NEXT_RUN;
    case OPTION_COLD:
        o->is_cold_child = 1;
        return NEXT_RUN;
    case 'h':
        fputs(help, stdout);
        return NEXT_DONE;
    case 'V':
        printf("ve-bench %s\n", ve_version());
        return NEXT_DONE;
    default: /* getopt has said what is wrong */
        fputs("Try `ve-bench --help`.\n", stderr);
        return NEXT_USAGE_ERROR;
    }
}

next_step options_read(int argc, char **argv, bench_options *options)
{
    int option;
    ve__arch arch;
    memset(options, 0, sizeof *options);
    options->root = "";
    options->threads = 1;
    options->runs = 30;
    options->seconds = 3;
    while ((option = getopt_long(argc, argv, "m:a:s:t:b:hV", long_options, NULL)) != -1) {
        next_step result = read_option(option, options);
        if (result != NEXT_RUN)
            return result;
    }
    if (optind < argc)
        return usage_error("%s: what is that for?", argv[optind]);
    if (options->model && options->arch)
        return usage_error("--model and --arch: one of the two");
    if (!options->model && !options->arch)
        options->arch = "atto";
    if (options->arch && random_model_arch(options->arch, &arch) != VE_OK)
        return usage_error("--arch: %s", ve_last_error());
    return NEXT_RUN;
}
