/* SPDX-License-Identifier: MIT */
/*
 * How often logging in as somebody failed, kept beside the store in STORE.attempts (mode 0600), so that neither
 * another process nor a restart forgets it. Nobody is exempt, root neither.
 *
 *   5 failures in a row   the next attempt may come 30 s later, then 60, 120, 240, 300 s after each further one
 *   50 failures           no attempt until `faceauth unlock`
 *   success               forgets the failures
 *
 * An attempt is counted before anything is looked at, so that breaking off is no way round; one in which no
 * face was compared is taken back. A wait is measured by the clock and by the time since the system started,
 * and the longer rest holds: a clock set forward does not shorten it before a restart, one set back never.
 */
#ifndef FACEAUTH_ATTEMPTS_H
#define FACEAUTH_ATTEMPTS_H

#include "faceauth.h"

/* Counts an attempt for settings->name. ACCEPTED: go on. REJECTED after a report: locked. TROUBLE after a
 * report. */
auth_outcome attempts_begin(const auth_settings *settings, const char *store);
/* ACCEPTED forgets all failures, REJECTED leaves this one, unless no face was compared; else it is taken back.
 */
auth_outcome attempts_end(const auth_settings *settings, const char *store, auth_outcome outcome, int compared);
/* Forgets what was counted for settings->name. */
auth_outcome attempts_forget(const auth_settings *settings, const char *store);

#endif
