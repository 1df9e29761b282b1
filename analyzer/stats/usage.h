/* SPDX-License-Identifier: MIT */
/*
 * How a resource is shared: how long somebody held it, how many waited at once, who had it in turn.
 * Bounded: of what is forgotten the figures are "at least".
 */
#ifndef ANALYZER_STATS_USAGE_H
#define ANALYZER_STATS_USAGE_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/report.h"

#define USAGE_SPANS 32
#define USAGE_WAITS 64

struct usage_span {
	uint64_t begin, end;
};

struct usage_wait {
	struct usage_span span;
	uint64_t queue; /* how many waited as it ended, with it */
};

/* Somebody waited all the time. */
struct usage_convoy {
	struct usage_span span;
	uint64_t waits;	  /* that have ended in it */
	uint32_t process; /* of one of them */
	bool several;	  /* of others too */
};

struct usage {
	VEC(struct usage_span) held; /* apart from each other, by time; earlier ones are counted */
	uint64_t counted, counted_to;
	VEC(struct usage_wait) waits;	  /* the newest */
	VEC(struct usage_convoy) convoys; /* apart from each other, by time; the newest */
	VEC(uint32_t) processes;	  /* that have had it; the last one is not the newest */
	uint32_t last;			  /* process + 1; 0: nobody yet */
};

void usage_acquired(struct usage *usage, struct resource *counts, uint32_t process);
/*
 * Holds come in the order of their ends, but for those whose end was learnt late: who unlocks and
 * goes to sleep is heard of again after it. Of these the part that lies before what is counted
 * counts only if nobody else can have held then (`alone`).
 */
void usage_held(struct usage *usage, uint64_t granted, uint64_t released, bool alone);
void usage_waited(struct usage *usage, struct resource *counts, const struct wait *wait);
/* ns in which somebody held it. */
uint64_t usage_busy(const struct usage *usage);
void usage_free(struct usage *usage);

#endif
