/* SPDX-License-Identifier: MIT */
/* The longest waits, each with its holders: a heap of bounded size. */
#ifndef ANALYZER_STATS_WAITS_H
#define ANALYZER_STATS_WAITS_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/chains.h"
#include "analyzer/stats/doings.h"
#include "analyzer/stats/polls.h"
#include "analyzer/stats/report.h"

struct longest_waits {
	VEC(struct report_wait) heap; /* the shortest kept one is first */
	uint32_t limit;		      /* 0: none */
	uint64_t omitted;
};

/* Keeps a wait if it is long enough. passed: what became of the share of each overlap. */
void longest_waits_add(struct longest_waits *waits, const struct chain_wait *wait,
		       const struct passed_on *passed, const struct doings *doings);
/* Sorts what was kept: longest first. */
void longest_waits_sort(struct longest_waits *waits);
void longest_waits_free(struct longest_waits *waits);

#endif
