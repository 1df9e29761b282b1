/* SPDX-License-Identifier: MIT */
/* The trace that a command takes when none is named. */
#ifndef ANALYZER_COMMANDS_NEWEST_H
#define ANALYZER_COMMANDS_NEWEST_H

/*
 * Of flocktrace.*.trace in the working directory and the user's sessions (trace/session.h) the one
 * with the newest record. A session that a `run` or `record` has in use is somebody's business who
 * will report on it: it is taken only where there is nothing else. Says on stderr which it took,
 * whether somebody still records into it, and what it passed over. NULL, with a message on stderr:
 * there is none. The caller frees it.
 */
char *newest_trace(void);

/* The user's session with the newest record into which somebody records now; NULL: none. Says
 * nothing. The caller frees it. */
char *newest_live_session(void);

#endif
