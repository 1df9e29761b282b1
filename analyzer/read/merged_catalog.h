/* SPDX-License-Identifier: MIT */
/* What several recordings point at, in one numbering. Private to merged. */
#ifndef ANALYZER_READ_MERGED_CATALOG_H
#define ANALYZER_READ_MERGED_CATALOG_H

#include "analyzer/base/vec.h"
#include "analyzer/read/intern.h"
#include "analyzer/read/merged.h"
#include "analyzer/read/reader.h"

typedef VEC(uint32_t) number_list;

struct waiter {
	uint32_t process, tid;
};

struct recording {
	const char *path;
	struct reader *reader;
	struct event next;
	bool has_next;
	uint64_t moment; /* of `next`, never before an earlier one */
	uint64_t end;
	bool told;				       /* that it has ended before the others */
	number_list processes, files, modules, stacks; /* ours, by its own */
	VEC(struct waiter) waiters;		       /* inside of a call that waits */
};

struct merged {
	struct recording *recordings;
	uint32_t count;
	struct intern intern;
	struct catalog catalog;
	number_list of; /* by process */
	char *command;
	bool ended;
};

static inline uint32_t ours(const number_list *numbers, uint32_t theirs)
{
	return theirs < numbers->count ? numbers->items[theirs] : NONE;
}

/* What is new in the recording's catalog, and what this event may have changed. */
void merged_refresh(struct merged *merged, struct recording *recording, const struct event *event);
/* Of all together: when the first began and the last ended; there is no one status. */
void merged_sum_up(struct merged *merged);
/* What the recordings learnt to their end. */
void merged_finish_catalog(struct merged *merged);

#endif
