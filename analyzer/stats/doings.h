/* SPDX-License-Identifier: MIT */
/* What holders were seen doing: the newest of it, to be asked for what one of them did in a while.
 */
#ifndef ANALYZER_STATS_DOINGS_H
#define ANALYZER_STATS_DOINGS_H

#include "analyzer/stats/resources.h"

#define DOINGS_KEPT 16384

struct doings {
	struct event *ring; /* EVENT_DOING; NULL: none so far */
	uint64_t count;
};

/* Adds looks, or the sum of other looks. *sum NULL: there are none; else the caller frees it. */
void doing_add(struct doing_looks **sum, enum doing doing, int32_t call, uint64_t looks);
void doing_add_all(struct doing_looks **sum, const struct doing_looks *other);
/* By looks, most first. */
void doing_sort(struct doing_looks *looks);

/* Its looks are those at the holders of a resource, too. */
void doings_event(struct doings *doings, struct resources *resources, const struct event *event);
/* Adds the looks at who keeps this hold, between these times. Looks that were taken partly within
 * count in part. */
void doings_during(const struct doings *doings, const struct hold *hold, uint64_t begin,
		   uint64_t end, struct doing_looks **sum);
void doings_free(struct doings *doings);

#endif
