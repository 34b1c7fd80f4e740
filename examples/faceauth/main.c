/* SPDX-License-Identifier: MIT */
/* faceauth: registers people from pictures of their faces and tells whether a picture shows one of them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model_path.h"
#include "common/streams.h"
#include "decide.h"
#include "report.h"

static const char help[] =
    "Usage: faceauth [OPTION]... COMMAND ...\n"
    "Registers people from pictures of their faces and recognises them, offline.\n"
    "\n"
    "  register NAME PICTURE...   registers a new person; with --add, pictures of one who\n"
    "                             is registered, if they look like that person\n"
    "  login NAME PICTURE...      is this NAME? Several pictures: their mean decides\n"
    "  identify PICTURE           which registered person is this?\n"
    "  list                       who is registered\n"
    "  remove NAME                removes a person and erases the templates\n"
    "\n"
    "      --store FILE           default $XDG_DATA_HOME/visembed/faces.ves, or\n"
    "                             ~/.local/share/visembed/faces.ves\n"
    "  -m, --model FILE           weight file of a face embedder\n"
    "      --threshold T          cosine similarity, 0.2 to 0.95, higher is stricter (default:\n"
    "                             where the model accepts one stranger in 10000 by mistake)\n"
    "      --add                  with register: see there\n"
    "      --json                 results as JSON, one object a line\n"
    "  -q, --quiet                no notes, and no word when accepted\n"
    "      --debug                show similarities on standard error; they help an attacker\n"
    "  -h, --help                 this text\n"
    "  -V, --version              the version\n"
    "\n"
    "This version has no face detector: a PICTURE must be an aligned, square crop of one\n"
    "face, as the pictures in examples/portraits are. Nor does it know a living face from a\n"
    "photograph of one: it is a convenience, not a lock.\n"
    "\n" MODEL_PATH_HELP "\n"
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

enum { OPTION_STORE = 256, OPTION_THRESHOLD, OPTION_ADD, OPTION_JSON, OPTION_DEBUG };

static const struct option long_options[] = {{"store", required_argument, NULL, OPTION_STORE},
                                             {"model", required_argument, NULL, 'm'},
                                             {"threshold", required_argument, NULL, OPTION_THRESHOLD},
                                             {"add", no_argument, NULL, OPTION_ADD},
                                             {"json", no_argument, NULL, OPTION_JSON},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"debug", no_argument, NULL, OPTION_DEBUG},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

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
        if (read_threshold(optarg, settings) == 0)
            return 0;
        usage_error(settings, "--threshold: want a number from 0.2 to 0.95, not ", optarg);
        return -1;
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
    if (settings->picture_count < command->fewest_pictures)
        return usage_error(settings, command->name, ": no picture was given");
    if (settings->picture_count > command->most_pictures)
        return usage_error(settings, command->name,
                           command->most_pictures ? ": too many pictures" : ": takes no pictures");
    if (settings->add && command->run != command_register)
        return usage_error(settings, command->name, ": --add goes with register alone");
    return ACCEPTED;
}

static auth_outcome run_command(char **arguments, size_t count, auth_settings *settings)
{
    const auth_command *command = NULL;
    settings->command = count ? arguments[0] : "";
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (count && strcmp(arguments[0], commands[i].name) == 0)
            command = &commands[i];
    if (!command)
        return count ? usage_error(settings, "no such command: ", arguments[0])
                     : usage_error(settings, "which command?", "");
    size_t used = 1;
    if (command->takes_name && count > 1)
        settings->name = arguments[used++];
    settings->pictures = arguments + used;
    settings->picture_count = count - used;
    auth_outcome outcome = check_arguments(command, settings);
    return outcome == ACCEPTED ? command->run(settings) : outcome;
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
        outcome = run_command(argv + optind, (size_t)(argc - optind), &settings);
    /* Whoever reads the result and not the status must not take a cut line for one. */
    if (streams_finish("faceauth", stdout, "standard output") != 0)
        outcome = TROUBLE;
    return (int)outcome;
}
