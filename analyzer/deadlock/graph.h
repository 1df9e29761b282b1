/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom, and who will wait for ever. Agents (threads) run, or wait; a waiting one
 * needs all holds in its way gone, while any one of those who can release a hold can drop it; a
 * wait for children is over when any one of them ends. So neither a cycle nor a knot alone tells:
 * what can go on is crossed out, again and again, and what is left is deadlocked.
 *
 * Knows nothing of locks, files or traces. One thread; time and memory grow linearly.
 */
#ifndef ANALYZER_DEADLOCK_GRAPH_H
#define ANALYZER_DEADLOCK_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

/* How firm it is that nobody can break a knot, the firmest first. */
enum firmness {
	NOBODY_ELSE,	 /* whoever could release waits in it, and all of those are known */
	NOBODY_KNOWN,	 /* whoever is known waits in it; somebody unknown could release */
	NOBODY_WHO_TOOK, /* those who took the locks wait; others who share them could release */
	FIRMNESSES
};

/* Agents each of which waits for all the others, directly or not. */
struct knot {
	enum firmness firmness;
	bool until_timeout;	/* an agent in it has a timer that may end its wait */
	const uint32_t *agents; /* first a shortest cycle, in order: each waits for the next */
	const uint32_t *behind; /* these wait for somebody in it, and nobody waits for them */
	uint32_t count, cycle, behind_count;
};

struct graph;

struct graph *graph_new(void);
void graph_free(struct graph *graph);

/* An agent that runs, until it is said to wait. Agents and holds are numbered 0, 1, … */
uint32_t graph_agent(struct graph *graph);
uint32_t graph_hold(struct graph *graph);
/* `took`: it is who acquired the hold, not only one who shares it. */
void graph_can_release(struct graph *graph, uint32_t agent, uint32_t hold, bool took);
/* Somebody who is not an agent may release it, too. A hold that nobody can release is in nobody's
 * way: who has it is not known at all. */
void graph_unknown_releaser(struct graph *graph, uint32_t hold);
/* The agent waits for this hold to go, and for each other that it waits for. */
void graph_waits_for(struct graph *graph, uint32_t agent, uint32_t hold);
/* The agent waits for the end of this one, or of any other that it awaits. */
void graph_awaits(struct graph *graph, uint32_t agent, uint32_t other);
/* Of those that it awaits, somebody who is not an agent may end. */
void graph_awaits_unknown(struct graph *graph, uint32_t agent);
/* A timer is armed that may end its wait. */
void graph_has_timer(struct graph *graph, uint32_t agent);

/* All knots, the firmest first, then by their lowest agent; once. Belongs to the graph. */
const struct knot *graph_solve(struct graph *graph, uint32_t *count);
/* After that: whether somebody in no knot, nor behind one, can release a hold that a member of a
 * knot waits for: then it looks again at what else is in its way. */
bool graph_may_wake(const struct graph *graph, uint32_t agent);
/* Whether it is in a knot, or behind one. */
bool graph_is_tied(const struct graph *graph, uint32_t agent);

#endif
