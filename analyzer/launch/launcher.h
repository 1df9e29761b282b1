/* SPDX-License-Identifier: MIT */
/*
 * What `run` and `record` share: a session, the program in it, and the loop that drains the one
 * while it waits for the other.
 */
#ifndef ANALYZER_LAUNCH_LAUNCHER_H
#define ANALYZER_LAUNCH_LAUNCHER_H

#include <stdbool.h>
#include <sys/types.h>

#include "analyzer/launch/waiting.h"
#include "analyzer/live/live.h"

/*
 * Opens the trace. `program` is the pid of the program, which waits and has not begun yet. Returns
 * a descriptor and *name (for messages; it must live on), or -1 after saying why on stderr.
 */
typedef int (*launch_open)(void *context, pid_t program, const char **name);

struct launch {
	char **argv;
	bool quiet; /* not a word about what will not be recorded */
	launch_open open_trace;
	/* The program did not start after all: take back what was made for it. May be NULL. */
	void (*discard_trace)(void *context);
	/* A second after a signal that should have ended the program: the trace is up to date. May
	 * be NULL. */
	void (*interrupted)(void *context);
	/* There is a new verdict on a deadlock, or a firmer one; all that stand now. The trace is
	 * up to date. May be NULL. */
	void (*deadlock)(void *context, const struct live_verdict *verdicts, uint32_t count);
	/* Asked often while there are verdicts: whether the program is to be ended now, and all
	 * that came of it. May be NULL. */
	bool (*must_end)(void *context, const struct live_verdict *verdicts, uint32_t count,
			 uint64_t now);
	/* Asked when processes have been inside of a request for stuck_after (ns), and as long as
	 * they are again after each such time: appends those that nobody is about to let go on. May
	 * be NULL. */
	void (*find_stuck)(void *context, const struct pids *waiters, struct stuck_waits *found);
	/* One of them is new; the trace has it. Whether the program is to be ended. */
	bool (*stuck)(void *context, const struct stuck_wait *stuck);
	uint64_t stuck_after;
	uint64_t grace; /* ns from SIGTERM to SIGKILL */
	void *context;
};

/*
 * Runs the program to its end; the trace is whole then. Returns 0 and the wait status, or an exit
 * code (125, 126, 127) after saying why on stderr: then nothing is left behind.
 */
int launch_program(const struct launch *launch, int *status);

/*
 * Drains a session that others record into, until a signal comes or its last process is gone.
 * argv, discard_trace and interrupted are not used, program is 0. Returns 0 or 125.
 */
int launch_attached(const struct launch *launch, const char *session);

#endif
