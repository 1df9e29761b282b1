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

/*
 * Whether one of these, who have waited for long, will wait on because of who is in its way: one
 * who is stopped; or only heirs of a lock whose taker is dead, with nobody above them who has it
 * too (NULL: none). Reads /proc/locks once. The reason is for the caller to free.
 */
char *ci_stuck(const pid_t *waiters, uint32_t count, pid_t program);

#endif
