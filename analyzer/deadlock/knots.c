/* SPDX-License-Identifier: MIT */
/* Of the agents that are stuck: which wait for one another, and which only for those. */
#include "analyzer/deadlock/graph_state.h"

struct visit {
	uint32_t agent, next; /* the edge that is looked at next */
};

/* Strongly connected components after Tarjan, without recursion: rings may be long. */
struct search {
	struct graph *graph;
	enum firmness firmness;
	struct numbers *edges; /* by agent: whom it waits for */
	uint32_t *order, *low; /* by agent; order 0: not visited */
	bool *open;	       /* by agent: on the stack */
	uint32_t visited;
	struct numbers stack;
	VEC(struct visit) path;
};

static void add_edge(struct search *search, uint32_t from, uint32_t to)
{
	if (search->graph->agents.items[to].stuck)
		vec_push(&search->edges[from], to);
}

static void find_edges(struct search *search, uint32_t at)
{
	const struct graph *graph = search->graph;
	const struct agent *agent = &graph->agents.items[at];

	for (uint32_t i = 0; i < agent->holds.count; i++) {
		const struct lock *lock = &graph->locks.items[agent->holds.items[i]];

		for (uint32_t j = 0; !lock->free && j < lock->releasers.count; j++)
			if (counts_as_releaser(lock, lock->releasers.items[j], search->firmness))
				add_edge(search, at, lock->releasers.items[j]);
	}
	for (uint32_t i = 0; !agent->over && i < agent->awaits.count; i++)
		add_edge(search, at, agent->awaits.items[i]);
}

static int by_number(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* ---- The order in which a knot is told */

#define STEPS_MAX 100000 /* then the shortest cycle so far will do */

struct walk {
	const struct search *search;
	bool *inside;		/* by agent: of this knot */
	uint32_t *from, *depth; /* by agent; depth 0: not reached yet */
	struct numbers reached; /* in this order */
	uint32_t steps;		/* of all walks */
};

static void reach(struct walk *walk, uint32_t agent, uint32_t from, uint32_t depth)
{
	walk->from[agent] = from;
	walk->depth[agent] = depth;
	vec_push(&walk->reached, agent);
}

/* The last agent on a shortest way from this one back to it, if that has fewer than so many;
 * NO_AGENT: none. */
static uint32_t find_way_back(struct walk *walk, uint32_t first, uint32_t limit)
{
	for (uint32_t i = 0; i < walk->reached.count; i++)
		walk->depth[walk->reached.items[i]] = 0;
	walk->reached.count = 0;
	reach(walk, first, NO_AGENT, 1);
	for (uint32_t i = 0; i < walk->reached.count; i++) {
		uint32_t at = walk->reached.items[i];
		const struct numbers *edges = &walk->search->edges[at];

		if (walk->depth[at] >= limit)
			break;
		for (uint32_t j = 0; j < edges->count; j++, walk->steps++) {
			uint32_t to = edges->items[j];

			if (to == first)
				return at;
			if (walk->inside[to] && !walk->depth[to])
				reach(walk, to, at, walk->depth[at] + 1);
		}
	}
	return NO_AGENT;
}

/* Into `cycle`, in order; how many they are. */
static uint32_t find_shortest_cycle(struct walk *walk, const uint32_t *agents, uint32_t count,
				    uint32_t *cycle)
{
	uint32_t length = count + 1;

	for (uint32_t i = 0; i < count && length > 1 && walk->steps <= STEPS_MAX; i++) {
		uint32_t at = find_way_back(walk, agents[i], length);

		if (at == NO_AGENT)
			continue;
		length = walk->depth[at];
		for (uint32_t place = length; place-- > 0; at = walk->from[at])
			cycle[place] = at;
	}
	return length;
}

static uint32_t put_cycle_first(const struct search *search, uint32_t *agents, uint32_t count)
{
	uint32_t size = search->graph->agents.count, length, to;
	uint32_t *told = xcalloc(count, sizeof(*told));
	struct walk walk = {
		.search = search,
		.inside = xcalloc(size, sizeof(*walk.inside)),
		.from = xcalloc(size, sizeof(*walk.from)),
		.depth = xcalloc(size, sizeof(*walk.depth)),
	};

	for (uint32_t i = 0; i < count; i++)
		walk.inside[agents[i]] = true;
	to = length = find_shortest_cycle(&walk, agents, count, told);
	for (uint32_t i = 0; i < length; i++)
		walk.inside[told[i]] = false;
	for (uint32_t i = 0; i < count; i++)
		if (walk.inside[agents[i]])
			told[to++] = agents[i];
	memcpy(agents, told, count * sizeof(*told));
	free(told);
	free(walk.inside);
	free(walk.from);
	free(walk.depth);
	vec_free(&walk.reached);
	return length;
}

static void tie(struct search *search, uint32_t *agents, uint32_t count)
{
	struct graph *graph = search->graph;
	struct knot knot = { .firmness = search->firmness, .agents = agents, .count = count };

	qsort(agents, count, sizeof(*agents), by_number);
	for (uint32_t i = 0; i < count; i++) {
		graph->agents.items[agents[i]].tied = true;
		graph->agents.items[agents[i]].knot = graph->knots.count;
		knot.until_timeout |= graph->agents.items[agents[i]].timer;
	}
	knot.cycle = put_cycle_first(search, agents, count);
	vec_push(&graph->knots, knot);
}

/* ---- Components */

static bool waits_for_itself(const struct search *search, uint32_t agent)
{
	for (uint32_t i = 0; i < search->edges[agent].count; i++)
		if (search->edges[agent].items[i] == agent)
			return true;
	return false;
}

static void close_component(struct search *search, uint32_t root)
{
	uint32_t first = search->stack.count, count;

	do
		search->open[search->stack.items[--first]] = false;
	while (search->stack.items[first] != root);
	count = search->stack.count - first;
	search->stack.count = first;
	if (count > 1 || waits_for_itself(search, root)) {
		uint32_t *agents = xcalloc(count, sizeof(*agents));

		memcpy(agents, search->stack.items + first, count * sizeof(*agents));
		tie(search, agents, count);
	}
}

static void enter(struct search *search, uint32_t agent)
{
	search->order[agent] = search->low[agent] = ++search->visited;
	search->open[agent] = true;
	vec_push(&search->stack, agent);
	vec_push(&search->path, (struct visit){ .agent = agent });
}

static void lower(struct search *search, uint32_t agent, uint32_t to)
{
	if (search->low[agent] > to)
		search->low[agent] = to;
}

static void leave(struct search *search, uint32_t agent)
{
	if (search->low[agent] == search->order[agent])
		close_component(search, agent);
	search->path.count--;
	if (search->path.count)
		lower(search, search->path.items[search->path.count - 1].agent, search->low[agent]);
}

static void visit_from(struct search *search, uint32_t root)
{
	enter(search, root);
	while (search->path.count) {
		struct visit *top = &search->path.items[search->path.count - 1];
		uint32_t agent = top->agent, to;

		if (top->next == search->edges[agent].count) {
			leave(search, agent);
			continue;
		}
		to = search->edges[agent].items[top->next++];
		if (search->graph->agents.items[to].tied && !search->open[to])
			continue;
		if (!search->order[to])
			enter(search, to);
		else if (search->open[to])
			lower(search, agent, search->order[to]);
	}
}

/* ---- Those behind */

static void put_behind(struct graph *graph, uint32_t agent, uint32_t at)
{
	struct knot *knot = &graph->knots.items[at];
	uint32_t *behind = (uint32_t *)knot->behind;

	behind = xrealloc(behind, (knot->behind_count + 1) * sizeof(*behind));
	behind[knot->behind_count++] = agent;
	knot->behind = behind;
	graph->agents.items[agent].tied = true;
	graph->agents.items[agent].knot = at;
}

/* Backwards from who is tied; whoever is stuck waits for somebody in a knot in the end. */
static void find_behind(const struct search *search)
{
	struct graph *graph = search->graph;
	uint32_t size = graph->agents.count;
	struct numbers *back = xcalloc((size_t)size + 1, sizeof(*back)), queue = { 0 };

	for (uint32_t i = 0; i < size; i++) {
		for (uint32_t j = 0; j < search->edges[i].count; j++)
			vec_push(&back[search->edges[i].items[j]], i);
		if (graph->agents.items[i].tied)
			vec_push(&queue, i);
	}
	for (uint32_t i = 0; i < queue.count; i++) {
		const struct numbers *waiters = &back[queue.items[i]];

		for (uint32_t j = 0; j < waiters->count; j++) {
			if (graph->agents.items[waiters->items[j]].tied)
				continue;
			put_behind(graph, waiters->items[j],
				   graph->agents.items[queue.items[i]].knot);
			vec_push(&queue, waiters->items[j]);
		}
	}
	for (uint32_t i = 0; i < size; i++)
		vec_free(&back[i]);
	free(back);
	vec_free(&queue);
}

void knots_find(struct graph *graph, enum firmness firmness)
{
	size_t size = (size_t)graph->agents.count + 1;
	struct search search = {
		.graph = graph,
		.firmness = firmness,
		.edges = xcalloc(size, sizeof(*search.edges)),
		.order = xcalloc(size, sizeof(*search.order)),
		.low = xcalloc(size, sizeof(*search.low)),
		.open = xcalloc(size, sizeof(*search.open)),
	};

	for (uint32_t i = 0; i < graph->agents.count; i++)
		if (graph->agents.items[i].stuck && !graph->agents.items[i].tied)
			find_edges(&search, i);
	for (uint32_t i = 0; i < graph->agents.count; i++)
		if (graph->agents.items[i].stuck && !graph->agents.items[i].tied &&
		    !search.order[i])
			visit_from(&search, i);
	find_behind(&search);
	for (uint32_t i = 0; i < graph->agents.count; i++)
		vec_free(&search.edges[i]);
	free(search.edges);
	free(search.order);
	free(search.low);
	free(search.open);
	vec_free(&search.stack);
	vec_free(&search.path);
}
