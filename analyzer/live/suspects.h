/* SPDX-License-Identifier: MIT */
/*
 * A cheap look before the dear one: by what the processes themselves say they hold, may any of
 * these waits last for ever? Mostly somebody holds what is waited for and works on.
 */
#ifndef ANALYZER_LIVE_SUSPECTS_H
#define ANALYZER_LIVE_SUSPECTS_H

#include "analyzer/base/map.h"
#include "analyzer/live/slots.h"

struct file_name {
	reference name;
	uint64_t device, inode;
};

/* Files as they were announced; by name. */
struct file_names {
	VEC(struct file_name) vec;
	struct map by_name;
};

void file_names_record(struct file_names *names, uint64_t position, const uint64_t *payload);
void file_names_free(struct file_names *names);

enum suspicion {
	SUSPICION_NONE,
	SUSPICION_UNKNOWN, /* nobody says that he holds what somebody waits for */
	SUSPICION_EARLY,   /* one of them has not gone to sleep */
	SUSPICION_YES,
};

enum suspicion suspect(const struct slots *slots, const struct slot_waits *waits,
		       const struct file_names *names, live_find find, const void *context);

#endif
