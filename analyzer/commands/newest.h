/* SPDX-License-Identifier: MIT */
/* The trace that a command takes when none is named. */
#ifndef ANALYZER_COMMANDS_NEWEST_H
#define ANALYZER_COMMANDS_NEWEST_H

/*
 * The newest by modification time of flocktrace.*.trace in the working directory and the user's
 * sessions (trace/session.h); says on stderr which. NULL, with a message on stderr: there is none.
 * The caller frees it.
 */
char *newest_trace(void);

#endif
