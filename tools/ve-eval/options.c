/* SPDX-License-Identifier: MIT */
/* The command line of ve-eval. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/model_path.h"
#include "common/text.h"
#include "options.h"
#include "visembed.h"

#define MAX_THREADS   256u
#define MAX_DRAWS     100000u
#define DEFAULT_DRAWS 400u

static const char help[] =
    "Usage: ve-eval pairs --images DIR --pairs FILE [OPTION]...\n"
    "       ve-eval identities --images DIR [OPTION]...\n"
    "       ve-eval calibrate --images DIR [--write FILE.vew] [OPTION]...\n"
    "Measures how well a model tells people apart.\n"
    "\n"
    "  pairs        decides the pairs of a list in folds, as LFW's pairs.txt has them\n"
    "  identities   compares each picture with each other one of a folder with a folder per person\n"
    "  calibrate    the same, and makes the table of thresholds that a weight file carries\n"
    "\n"
    "      --images DIR             DIR/PERSON/PICTURE: aligned faces\n"
    "      --raw                    whole pictures: the central face of each is found and aligned first\n"
    "      --detector FILE          weight file of the face detector, for --raw\n"
    "      --smallest-face N        width in pixels of the smallest face looked for, for --raw\n"
    "      --pairs FILE             the list of pairs\n"
    "      --allow-missing          a picture of the list without a file counts as not enrolled\n"
    "  -m, --model FILE             weight file made by ve-export\n"
    "  -t, --threads N              default: one for each processor\n"
    "      --condition NAME         degrade every picture first: dark, bright, noise, gray, blur32, covered\n"
    "      --flip                   mean of the embeddings of a picture and of its mirror image\n"
    "      --draws N                draws of people for the intervals (default 400; 0: no intervals)\n"
    "      --name NAME              what to call the set (default: the folder's name)\n"
    "      --save-embeddings FILE   keep the embeddings as FILE (.npy) and FILE.list\n"
    "      --load-embeddings FILE   take them from there; without --images the people as well\n"
    "      --json FILE              write the report as JSON, - to standard output in place of the text\n"
    "      --roc FILE               write the curve of true against false accepts as SVG\n"
    "      --histogram FILE         write the histogram of similarities as SVG\n"
    "      --write FILE             calibrate: copy the model there with the new table\n"
    "  -h, --help                   this text\n"
    "  -V, --version                the version\n"
    "\n" MODEL_PATH_HELP "\n"
    "Exit status: 0 measured (pictures that failed are counted and named), 2 something else failed.\n";

static next_step usage_error(const char *message, ...)
{
    va_list arguments;
    fputs("ve-eval: ", stderr);
    va_start(arguments, message);
    vfprintf(stderr, message, arguments);
    va_end(arguments);
    fputs("\nTry `ve-eval --help`.\n", stderr);
    return NEXT_USAGE_ERROR;
}

static next_step read_count(const char *name, const char *text, unsigned low, unsigned high, unsigned *count)
{
    unsigned long number;
    if (text_read_number(text, low, high, &number) != 0)
        return usage_error("--%s %s: want a number from %u to %u", name, text, low, high);
    *count = (unsigned)number;
    return NEXT_RUN;
}

enum {
    OPTION_IMAGES = 256,
    OPTION_PAIRS,
    OPTION_ALLOW_MISSING,
    OPTION_CONDITION,
    OPTION_FLIP,
    OPTION_DRAWS,
    OPTION_NAME,
    OPTION_SAVE,
    OPTION_LOAD,
    OPTION_JSON,
    OPTION_ROC,
    OPTION_HISTOGRAM,
    OPTION_WRITE,
    OPTION_RAW,
    OPTION_DETECTOR,
    OPTION_SMALLEST_FACE
};

static const struct option long_options[] = {{"images", required_argument, NULL, OPTION_IMAGES},
                                             {"pairs", required_argument, NULL, OPTION_PAIRS},
                                             {"allow-missing", no_argument, NULL, OPTION_ALLOW_MISSING},
                                             {"model", required_argument, NULL, 'm'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"condition", required_argument, NULL, OPTION_CONDITION},
                                             {"flip", no_argument, NULL, OPTION_FLIP},
                                             {"draws", required_argument, NULL, OPTION_DRAWS},
                                             {"name", required_argument, NULL, OPTION_NAME},
                                             {"save-embeddings", required_argument, NULL, OPTION_SAVE},
                                             {"load-embeddings", required_argument, NULL, OPTION_LOAD},
                                             {"json", required_argument, NULL, OPTION_JSON},
                                             {"roc", required_argument, NULL, OPTION_ROC},
                                             {"histogram", required_argument, NULL, OPTION_HISTOGRAM},
                                             {"write", required_argument, NULL, OPTION_WRITE},
                                             {"raw", no_argument, NULL, OPTION_RAW},
                                             {"detector", required_argument, NULL, OPTION_DETECTOR},
                                             {"smallest-face", required_argument, NULL, OPTION_SMALLEST_FACE},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

/* Where an option's text is kept; NULL for options of another kind. */
static const char **text_option(int option, eval_options *o)
{
    switch (option) {
    case OPTION_IMAGES:
        return &o->images;
    case OPTION_PAIRS:
        return &o->pairs;
    case 'm':
        return &o->model;
    case OPTION_NAME:
        return &o->name;
    case OPTION_SAVE:
        return &o->save;
    case OPTION_LOAD:
        return &o->load;
    case OPTION_JSON:
        return &o->json;
    case OPTION_ROC:
        return &o->roc;
    case OPTION_HISTOGRAM:
        return &o->histogram;
    case OPTION_WRITE:
        return &o->write;
    case OPTION_DETECTOR:
        return &o->detector;
    default:
        return NULL;
    }
}

static next_step read_option(int option, eval_options *options)
{
    const char **text = text_option(option, options);
    if (text) {
        *text = optarg;
        return NEXT_RUN;
    }
    switch (option) {
    case OPTION_ALLOW_MISSING:
        options->allow_missing = 1;
        return NEXT_RUN;
    case OPTION_RAW:
        options->is_raw = 1;
        return NEXT_RUN;
    case OPTION_SMALLEST_FACE:
        return read_count("smallest-face", optarg, 8, 4096, &options->smallest_face);
    case OPTION_FLIP:
        options->use_flip = 1;
        return NEXT_RUN;
    case OPTION_CONDITION:
        if (condition_find(optarg, &options->condition) != 0)
            return usage_error("--condition %s: there are none, dark, bright, noise, gray, blur32 and covered",
                               optarg);
        return NEXT_RUN;
    case 't':
        return read_count("threads", optarg, 1, MAX_THREADS, &options->threads);
    case OPTION_DRAWS:
        return read_count("draws", optarg, 0, MAX_DRAWS, &options->draws);
    case 'h':
        fputs(help, stdout);
        return NEXT_DONE;
    case 'V':
        printf("ve-eval %s\n", ve_version());
        return NEXT_DONE;
    default: /* getopt has said what is wrong */
        fputs("Try `ve-eval --help`.\n", stderr);
        return NEXT_USAGE_ERROR;
    }
}

static int read_protocol(const char *text, eval_protocol *protocol)
{
    static const char *const names[] = {"pairs", "identities", "calibrate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *protocol = (eval_protocol)i;
            return 0;
        }
    return -1;
}

/* Options that contradict each other. */
static next_step check(const eval_options *o)
{
    int is_pairs = o->protocol == PROTOCOL_PAIRS, is_calibrate = o->protocol == PROTOCOL_CALIBRATE;
    if (!o->images && (is_pairs || !o->load))
        return usage_error("--images is missing");
    if (is_pairs && !o->pairs)
        return usage_error("--pairs is missing");
    if (!is_pairs && (o->pairs || o->allow_missing))
        return usage_error("--pairs and --allow-missing are for `ve-eval pairs`");
    if (!o->is_raw && (o->detector || o->smallest_face))
        return usage_error("--detector and --smallest-face go with --raw");
    if (!is_calibrate && o->write)
        return usage_error("--write is for `ve-eval calibrate`");
    if (o->load && (o->save || o->is_raw || o->use_flip || o->condition != CONDITION_NONE))
        return usage_error(
            "--load-embeddings takes embeddings as they were made: no --save-embeddings, --raw, --flip or "
            "--condition");
    if (is_calibrate && (o->use_flip || o->condition != CONDITION_NONE))
        return usage_error("thresholds are for pictures as they are: no --flip or --condition");
    return NEXT_RUN;
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > (long)MAX_THREADS ? MAX_THREADS : (unsigned)count;
}

next_step options_read(int argc, char **argv, eval_options *options)
{
    int option, has_protocol = 0;
    memset(options, 0, sizeof *options);
    options->threads = processors();
    options->draws = DEFAULT_DRAWS;
    while ((option = getopt_long(argc, argv, "-m:t:hV", long_options, NULL)) != -1) {
        if (option == 1 && !has_protocol) { /* the first word that is no option */
            if (read_protocol(optarg, &options->protocol) != 0)
                return usage_error("%s: there are pairs, identities and calibrate", optarg);
            has_protocol = 1;
            continue;
        }
        if (option == 1)
            return usage_error("%s: what is that?", optarg);
        next_step result = read_option(option, options);
        if (result != NEXT_RUN)
            return result;
    }
    if (optind < argc)
        return usage_error("%s: what is that?", argv[optind]);
    if (!has_protocol)
        return usage_error("want pairs, identities or calibrate");
    return check(options);
}
