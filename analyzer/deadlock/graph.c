/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/graph.h"

#include "analyzer/deadlock/graph_state.h"

struct graph *graph_new(void)
{
	return xcalloc(1, sizeof(struct graph));
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	for (uint32_t i = 0; i < graph->agents.count; i++) {
		vec_free(&graph->agents.items[i].holds);
		vec_free(&graph->agents.items[i].awaits);
		vec_free(&graph->agents.items[i].awaited_by);
		vec_free(&graph->agents.items[i].releases);
	}
	for (uint32_t i = 0; i < graph->locks.count; i++) {
		vec_free(&graph->locks.items[i].waiters);
		vec_free(&graph->locks.items[i].releasers);
	}
	for (uint32_t i = 0; i < graph->knots.count; i++) {
		free((uint32_t *)graph->knots.items[i].agents);
		free((uint32_t *)graph->knots.items[i].behind);
	}
	vec_free(&graph->agents);
	vec_free(&graph->locks);
	vec_free(&graph->knots);
	free(graph);
}

/* ---- Making */

uint32_t graph_agent(struct graph *graph)
{
	vec_push(&graph->agents, (struct agent){ 0 });
	return graph->agents.count - 1;
}

uint32_t graph_hold(struct graph *graph)
{
	vec_push(&graph->locks, (struct lock){ .taker = NO_AGENT });
	return graph->locks.count - 1;
}

void graph_can_release(struct graph *graph, uint32_t agent, uint32_t hold, bool took)
{
	vec_push(&graph->locks.items[hold].releasers, agent);
	vec_push(&graph->agents.items[agent].releases, hold);
	if (took)
		graph->locks.items[hold].taker = agent;
}

void graph_unknown_releaser(struct graph *graph, uint32_t hold)
{
	graph->locks.items[hold].unknown = true;
}

void graph_waits_for(struct graph *graph, uint32_t agent, uint32_t hold)
{
	vec_push(&graph->agents.items[agent].holds, hold);
	vec_push(&graph->locks.items[hold].waiters, agent);
}

void graph_awaits(struct graph *graph, uint32_t agent, uint32_t other)
{
	vec_push(&graph->agents.items[agent].awaits, other);
	vec_push(&graph->agents.items[other].awaited_by, agent);
}

void graph_awaits_unknown(struct graph *graph, uint32_t agent)
{
	graph->agents.items[agent].awaits_unknown = true;
}

void graph_has_timer(struct graph *graph, uint32_t agent)
{
	graph->agents.items[agent].timer = true;
}

/* ---- Crossing out what can go on */

struct reduction {
	struct graph *graph;
	enum firmness firmness;
	struct numbers going; /* agents whose consequences have not been drawn yet */
};

static void go_on(struct reduction *reduction, uint32_t agent)
{
	reduction->graph->agents.items[agent].stuck = false;
	vec_push(&reduction->going, agent);
}

/* One thing that the agent has waited for has happened. */
static void come_true(struct reduction *reduction, uint32_t agent)
{
	if (!--reduction->graph->agents.items[agent].needed)
		go_on(reduction, agent);
}

static void set_free(struct reduction *reduction, struct lock *lock)
{
	if (lock->free)
		return;
	lock->free = true;
	for (uint32_t i = 0; i < lock->waiters.count; i++)
		come_true(reduction, lock->waiters.items[i]);
}

static void be_over(struct reduction *reduction, uint32_t waiter)
{
	struct agent *agent = &reduction->graph->agents.items[waiter];

	if (agent->over)
		return;
	agent->over = true;
	come_true(reduction, waiter);
}

static void draw_consequences(struct reduction *reduction, uint32_t at)
{
	struct graph *graph = reduction->graph;
	const struct agent *agent = &graph->agents.items[at];

	for (uint32_t i = 0; i < agent->releases.count; i++) {
		struct lock *lock = &graph->locks.items[agent->releases.items[i]];

		if (counts_as_releaser(lock, at, reduction->firmness))
			set_free(reduction, lock);
	}
	for (uint32_t i = 0; i < agent->awaited_by.count; i++)
		be_over(reduction, agent->awaited_by.items[i]);
}

static void prepare(struct graph *graph)
{
	for (uint32_t i = 0; i < graph->locks.count; i++)
		graph->locks.items[i].free = false;
	for (uint32_t i = 0; i < graph->agents.count; i++) {
		struct agent *agent = &graph->agents.items[i];

		agent->stuck = true;
		agent->over = false;
		agent->needed =
			agent->holds.count + (agent->awaits.count || agent->awaits_unknown ? 1 : 0);
	}
}

static void reduce(struct graph *graph, enum firmness firmness)
{
	struct reduction reduction = { .graph = graph, .firmness = firmness };
	bool unknown_acts = firmness == NOBODY_ELSE;

	prepare(graph);
	for (uint32_t i = 0; i < graph->agents.count; i++)
		if (!graph->agents.items[i].needed)
			go_on(&reduction, i);
	for (uint32_t i = 0; i < graph->locks.count; i++) {
		struct lock *lock = &graph->locks.items[i];

		if (!lock->releasers.count || (unknown_acts && lock->unknown))
			set_free(&reduction, lock);
	}
	for (uint32_t i = 0; i < graph->agents.count; i++) {
		const struct agent *agent = &graph->agents.items[i];

		if (agent->awaits_unknown && (unknown_acts || !agent->awaits.count))
			be_over(&reduction, i);
	}
	while (reduction.going.count)
		draw_consequences(&reduction, reduction.going.items[--reduction.going.count]);
	vec_free(&reduction.going);
}

const struct knot *graph_solve(struct graph *graph, uint32_t *count)
{
	for (int firmness = 0; firmness < FIRMNESSES; firmness++) {
		reduce(graph, (enum firmness)firmness);
		knots_find(graph, (enum firmness)firmness);
	}
	*count = graph->knots.count;
	return graph->knots.items;
}

bool graph_may_wake(const struct graph *graph, uint32_t agent)
{
	const struct numbers *holds = &graph->agents.items[agent].holds;

	for (uint32_t i = 0; i < holds->count; i++) {
		const struct numbers *releasers = &graph->locks.items[holds->items[i]].releasers;

		for (uint32_t j = 0; j < releasers->count; j++)
			if (!graph->agents.items[releasers->items[j]].tied)
				return true;
	}
	return false;
}

bool graph_is_tied(const struct graph *graph, uint32_t agent)
{
	return graph->agents.items[agent].tied;
}
