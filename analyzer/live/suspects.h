/* SPDX-License-Identifier: MIT */
/*
 * A cheap look before the dear one: by what the processes themselves say they hold, may any of
 * these waits last for ever? Mostly somebody holds what is waited for and works on.
 */
#ifndef ANALYZER_LIVE_SUSPECTS_H
#define ANALYZER_LIVE_SUSPECTS_H

#include "analyzer/live/files.h"
#include "analyzer/live/slots.h"

/* Waits that may last for ever together. */
struct suspect {
	uint64_t print; /* alike for the same waits */
	bool unknown;	/* nobody says that he holds what they wait for: they may be anything */
	uint32_t first, count; /* of `members` */
};

struct suspects {
	VEC(struct suspect) vec;
	VEC(uint32_t) members; /* of the waits */
	bool early;	       /* there would be more, but somebody has not gone to sleep */
};

void suspects_find(struct suspects *suspects, const struct slots *slots,
		   const struct slot_waits *waits, const struct file_names *names, live_find find,
		   const void *context);
void suspects_free(struct suspects *suspects);

#endif
