/* SPDX-License-Identifier: MIT */
/* The subcommands of ve-store, and what they share. */
#ifndef VE_STORE_COMMANDS_H
#define VE_STORE_COMMANDS_H

#include "visembed_seal.h"

enum { EXIT_YES = 0, EXIT_NO = 1, EXIT_TROUBLE = 2 };

typedef struct store_options {
    const char *path;   /* the store */
    const char *target; /* export, import, recover: the other file */
    const char *format; /* export, import: NULL says the target's ending */
    const char *label;  /* remove, list */
    uint64_t id;        /* remove; 0: by label */
    unsigned threads;   /* bench */
    unsigned k;         /* bench */
    int is_json, is_quiet;
    const char *key_file, *passphrase_file;
    const char *new_key_file, *new_passphrase_file; /* compact */
    int unseals;                                    /* compact */
    int creates;                                    /* import: makes the store if there is none, for these: */
    unsigned dim;                                   /* 0: not said */
    uint32_t metric;                                /* ve_metric; 0: cosine */
    const char *model;                              /* fingerprint; NULL: no model */
    ve_store_seal *seal;
} store_options;

int command_info(const store_options *options);
int command_check(const store_options *options);
int command_list(const store_options *options);
int command_export(const store_options *options);
int command_import(const store_options *options);
int command_compact(const store_options *options);
int command_recover(const store_options *options);
int command_remove(const store_options *options);
int command_bench(const store_options *options);
int command_key(const store_options *options);

/* Opens the store, or says why not and returns NULL. */
ve_store *open_store(const store_options *options, uint32_t flags);
/* Says what went wrong, after `what` unless it is NULL; EXIT_TROUBLE. */
int complain(const char *what, ve_status status);
/* Makes the seal that these two name (both NULL: none). 0, or -1 with a message. */
int make_seal(const char *key_file, const char *passphrase_file, ve_store_seal **seal);

#endif
