/* SPDX-License-Identifier: MIT */
/* ve-export: turns a ConvNeXt checkpoint into a .vew weight file. This file reads the command line. */
#include "export.h"
#include "vew_write.h"

#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: ve-export [options] IN\n"
    "\n"
    "Turns a ConvNeXt checkpoint (timm, torchvision, Hugging Face, DINOv3, OpenCLIP, original names) into a\n"
    ".vew weight file. IN is a .safetensors file, a model.safetensors.index.json, or a folder with one of "
    "them;\n"
    "with --info a .vew file as well.\n"
    "\n"
    "  -o, --output FILE       where to write (default: the checkpoint's path, ending in .vew)\n"
    "      --config FILE       JSON that describes the input, as timm's config.json does (default: the config\n"
    "                          files beside IN)\n"
    "      --embedding KIND    pooled, norm or head (default: what the checkpoint's family calls the "
    "embedding)\n"
    "      --precision TYPE    f32, f16, or i8: the large layers in 8 bits, the rest f16 (default: "
    "f32)\n"
    "      --calibrate PATH    with --precision i8: a picture, or a folder of them, to round the weights by\n"
    "      --report PATH       compare the written file with f32 on pictures\n"
    "      --name NAME         the model's name in the file\n"
    "      --info              print what IN holds, write nothing\n"
    "  -q, --quiet             print nothing but errors\n"
    "  -h, --help              print this\n"
    "      --version           print the version\n"
    "\n"
    "Exit status: 0 done, 1 the checkpoint cannot be exported, 2 wrong usage.\n";

enum {
    OPTION_CONFIG = 256,
    OPTION_EMBEDDING,
    OPTION_PRECISION,
    OPTION_NAME,
    OPTION_CALIBRATE,
    OPTION_REPORT,
    OPTION_INFO,
    OPTION_VERSION
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"embedding", required_argument, NULL, OPTION_EMBEDDING},
    {"precision", required_argument, NULL, OPTION_PRECISION},
    {"name", required_argument, NULL, OPTION_NAME},
    {"calibrate", required_argument, NULL, OPTION_CALIBRATE},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"info", no_argument, NULL, OPTION_INFO},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static int fail_usage(const char *message, const char *what)
{
    fprintf(stderr, "ve-export: %s%s (see ve-export --help)\n", message, what);
    return 2;
}

/* 1, 2, ...: the position of word among the words; 0 when it is none of them. */
static uint32_t position(const char *word, const char *const *words)
{
    for (uint32_t i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0)
            return i + 1;
    return 0;
}

/* -1: go on; otherwise the exit status. */
static int take_option(int option, export_options *options, int *is_info)
{
    static const char *const kinds[] = {"pooled", "norm", "head", NULL};
    static const char *const precisions[] = {"f32", "f16", "i8", NULL};
    switch (option) {
    case 'o':
        options->output = optarg;
        return -1;
    case OPTION_CONFIG:
        options->config = optarg;
        return -1;
    case OPTION_EMBEDDING:
        options->plan.embedding_kind = position(optarg, kinds);
        return options->plan.embedding_kind ? -1
                                            : fail_usage("--embedding is pooled, norm or head, not ", optarg);
    case OPTION_PRECISION:
        options->plan.precision = (ve__type)position(optarg, precisions);
        return options->plan.precision ? -1 : fail_usage("--precision is f32, f16 or i8, not ", optarg);
    case OPTION_NAME:
        options->plan.name = optarg;
        return strlen(optarg) <= VE__VEW_MAX_TEXT && ve__vew_is_text(optarg, strlen(optarg))
                   ? -1
                   : fail_usage("--name is too long or has control characters", "");
    case OPTION_CALIBRATE:
        options->calibrate = optarg;
        return -1;
    case OPTION_REPORT:
        options->report = optarg;
        return -1;
    case OPTION_INFO:
        *is_info = 1;
        return -1;
    case 'q':
        options->is_quiet = 1;
        return -1;
    case 'h':
        fputs(usage, stdout);
        return 0;
    case OPTION_VERSION:
        printf("ve-export %s\n", ve_version());
        return 0;
    default:
        return fail_usage("unknown option or missing argument", "");
    }
}

static int take_options(int argc, char **argv, export_options *options, int *is_info)
{
    int option, status = -1;
    opterr = 0;
    while (status < 0 && (option = getopt_long(argc, argv, "o:qh", long_options, NULL)) != -1)
        status = take_option(option, options, is_info);
    if (status >= 0)
        return status;
    if (optind + 1 != argc)
        return fail_usage(optind == argc ? "IN is missing" : "more than one IN: ",
                          optind == argc ? "" : argv[argc - 1]);
    if (options->calibrate && options->plan.precision != VE__TYPE_I8)
        return fail_usage("--calibrate goes with --precision i8", "");
    if ((options->calibrate || options->report) && *is_info)
        return fail_usage("--info takes no pictures", "");
    options->input = argv[optind];
    return -1;
}

static void on_signal(int number)
{
    vew_remove_temporary();
    signal(number, SIG_DFL);
    raise(number);
}

/* A signal that our parent had us ignore (nohup) stays ignored. */
static void clean_up_on(int number)
{
    if (signal(number, on_signal) == SIG_IGN)
        signal(number, SIG_IGN);
}

int main(int argc, char **argv)
{
    export_options options = {.plan = {0, VE__TYPE_F32, NULL}};
    int is_info = 0;
    int done = take_options(argc, argv, &options, &is_info);
    if (done >= 0)
        return done;
    if (sodium_init() < 0)
        return fail_usage("libsodium cannot start", "");
    clean_up_on(SIGINT);
    clean_up_on(SIGTERM);
    clean_up_on(SIGHUP);
    ve_status status = is_info ? export_info(&options, stdout) : export_run(&options, stderr, stdout);
    if (status != VE_OK)
        fprintf(stderr, "ve-export: %s\n", ve_last_error());
    if (fflush(stdout) != 0)
        return 1;
    return status == VE_OK ? 0 : 1;
}
