/* SPDX-License-Identifier: MIT */
/* Saying at once that there is a deadlock, while the program hangs in it. */
#ifndef ANALYZER_COMMANDS_NOTICE_H
#define ANALYZER_COMMANDS_NOTICE_H

#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/live/live.h"

struct notices {
	VEC(pid_t) children;
};

/*
 * Tells on stderr of those verdicts that are new or firmer, with all who take part, from the trace
 * behind this descriptor; in a process of its own, since looking names up may take seconds.
 */
void notices_tell(struct notices *notices, int trace, const struct live_verdict *verdicts,
		  uint32_t count);

/* Until all has been told. */
void notices_end(struct notices *notices);

#endif
