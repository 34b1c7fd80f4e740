/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: train-embedder --list FILE --init FILE|fresh --out FILE --images N [OPTION]...\n"
    "       train-embedder --evaluate --init FILE --held CROPS,PEOPLE [--lfw CROPS,PAIRS] [--size PX]\n"
    "       train-embedder --embed CROPS --init FILE --dump FILE [--size PX]\n"
    "       train-embedder --bench PX:BATCH\n"
    "Trains a ConvNeXt-atto for faces on this machine's cores: teachers' embeddings, named people, or both.\n"
    "\n"
    "Data and files (arrays of numpy; tools/train/README.md)\n"
    "  --list FILE             shards: CROPS TARGETS [PEOPLE|- [exact]] a line, read again every epoch\n"
    "  --init FILE|fresh       weights to start from (safetensors), or random ones\n"
    "  --out FILE              averaged weights, at every evaluation; FILE.best when it was the best one\n"
    "  --state FILE            the whole state, every few minutes, at the end, and on SIGTERM or SIGINT\n"
    "  --resume                go on from --state where that file is there\n"
    "  --log FILE              the course as CSV, appended\n"
    "  --held CROPS,PEOPLE     people never trained on, for evaluations\n"
    "  --lfw CROPS,PAIRS       also LFW; for the last word only, never to choose by\n"
    "\n"
    "Schedule, counted in pictures seen\n"
    "  --images N              in all\n"
    "  --phase PX:BATCH:UNTIL  up to 8 of them in order; UNTIL a share of all pictures (default 112:256:1)\n"
    "  --rate R, --rate-end R  AdamW's rate, down half a cosine (1e-3, 1e-5)\n"
    "  --warm-up S             share of all pictures with a rising rate (0.02)\n"
    "  --decay D               weight decay (0.05)\n"
    "  --average A             the running average keeps this share every step (0.999)\n"
    "  --evaluate-every N      pictures between evaluations (a twelfth of all)\n"
    "  --state-every M         minutes between states (5)\n"
    "\n"
    "What is learned\n"
    "  --distil W              weight of 1 - cosine to the teacher (1)\n"
    "  --relational W          weight of the squared difference of similarities in the batch (0.5)\n"
    "  --margin KIND           cosface or adaface on the named people (none)\n"
    "  --margin-weight W, --margin-scale S, --margin-value M      (0.02, 32, 0.3)\n"
    "  --margin-classes N      people in one step's softmax at most (16384)\n"
    "  --degrade P             share of views made worse, the target staying the clean picture's (0.6)\n"
    "\n"
    "The machine\n"
    "  --threads N             default: all cores\n"
    "  --gemm NAME             amx or bf16 (default: the fastest here)\n"
    "  --seed N                (1)\n"
    "  --size PX               of --evaluate, --embed and --check (112)\n"
    "  --check CROPS,TARGETS[,PEOPLE]   one step without change, everything written to --dump PREFIX: "
    "check.py\n"
    "  -h, --help              this text\n"
    "Exit status: 0 done, 1 something failed, 2 wrong command line, 3 stopped by a signal with the state "
    "written.\n";

static int usage_error(const char *message, ...)
{
    va_list arguments;
    fputs("train-embedder: ", stderr);
    va_start(arguments, message);
    vfprintf(stderr, message, arguments);
    va_end(arguments);
    fputs("\nTry `train-embedder --help`.\n", stderr);
    return 2;
}

enum {
    LIST = 256,
    INIT,
    OUT,
    STATE,
    RESUME,
    LOG,
    HELD,
    LFW,
    IMAGES,
    PHASE,
    RATE,
    RATE_END,
    WARM_UP,
    DECAY,
    AVERAGE,
    EVALUATE_EVERY,
    STATE_EVERY,
    DISTIL,
    RELATIONAL,
    MARGIN,
    MARGIN_WEIGHT,
    MARGIN_SCALE,
    MARGIN_VALUE,
    MARGIN_CLASSES,
    DEGRADE,
    THREADS,
    GEMM,
    SEED,
    SIZE,
    DUMP,
    EVALUATE,
    EMBED,
    CHECK,
    BENCH
};

#define WITH_VALUE(name, number)                                                                               \
    {                                                                                                          \
        name, required_argument, NULL, number                                                                  \
    }
static const struct option long_options[] = {WITH_VALUE("list", LIST),
                                             WITH_VALUE("init", INIT),
                                             WITH_VALUE("out", OUT),
                                             WITH_VALUE("state", STATE),
                                             {"resume", no_argument, NULL, RESUME},
                                             WITH_VALUE("log", LOG),
                                             WITH_VALUE("held", HELD),
                                             WITH_VALUE("lfw", LFW),
                                             WITH_VALUE("images", IMAGES),
                                             WITH_VALUE("phase", PHASE),
                                             WITH_VALUE("rate", RATE),
                                             WITH_VALUE("rate-end", RATE_END),
                                             WITH_VALUE("warm-up", WARM_UP),
                                             WITH_VALUE("decay", DECAY),
                                             WITH_VALUE("average", AVERAGE),
                                             WITH_VALUE("evaluate-every", EVALUATE_EVERY),
                                             WITH_VALUE("state-every", STATE_EVERY),
                                             WITH_VALUE("distil", DISTIL),
                                             WITH_VALUE("relational", RELATIONAL),
                                             WITH_VALUE("margin", MARGIN),
                                             WITH_VALUE("margin-weight", MARGIN_WEIGHT),
                                             WITH_VALUE("margin-scale", MARGIN_SCALE),
                                             WITH_VALUE("margin-value", MARGIN_VALUE),
                                             WITH_VALUE("margin-classes", MARGIN_CLASSES),
                                             WITH_VALUE("degrade", DEGRADE),
                                             WITH_VALUE("threads", THREADS),
                                             WITH_VALUE("gemm", GEMM),
                                             WITH_VALUE("seed", SEED),
                                             WITH_VALUE("size", SIZE),
                                             WITH_VALUE("dump", DUMP),
                                             {"evaluate", no_argument, NULL, EVALUATE},
                                             WITH_VALUE("embed", EMBED),
                                             WITH_VALUE("check", CHECK),
                                             WITH_VALUE("bench", BENCH),
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

static int read_real(const char *text, double low, double high, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= low && *value <= high))
        return usage_error("%s: want a number from %g to %g", text, low, high);
    return 0;
}

static int read_float(const char *text, double low, double high, float *value)
{
    double number;
    int status = read_real(text, low, high, &number);
    *value = (float)number;
    return status;
}

static int read_long(const char *text, double low, double high, long *value)
{
    double number; /* so that 2e6 is a number of pictures */
    int status = read_real(text, low, high, &number);
    *value = (long)number;
    return status;
}

static int read_int(const char *text, double low, double high, int *value)
{
    long number;
    int status = read_long(text, low, high, &number);
    *value = (int)number;
    return status;
}

/* Divides the argument at its commas, in place. */
static int read_names(char *text, int wanted, file_names *names)
{
    names->first = text;
    names->second = names->third = NULL;
    char *comma = strchr(text, ',');
    if (comma) {
        *comma = 0;
        names->second = comma + 1;
        comma = strchr(comma + 1, ',');
    }
    if (comma) {
        *comma = 0;
        names->third = comma + 1;
    }
    return wanted == 2 && !names->second ? usage_error("%s: want two files, A,B", text) : 0;
}

static int read_phase(const char *text, schedule *s)
{
    phase *p = &s->phases[s->phase_count];
    char rest;
    if (s->phase_count == MOST_PHASES)
        return usage_error("more than %d phases", MOST_PHASES);
    if (sscanf(text, "%d:%d:%lf%c", &p->side, &p->batch, &p->until, &rest) != 3 || !network_has_side(p->side) ||
        p->batch < 32 || p->batch > MOST_BATCH || p->batch % 32)
        return usage_error("--phase %s: want PX:BATCH:UNTIL, PX like 64, 80, 96 or 112, BATCH a multiple of 32",
                           text);
    s->phase_count++;
    return 0;
}

static int read_bench(const char *text, options *o)
{
    char rest;
    o->command = COMMAND_BENCH;
    if (sscanf(text, "%d:%d%c", &o->side, &o->bench_batch, &rest) != 2)
        return usage_error("--bench %s: want PX:BATCH", text);
    return 0;
}

static int read_margin(const char *text, margin_options *m)
{
    m->kind = strcmp(text, "cosface") == 0   ? MARGIN_COSFACE
              : strcmp(text, "adaface") == 0 ? MARGIN_ADAFACE
                                             : MARGIN_NONE;
    if (m->kind == MARGIN_NONE && strcmp(text, "none") != 0)
        return usage_error("--margin %s: cosface, adaface or none", text);
    return 0;
}

static int read_learning(int option, options *o)
{
    switch (option) {
    case DISTIL:
        return read_float(optarg, 0, 1000, &o->loss.distil);
    case RELATIONAL:
        return read_float(optarg, 0, 1000, &o->loss.relational);
    case MARGIN:
        return read_margin(optarg, &o->margin);
    case MARGIN_WEIGHT:
        return read_float(optarg, 0, 1000, &o->margin.weight);
    case MARGIN_SCALE:
        return read_float(optarg, 1, 1000, &o->margin.scale);
    case MARGIN_VALUE:
        return read_float(optarg, 0, 1, &o->margin.margin);
    case MARGIN_CLASSES:
        return read_int(optarg, 2, 1e6, &o->margin.most_chosen);
    case DEGRADE:
        return read_real(optarg, 0, 1, &o->degrades);
    case THREADS:
        return read_int(optarg, 1, MOST_THREADS, &o->threads);
    case SEED:
        return read_long(optarg, 0, 1e15, &o->seed);
    case SIZE:
        return read_int(optarg, 32, CROP, &o->side);
    default: /* getopt has said what is wrong */
        fputs("Try `train-embedder --help`.\n", stderr);
        return 2;
    }
}

static int read_schedule(int option, options *o)
{
    switch (option) {
    case IMAGES:
        return read_long(optarg, 1, 1e12, &o->schedule.images);
    case PHASE:
        return read_phase(optarg, &o->schedule);
    case RATE:
        return read_real(optarg, 0, 1, &o->schedule.rate);
    case RATE_END:
        return read_real(optarg, 0, 1, &o->schedule.rate_end);
    case WARM_UP:
        return read_real(optarg, 0, 0.9, &o->schedule.warm_up);
    case DECAY:
        return read_real(optarg, 0, 1, &o->decay);
    case AVERAGE:
        return read_real(optarg, 0, 1, &o->schedule.keep);
    case EVALUATE_EVERY:
        return read_long(optarg, 1, 1e12, &o->evaluate_images);
    case STATE_EVERY:
        return read_real(optarg, 0, 1e6, &o->state_minutes);
    default:
        return read_learning(option, o);
    }
}

/* The options that are kept as they are. */
static int read_file(int option, options *o)
{
    const char **name = option == LIST    ? &o->list
                        : option == INIT  ? &o->init
                        : option == OUT   ? &o->out
                        : option == STATE ? &o->state
                        : option == LOG   ? &o->log
                        : option == DUMP  ? &o->dump
                                          : &o->gemm;
    *name = optarg;
    return 0;
}

static int read_option(int option, options *o)
{
    switch (option) {
    case LIST:
    case INIT:
    case OUT:
    case STATE:
    case LOG:
    case DUMP:
    case GEMM:
        return read_file(option, o);
    case RESUME:
        o->resumes = 1;
        return 0;
    case HELD:
        return read_names(optarg, 2, &o->held);
    case LFW:
        return read_names(optarg, 2, &o->lfw);
    case EVALUATE:
        o->command = COMMAND_EVALUATE;
        return 0;
    case EMBED:
        o->command = COMMAND_EMBED;
        return read_names(optarg, 1, &o->files);
    case CHECK:
        o->command = COMMAND_CHECK;
        return read_names(optarg, 2, &o->files);
    case BENCH:
        return read_bench(optarg, o);
    case 'h':
        fputs(help, stdout);
        return 1;
    default:
        return read_schedule(option, o);
    }
}

static void set_defaults(options *o)
{
    static const options defaults = {
        .side = CROP,
        .schedule = {.rate = 1e-3, .rate_end = 1e-5, .warm_up = 0.02, .keep = 0.999},
        .loss = {1, 0.5f},
        .margin = {MARGIN_NONE, 0.02f, 32, 0.3f, 16384},
        .decay = 0.05,
        .degrades = 0.6,
        .state_minutes = 5,
        .seed = 1};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *o = defaults;
    o->threads = cores < 1 ? 1 : cores > MOST_THREADS ? MOST_THREADS : (int)cores;
}

static int check_whole(options *o)
{
    schedule *s = &o->schedule;
    if (!network_has_side(o->side))
        return usage_error("%d x %d pictures: not a size that is known", o->side, o->side);
    if (o->command != COMMAND_BENCH && !o->init)
        return usage_error("--init is missing");
    if (o->command == COMMAND_TRAIN && (!o->list || !o->out || !s->images))
        return usage_error("--list, --out and --images are needed");
    if ((o->command == COMMAND_EMBED || o->command == COMMAND_CHECK) && !o->dump)
        return usage_error("--dump is missing");
    if (o->command == COMMAND_EVALUATE && !o->held.first && !o->lfw.first)
        return usage_error("--evaluate: --held or --lfw is missing");
    if (o->resumes && !o->state)
        return usage_error("--resume: from which --state?");
    if (s->phase_count == 0)
        s->phases[s->phase_count++] = (phase){CROP, 256, 1};
    if (o->evaluate_images == 0)
        o->evaluate_images = s->images / 12 + 1;
    return 0;
}

int options_read(int argc, char **argv, options *o)
{
    int option;
    set_defaults(o);
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        int status = read_option(option, o);
        if (status != 0)
            return status;
    }
    if (optind < argc)
        return usage_error("%s: what is that for?", argv[optind]);
    return check_whole(o);
}
