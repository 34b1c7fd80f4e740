/* SPDX-License-Identifier: MIT */
/* All text: results on standard output, everything else on standard error. */
#include <stdarg.h>
#include <stdio.h>

#include "common/text.h"
#include "report.h"
#include "visembed.h"

#define MAX_MESSAGE 1024

static void write_json(const auth_settings *settings, auth_outcome outcome, const char *reason,
                       const char *name, const char *message)
{
    static const char *const results[] = {"accepted", "rejected", "error"};
    fputs("{\"command\":", stdout);
    text_write_json(stdout, settings->command);
    printf(",\"result\":\"%s\",\"reason\":", results[outcome]);
    reason ? text_write_json(stdout, reason) : (void)fputs("null", stdout);
    fputs(",\"name\":", stdout);
    name ? text_write_json(stdout, name) : (void)fputs("null", stdout);
    fputs(",\"message\":", stdout);
    text_write_json(stdout, message);
    fputs("}\n", stdout);
}

auth_outcome report(const auth_settings *settings, auth_outcome outcome, const char *reason, const char *name,
                    const char *message, ...)
{
    char text[MAX_MESSAGE];
    va_list arguments;
    va_start(arguments, message);
    vsnprintf(text, sizeof text, message, arguments);
    va_end(arguments);
    if (settings->as_json)
        write_json(settings, outcome, reason, name, text);
    else if (outcome != TROUBLE && !(settings->is_quiet && outcome == ACCEPTED))
        printf("%s: %s\n", outcome == ACCEPTED ? "accepted" : "rejected", text);
    if (outcome == TROUBLE)
        fprintf(stderr, "faceauth: %s\n", text);
    return outcome;
}

auth_outcome report_failure(const auth_settings *settings, const char *reason)
{
    return report(settings, TROUBLE, reason, settings->name, "%s", ve_last_error());
}

void report_note(const auth_settings *settings, const char *message, ...)
{
    va_list arguments;
    if (settings->is_quiet)
        return;
    fputs("faceauth: ", stderr);
    va_start(arguments, message);
    vfprintf(stderr, message, arguments);
    va_end(arguments);
    putc('\n', stderr);
}

void report_line(const auth_settings *settings, const char *message, ...)
{
    char text[MAX_MESSAGE];
    va_list arguments;
    va_start(arguments, message);
    vsnprintf(text, sizeof text, message, arguments);
    va_end(arguments);
    if (!settings->as_json) {
        puts(text);
        return;
    }
    fputs("{\"message\":", stdout);
    text_write_json(stdout, text);
    fputs("}\n", stdout);
}

void report_score(const auth_settings *settings, const char *what, float score, float threshold)
{
    if (settings->is_debug)
        fprintf(stderr, "faceauth: debug: %s: similarity %.4f, threshold %.4f\n", what, (double)score,
                (double)threshold);
}

void report_person(const auth_settings *settings, const char *name, size_t templates, const char *added)
{
    if (!settings->as_json) {
        printf("%s\t%zu picture%s\tsince %s\n", name, templates, templates == 1 ? "" : "s",
               *added ? added : "an unknown time");
        return;
    }
    fputs("{\"name\":", stdout);
    text_write_json(stdout, name);
    printf(",\"pictures\":%zu,\"added\":", templates);
    *added ? text_write_json(stdout, added) : (void)fputs("null", stdout);
    fputs("}\n", stdout);
}
