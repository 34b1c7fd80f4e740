/* SPDX-License-Identifier: MIT */
/* All text: results on standard output, everything else on standard error. */
#ifndef FACEAUTH_REPORT_H
#define FACEAUTH_REPORT_H

#include "faceauth.h"

/* Prints a command's result: a sentence, or with --json one object a line with command, result, reason, name
 * and message. -q leaves out the sentence of a command that was accepted. reason is a word for programs: NULL
 * where nothing needs one. name: the person, NULL for none. Returns its second argument. */
auth_outcome report(const auth_settings *settings, auth_outcome outcome, const char *reason, const char *name,
                    const char *message, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;
/* The same for a failed library call; the message is ve_last_error(). */
auth_outcome report_failure(const auth_settings *settings, const char *reason);
/* Standard error, not with -q. */
void report_note(const auth_settings *settings, const char *message, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* A line of a longer result on standard output; with --json an object with "message" alone. */
void report_line(const auth_settings *settings, const char *message, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* A similarity, with --debug only: whoever sees how close an attempt came can climb towards acceptance. */
void report_score(const auth_settings *settings, const char *what, float score, float threshold);
/* One registered person, a line. added: when the first picture came, as text. */
void report_person(const auth_settings *settings, const char *name, size_t templates, const char *added);

#endif
