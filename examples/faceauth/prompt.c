/* SPDX-License-Identifier: MIT */
/* Commands at a prompt. On a terminal lines can be edited, where libedit was there to build with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faceauth.h"

#ifdef FACEAUTH_EDIT
#include <editline/readline.h>
#endif

#define MAX_LINE  8192
#define MAX_WORDS 80

static const char prompt_text[] = "faceauth> ";
static const char prompt_help[] =
    "register NAME [PICTURE...]   login NAME [PICTURE...]   identify [PICTURE]\n"
    "list   remove NAME   unlock NAME   calibrate   quit\n"
    "Names with spaces stand in quotes. Without pictures the --camera is looked at.\n";

/* The next line, without its end, in memory that the caller frees; NULL at the end of the input. */
static char *read_line(int is_terminal)
{
#ifdef FACEAUTH_EDIT
    if (is_terminal) {
        char *edited = readline(prompt_text);
        if (edited && *edited)
            add_history(edited);
        return edited;
    }
#endif
    char *line = malloc(MAX_LINE);
    if (is_terminal) {
        fputs(prompt_text, stdout);
        fflush(stdout);
    }
    if (!line || !fgets(line, MAX_LINE, stdin)) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Cuts a line into words, in place. '...' and "..." hold spaces together. -1: too many words, or a quote
 * without its partner. */
static int split(char *line, char **words, size_t *count)
{
    char *to = line;
    *count = 0;
    while (*(line += strspn(line, " \t"))) {
        char quote = '\0';
        if (*count == MAX_WORDS)
            return -1;
        words[(*count)++] = to;
        for (; *line && (quote || (*line != ' ' && *line != '\t')); line++) {
            if (*line == quote)
                quote = '\0';
            else if (!quote && (*line == '\'' || *line == '"'))
                quote = *line;
            else
                *to++ = *line;
        }
        if (quote)
            return -1;
        line += *line != '\0';
        *to++ = '\0';
    }
    return 0;
}

/* 0: go on; 1: leave. */
static int run_line(char *line, const auth_settings *settings, command_runner *run, auth_outcome *outcome)
{
    char *words[MAX_WORDS];
    size_t count;
    if (split(line, words, &count) != 0) {
        fputs("faceauth: a quote without its partner, or too many words\n", stderr);
        *outcome = TROUBLE;
        return 0;
    }
    if (count == 0)
        return 0;
    if (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)
        return 1;
    if (strcmp(words[0], "help") == 0)
        fputs(prompt_help, stdout);
    else
        *outcome = run(words, count, settings);
    return 0;
}

auth_outcome prompt_run(const auth_settings *settings, command_runner *run)
{
    auth_settings common = *settings;
    auth_outcome outcome = ACCEPTED;
    int is_terminal = isatty(STDIN_FILENO), leave = 0;
    common.in_prompt = 1;
    if (is_terminal)
        fputs(prompt_help, stdout);
    while (!leave) {
        char *line = read_line(is_terminal);
        if (!line)
            break;
        leave = run_line(line, &common, run, &outcome);
        fflush(stdout);
        free(line);
    }
    return outcome;
}
