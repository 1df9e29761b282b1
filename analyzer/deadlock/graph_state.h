/* SPDX-License-Identifier: MIT */
/* A graph from inside. Private to graph.c and knots.c. */
#ifndef ANALYZER_DEADLOCK_GRAPH_STATE_H
#define ANALYZER_DEADLOCK_GRAPH_STATE_H

#include "analyzer/base/vec.h"
#include "analyzer/deadlock/graph.h"

struct numbers {
	uint32_t *items;
	uint32_t count, room;
};

struct agent {
	struct numbers holds;	   /* that are in its way */
	struct numbers awaits;	   /* any one of these */
	struct numbers awaited_by; /* these await it */
	struct numbers releases;   /* holds that it can release */
	bool awaits_unknown, timer;
	bool tied;	 /* in a knot, or behind one */
	uint32_t knot;	 /* where that is so */
	bool stuck;	 /* at the firmness that is looked at now */
	bool over;	 /* what it awaits can happen */
	uint32_t needed; /* so many terms must come true before it goes on */
};

struct lock {
	struct numbers waiters, releasers;
	uint32_t taker; /* agent, NO_AGENT */
	bool unknown;	/* somebody unknown may release it */
	bool free;
};

#define NO_AGENT UINT32_MAX

struct graph {
	VEC(struct agent) agents;
	VEC(struct lock) locks;
	VEC(struct knot) knots;
};

/* Who could release a hold at this firmness. */
static inline bool counts_as_releaser(const struct lock *lock, uint32_t agent,
				      enum firmness firmness)
{
	return firmness != NOBODY_WHO_TOOK || lock->taker == NO_AGENT || lock->taker == agent;
}

/* Finds the knots among the agents that are stuck and not tied, and what is behind them. */
void knots_find(struct graph *graph, enum firmness firmness);

#endif
