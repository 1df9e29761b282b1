/* SPDX-License-Identifier: MIT */
/* One look: the wait-for graph of a moment, and who is what in it. */
#ifndef ANALYZER_DEADLOCK_LOOK_H
#define ANALYZER_DEADLOCK_LOOK_H

#include "analyzer/base/map.h"
#include "analyzer/deadlock/deadlock.h"
#include "analyzer/deadlock/graph.h"
#include "analyzer/deadlock/people.h"
#include "analyzer/model/standing.h"

/* By agent. */
struct who {
	uint32_t process, tid; /* tid 0: threads that are not told apart, and run */
	bool waits;	       /* wait.* is filled in */
	uint64_t timer;	       /* ns: when the first that runs runs out; 0: none does */
	struct deadlock_member wait;
};

/* By hold of the graph. */
struct obstacle {
	struct hold hold;
	uint32_t owner;
};

struct edge {
	uint32_t agent, hold;
};

struct look {
	const struct model *model;
	const struct people *people;
	struct graph *graph;
	VEC(struct who) whos;
	VEC(struct obstacle) obstacles;
	struct map agents, holds;
	VEC(struct edge) waits;	 /* who waits for which hold */
	VEC(struct edge) shares; /* who can release which hold */
	uint32_t releasing;	 /* hold whose sharers are being told */
};

/* Timers that have run out before `timers_since` do not count; both times in ns. */
void look_take(struct look *look, const struct model *model, const struct people *people,
	       const struct triers *triers, uint64_t now, uint64_t timers_since);
/*
 * The shortest circle of waits for locks from this thread back to its process: as the kernel goes,
 * any waiting thread of who has a share in a hold stands for it. False: there is none. The agents,
 * from this thread on, are the caller's to free.
 */
bool look_circle(const struct look *look, uint32_t process, uint32_t tid, struct knot *circle);
void look_free(struct look *look);

#endif
