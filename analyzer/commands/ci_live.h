/* SPDX-License-Identifier: MIT */
/* What `run` ends a program for while it runs. */
#ifndef ANALYZER_COMMANDS_CI_LIVE_H
#define ANALYZER_COMMANDS_CI_LIVE_H

#include "analyzer/live/live.h"
#include "analyzer/render/judge.h"

/*
 * A deadlock that is certain, or has been likely for criteria->stuck_after. Never one that a timer
 * may end. NULL: go on; else the reason, naming all members, for the caller to free.
 */
char *ci_reason_to_end(const struct criteria *criteria, const struct live_verdict *verdicts,
		       uint32_t count, uint64_t now);

#endif
