/* SPDX-License-Identifier: MIT */
/*
 * Ends the program and all its descendants, those in sessions of their own too, and nobody else:
 * SIGTERM first, SIGKILL for those who are still there when `grace` is over. Descendants are: the
 * children of others, by the kernel's lists; those who were seen to be children before their parent
 * ended; and whoever was started with our session in its environment, which has a name of its own.
 * What the session itself says of pids counts for nothing. Each is signalled through a pidfd, so it
 * can't be another one that has got the same pid.
 */
#ifndef ANALYZER_LAUNCH_ENDING_H
#define ANALYZER_LAUNCH_ENDING_H

#include "analyzer/launch/coverage.h"
#include "analyzer/launch/watch.h"
#include "analyzer/system/descendants.h"

struct target {
	pid_t pid;
	int pidfd;
	bool over;
};

struct ending {
	const struct watch *watch;
	const struct coverage *coverage;
	bool active; /* it has begun */
	bool done;   /* all are gone, or will not go */
	uint64_t kill_at, give_up_at, next_step;
	bool killing;
	VEC(struct target) targets;
	struct pids spared; /* children of ours from before: not orphans of the program */
};

#define ENDING_PAUSE 5 /* ms between two steps */

/* program: our child. Times in ns. From here on orphans of the program come to us. */
void ending_begin(struct ending *ending, const struct watch *watch, const struct coverage *coverage,
		  pid_t program, uint64_t grace, uint64_t now);
/* Nothing if it has not begun. */
void ending_step(struct ending *ending, uint64_t now);
void ending_free(struct ending *ending);

#endif
