/* SPDX-License-Identifier: MIT */
/* Lock use by site, process or command, while events come in. */
#ifndef ANALYZER_STATS_GROUPS_H
#define ANALYZER_STATS_GROUPS_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/histogram.h"
#include "analyzer/stats/report.h"

struct group_entry {
	struct report_group group;
	struct histogram wait, hold;
};

struct groups {
	VEC(struct group_entry) entries;
	VEC(uint32_t) of; /* by process or stack: its entry, NONE */
	uint32_t unknown; /* entry + 1 of those without a process or stack; 0: none yet */
};

/* The entry of a site or process; made when new. */
struct group_entry *groups_find(struct groups *groups, enum view_by by, uint32_t process,
				uint32_t stack);
/* Adds one to another. */
void group_merge(struct group_entry *into, const struct group_entry *from);
/* Sums up, those of one command into one; what is left stays in `entries`. */
void groups_finish(struct groups *groups, enum view_by by, const struct catalog *catalog);
/* The finished groups, for the caller to free. */
struct report_group *groups_list(const struct groups *groups);
void groups_free(struct groups *groups);

#endif
