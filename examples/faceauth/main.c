/* SPDX-License-Identifier: MIT */
/* faceauth: registers people from pictures of their faces and tells whether a picture shows one of them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "common/streams.h"
#include "common/text.h"
#include "decide.h"
#include "report.h"
#include "source.h"
#include "visembed_face.h"

static const char help[] =
    "Usage: faceauth [OPTION]... COMMAND ...\n"
    "       faceauth [OPTION]...              commands at a prompt\n"
    "Registers people from pictures of their faces and recognises them, offline.\n"
    "\n"
    "  register NAME PICTURE...   registers a new person; with --add, pictures of one who\n"
    "                             is registered, if they look like that person\n"
    "  login NAME PICTURE...      is this NAME? Several pictures: their mean decides\n"
    "  identify PICTURE           which registered person is this?\n"
    "  list                       who is registered\n"
    "  remove NAME                removes a person and erases the templates\n"
    "  unlock NAME                forgets failed attempts to be NAME\n"
    "  calibrate                  what the threshold means for those who are registered\n"
    "\n"
    "Instead of PICTUREs the first three commands look at frames, of which the best count:\n"
    "of a folder, of a file of JPEGs (.mjpeg), of standard input (-, or when it is a pipe):\n"
    "  rpicam-vid -t 0 -n --codec mjpeg -o - | faceauth login NAME\n"
    "or of a camera on the network:\n"
    "      --camera URL           MJPEG over HTTP, or an address that gives a JPEG\n"
    "      --timeout SECONDS      how long to look, 1 to 600 (15)\n"
    "      --frames N             good frames to wait for, 1 to 16 (5); the best 3 decide\n"
    "\n"
    "      --store FILE           default $XDG_DATA_HOME/visembed/faces.ves, or\n"
    "                             ~/.local/share/visembed/faces.ves\n"
    "  -m, --model FILE           weight file of a face embedder\n"
    "      --detector FILE        weight file of a face detector\n"
    "      --compatible PRINT     also use templates of the model with this fingerprint, which\n"
    "                             ve-store info shows: the same weights in 8 bits, say\n"
    "      --aligned              pictures are aligned, square crops of one face already, as\n"
    "                             those in examples/portraits: no detector is needed\n"
    "      --far RATE             accept this share of strangers, as measured for the model\n"
    "                             (1e-4)\n"
    "      --threshold T          instead, a cosine similarity, 0.2 to 0.95, higher is stricter\n"
    "      --add                  with register: see there\n"
    "      --json                 results as JSON, one object a line\n"
    "  -q, --quiet                no notes, and no word when accepted\n"
    "      --debug                show similarities on standard error; they help an attacker\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n"
    "\n"
    "After 5 failed logins in a row one must wait, after 50 somebody must unlock. It does not\n"
    "know a living face from a photograph of one: it is a convenience, not a lock.\n"
    "\n" MODEL_PATH_HELP "The detector: VE_DETECTOR, face-detector.vew, the same places.\n"
    "\n"
    "Exit status: 0 accepted or done, 1 rejected or not registered, 2 error.\n";

typedef struct auth_command {
    const char *name;
    int takes_name;
    size_t fewest_pictures, most_pictures;
    auth_outcome (*run)(const auth_settings *settings);
} auth_command;

static const auth_command commands[] = {
    {"register", 1, 1, MAX_TEMPLATES, command_register},
    {"login", 1, 1, 64, command_login},
    {"identify", 0, 1, 1, command_identify},
    {"list", 0, 0, 0, command_list},
    {"remove", 1, 0, 0, command_remove},
    {"unlock", 1, 0, 0, command_unlock},
    {"calibrate", 0, 0, 0, command_calibrate},
};

static auth_outcome usage_error(const auth_settings *settings, const char *problem, const char *what)
{
    auth_outcome outcome = report(settings, TROUBLE, "usage", NULL, "%s%s", problem, what);
    fputs("Try `faceauth --help`.\n", stderr);
    return outcome;
}

static int read_threshold(const char *text, auth_settings *settings)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    /* Written so that NaN fails as well. */
    if (end == text || *end || errno ||
        !(value >= (double)LOWEST_THRESHOLD - 1e-6 && value <= (double)HIGHEST_THRESHOLD + 1e-6))
        return -1;
    settings->threshold = (float)value;
    settings->has_threshold = 1;
    return 0;
}

/* A number from low to high that fills the text. */
static int read_real(const char *text, double low, double high, double *number)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !(value >= low && value <= high))
        return -1;
    *number = value;
    return 0;
}

static int read_live_number(const char *text, auth_settings *settings)
{
    unsigned long number;
    if (text_read_number(text, 1, VE_FACE_MAX_KEPT, &number) != 0)
        return -1;
    settings->frames = (unsigned)number;
    return 0;
}

enum {
    OPTION_STORE = 256,
    OPTION_THRESHOLD,
    OPTION_FAR,
    OPTION_DETECTOR,
    OPTION_COMPATIBLE,
    OPTION_ALIGNED,
    OPTION_CAMERA,
    OPTION_TIMEOUT,
    OPTION_FRAMES,
    OPTION_ADD,
    OPTION_JSON,
    OPTION_DEBUG
};

static const struct option long_options[] = {{"store", required_argument, NULL, OPTION_STORE},
                                             {"model", required_argument, NULL, 'm'},
                                             {"threshold", required_argument, NULL, OPTION_THRESHOLD},
                                             {"far", required_argument, NULL, OPTION_FAR},
                                             {"detector", required_argument, NULL, OPTION_DETECTOR},
                                             {"compatible", required_argument, NULL, OPTION_COMPATIBLE},
                                             {"aligned", no_argument, NULL, OPTION_ALIGNED},
                                             {"camera", required_argument, NULL, OPTION_CAMERA},
                                             {"timeout", required_argument, NULL, OPTION_TIMEOUT},
                                             {"frames", required_argument, NULL, OPTION_FRAMES},
                                             {"add", no_argument, NULL, OPTION_ADD},
                                             {"json", no_argument, NULL, OPTION_JSON},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"debug", no_argument, NULL, OPTION_DEBUG},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

/* Options with a number. 0, or -1 when a mistake was reported. */
static int read_number(int option, auth_settings *settings)
{
    const char *mistake = NULL;
    if (option == OPTION_THRESHOLD && read_threshold(optarg, settings) != 0)
        mistake = "--threshold: want a number from 0.2 to 0.95, not ";
    if (option == OPTION_FAR && read_real(optarg, 1e-9, 0.1, &settings->false_accept_rate) != 0)
        mistake = "--far: want a rate up to 0.1, such as 1e-3, not ";
    if (option == OPTION_TIMEOUT && read_real(optarg, 1, 600, &settings->timeout) != 0)
        mistake = "--timeout: want 1 to 600 seconds, not ";
    if (option == OPTION_FRAMES && read_live_number(optarg, settings) != 0)
        mistake = "--frames: want a number from 1 to 16, not ";
    if (mistake)
        usage_error(settings, mistake, optarg);
    return mistake ? -1 : 0;
}

/* 0: go on; 1: printed what was asked for; -1: a mistake was reported. */
static int read_option(int option, auth_settings *settings)
{
    switch (option) {
    case OPTION_STORE:
        settings->store = optarg;
        return 0;
    case 'm':
        settings->model = optarg;
        return 0;
    case OPTION_COMPATIBLE:
        if (strlen(optarg) != 64 || strspn(optarg, "0123456789abcdef") != 64)
            return usage_error(settings, "--compatible: want 64 hex digits in lower case, not ", optarg), -1;
        settings->compatible = optarg;
        return 0;
    case OPTION_ADD:
        settings->add = 1;
        return 0;
    case OPTION_JSON:
        settings->as_json = 1;
        return 0;
    case OPTION_DEBUG:
        settings->is_debug = 1;
        return 0;
    case 'q':
        settings->is_quiet = 1;
        return 0;
    case OPTION_THRESHOLD:
    case OPTION_FAR:
    case OPTION_TIMEOUT:
    case OPTION_FRAMES:
        return read_number(option, settings);
    case OPTION_DETECTOR:
        settings->detector = optarg;
        return 0;
    case OPTION_CAMERA:
        settings->camera = optarg;
        return 0;
    case OPTION_ALIGNED:
        settings->is_aligned = 1;
        return 0;
    case 'h':
        fputs(help, stdout);
        return 1;
    case 'V':
        printf("faceauth %s\n", ve_version());
        return 1;
    default: /* getopt has said what is wrong */
        fputs("Try `faceauth --help`.\n", stderr);
        return -1;
    }
}

static auth_outcome check_arguments(const auth_command *command, const auth_settings *settings)
{
    if (command->takes_name && !settings->name)
        return usage_error(settings, command->name, ": whose name?");
    if (command->takes_name && decide_name_problem(settings->name))
        return report(settings, TROUBLE, "bad_name", NULL, "%s", decide_name_problem(settings->name));
    if (settings->camera && (settings->picture_count || !command->fewest_pictures))
        return usage_error(settings, command->name,
                           ": --camera goes with a command that looks at faces, without pictures");
    if (settings->has_threshold && settings->false_accept_rate > 0)
        return usage_error(settings, command->name, ": --far and --threshold exclude each other");
    if (settings->picture_count < command->fewest_pictures && !source_is_wanted(settings))
        return usage_error(settings, command->name, ": no picture was given");
    if (settings->picture_count > command->most_pictures)
        return usage_error(settings, command->name,
                           command->most_pictures ? ": too many pictures" : ": takes no pictures");
    if (settings->add && command->run != command_register)
        return usage_error(settings, command->name, ": --add goes with register alone");
    return ACCEPTED;
}

static auth_outcome run_command(char **words, size_t count, const auth_settings *common)
{
    const auth_command *command = NULL;
    auth_settings settings = *common;
    settings.command = words[0];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(words[0], commands[i].name) == 0)
            command = &commands[i];
    if (!command)
        return usage_error(&settings, "no such command: ", words[0]);
    size_t used = 1;
    if (command->takes_name && count > 1)
        settings.name = words[used++];
    settings.pictures = words + used;
    settings.picture_count = count - used;
    auth_outcome outcome = check_arguments(command, &settings);
    return outcome == ACCEPTED ? command->run(&settings) : outcome;
}

int main(int argc, char **argv)
{
    auth_settings settings;
    int option, stop = 0;
    memset(&settings, 0, sizeof settings);
    settings.command = "";
    if (streams_prepare("faceauth") != 0)
        return TROUBLE;
    while (stop == 0 && (option = getopt_long(argc, argv, "m:qhV", long_options, NULL)) != -1)
        stop = read_option(option, &settings);
    auth_outcome outcome = stop < 0 ? TROUBLE : ACCEPTED;
    if (stop == 0)
        outcome = optind < argc ? run_command(argv + optind, (size_t)(argc - optind), &settings)
                                : prompt_run(&settings, run_command);
    /* Whoever reads the result and not the status must not take a cut line for one. */
    if (streams_finish("faceauth", stdout, "standard output") != 0)
        outcome = TROUBLE;
    return (int)outcome;
}
