/* SPDX-License-Identifier: MIT */
/* ve-store: care for a store of embeddings. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common/streams.h"

static const char usage[] =
    "usage: ve-store COMMAND [OPTION...] STORE [FILE]\n"
    "\n"
    "  info STORE            what it holds, which model it belongs to, its room in file and memory\n"
    "  check STORE           reads all of it; 0: sound, 1: damaged, and where\n"
    "  list STORE            id, size of the metadata and label of every vector (--label NAME: of this one)\n"
    "  export STORE FILE     all vectors as npy, fvecs, jsonl or pgcopy\n"
    "  import STORE FILE     adds all vectors of an npy, fvecs or jsonl file (--create --dim N: to a new "
    "store)\n"
    "  compact STORE         frees the room of what was removed; changes the key\n"
    "  recover STORE NEW     makes a new store of everything that is good in a damaged one\n"
    "  remove STORE          removes vectors for good: --id NUMBER or --label NAME; 1: there was none\n"
    "  bench STORE           times searches in it\n"
    "  key FILE              makes a key file\n"
    "\n"
    "  -f, --format NAME     npy, fvecs, jsonl, pgcopy (otherwise as FILE's ending says)\n"
    "  -i, --id NUMBER       -l, --label NAME\n"
    "  -t, --threads N       -k, --count K             for bench\n"
    "      --create          import: makes the store if there is none, for vectors of\n"
    "      --dim N           --metric cosine|inner-product  --model FINGERPRINT (64 hex digits)\n"
    "      --key-file FILE   --passphrase-file FILE    of a sealed store\n"
    "      --new-key-file FILE  --new-passphrase-file FILE  --unseal    compact: from now on\n"
    "      --json            info, check and list as JSON\n"
    "  -q, --quiet           nothing but errors\n"
    "  -h, --help            -V, --version\n"
    "\n"
    "0: done, or sound; 1: check found damage, or remove found nothing to remove; 2: trouble (also: no such\n"
    "store, or one that is damaged). See ve-store(1).\n";

static const struct command {
    const char *name;
    int (*run)(const store_options *options);
    int needs_target;
} commands[] = {
    {"info", command_info, 0},       {"check", command_check, 0},   {"list", command_list, 0},
    {"export", command_export, 1},   {"import", command_import, 1}, {"compact", command_compact, 0},
    {"recover", command_recover, 1}, {"remove", command_remove, 0}, {"bench", command_bench, 0},
    {"key", command_key, 0},
};

enum {
    KEY_FILE = 256,
    PASSPHRASE_FILE,
    NEW_KEY_FILE,
    NEW_PASSPHRASE_FILE,
    UNSEAL,
    JSON,
    CREATE,
    DIM,
    METRIC,
    MODEL
};

static const struct option long_options[] = {
    {"format", required_argument, NULL, 'f'},
    {"id", required_argument, NULL, 'i'},
    {"label", required_argument, NULL, 'l'},
    {"threads", required_argument, NULL, 't'},
    {"count", required_argument, NULL, 'k'},
    {"key-file", required_argument, NULL, KEY_FILE},
    {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
    {"new-key-file", required_argument, NULL, NEW_KEY_FILE},
    {"new-passphrase-file", required_argument, NULL, NEW_PASSPHRASE_FILE},
    {"unseal", no_argument, NULL, UNSEAL},
    {"json", no_argument, NULL, JSON},
    {"create", no_argument, NULL, CREATE},
    {"dim", required_argument, NULL, DIM},
    {"metric", required_argument, NULL, METRIC},
    {"model", required_argument, NULL, MODEL},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int bad_usage(const char *what, const char *value)
{
    fprintf(stderr, "ve-store: %s%s\nTry: ve-store --help\n", what, value);
    return -1;
}

static int read_number(const char *text, uint64_t smallest, uint64_t largest, uint64_t *number)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || value < smallest || value > largest)
        return bad_usage("not a number that fits: ", text);
    *number = value;
    return 0;
}

/* The options that say what a new store is for. */
static int take_new_store(int option, store_options *options)
{
    uint64_t number = 0;
    if (option == CREATE) {
        options->creates = 1;
    } else if (option == MODEL) {
        options->model = optarg;
    } else if (option == DIM) {
        if (read_number(optarg, 1, VE_MAX_DIM, &number) != 0)
            return -1;
        options->dim = (unsigned)number;
    } else if (strcmp(optarg, "cosine") == 0) {
        options->metric = VE_METRIC_COSINE;
    } else if (strcmp(optarg, "inner-product") == 0) {
        options->metric = VE_METRIC_INNER_PRODUCT;
    } else {
        return bad_usage("neither cosine nor inner-product: ", optarg);
    }
    return 0;
}

/* 0: go on, 1: all is done (help), -1: bad. */
static int take_option(int option, store_options *options)
{
    uint64_t number = 0;
    switch (option) {
    case 'f':
        options->format = optarg;
        return 0;
    case 'l':
        options->label = optarg;
        return 0;
    case 'i':
        return read_number(optarg, 1, UINT64_MAX - 1, &options->id);
    case 't':
        if (read_number(optarg, 1, 256, &number) != 0)
            return -1;
        options->threads = (unsigned)number;
        return 0;
    case 'k':
        if (read_number(optarg, 1, 100000, &number) != 0)
            return -1;
        options->k = (unsigned)number;
        return 0;
    case KEY_FILE:
        options->key_file = optarg;
        return 0;
    case PASSPHRASE_FILE:
        options->passphrase_file = optarg;
        return 0;
    case NEW_KEY_FILE:
        options->new_key_file = optarg;
        return 0;
    case NEW_PASSPHRASE_FILE:
        options->new_passphrase_file = optarg;
        return 0;
    case UNSEAL:
        options->unseals = 1;
        return 0;
    case JSON:
        options->is_json = 1;
        return 0;
    case CREATE:
    case DIM:
    case METRIC:
    case MODEL:
        return take_new_store(option, options);
    case 'q':
        options->is_quiet = 1;
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 1;
    case 'V':
        printf("ve-store %s\n", ve_version());
        return 1;
    default:
        return bad_usage("unknown option, or one without its value", "");
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* 0: *command says what to run, 1: done, -1: bad usage. */
static int read_arguments(int argc, char **argv, store_options *options, const struct command **command)
{
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "f:i:l:t:k:qhV", long_options, NULL)) != -1;) {
        int result = take_option(option, options);
        if (result != 0)
            return result;
    }
    if (optind == argc)
        return bad_usage("a command is missing", "");
    *command = find_command(argv[optind]);
    if (!*command)
        return bad_usage("unknown command ", argv[optind]);
    if (argc - optind != 2 + (*command)->needs_target)
        return bad_usage("wrong number of files for ", argv[optind]);
    if ((options->creates || options->dim || options->metric || options->model) &&
        (*command)->run != command_import)
        return bad_usage("--create, --dim, --metric and --model are for import, not for ", argv[optind]);
    if (options->creates != (options->dim != 0))
        return bad_usage("--create and --dim go together", "");
    options->path = argv[optind + 1];
    options->target = (*command)->needs_target ? argv[optind + 2] : NULL;
    return 0;
}

int main(int argc, char **argv)
{
    store_options options = {.k = 10, .threads = 1};
    const struct command *command = NULL;
    if (streams_prepare("ve-store") != 0)
        return EXIT_TROUBLE;
    int next = read_arguments(argc, argv, &options, &command);
    int result = next < 0 ? EXIT_TROUBLE : EXIT_YES;
    if (next == 0) {
        result = EXIT_TROUBLE;
        if (make_seal(options.key_file, options.passphrase_file, &options.seal) == 0)
            result = command->run(&options);
        ve_seal_free(options.seal);
    }
    if (streams_finish("ve-store", stdout, "standard output") != 0)
        return EXIT_TROUBLE;
    return result;
}
