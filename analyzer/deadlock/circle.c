/* SPDX-License-Identifier: MIT */
/* The circle that a request would have closed. */
#include "analyzer/deadlock/look.h"

struct search {
	const struct look *look;
	uint32_t first;	  /* agent */
	uint32_t *before; /* by agent; NONE: not reached */
	VEC(uint32_t) queue;
	uint32_t last; /* who waits for the first one's process; NONE: nobody so far */
};

static void reach(struct search *search, uint32_t agent, uint32_t from)
{
	const struct who *who = &search->look->whos.items[agent];

	if (who->process == search->look->whos.items[search->first].process) {
		if (search->last == NONE)
			search->last = from;
		return;
	}
	if (search->before[agent] != NONE || !who->waits || who->wait.waits_for != WAITS_FOR_LOCK)
		return;
	search->before[agent] = from;
	vec_push(&search->queue, agent);
}

static void go_from(struct search *search, uint32_t agent)
{
	const struct look *look = search->look;

	for (uint32_t i = 0; i < look->waits.count; i++)
		for (uint32_t j = 0; look->waits.items[i].agent == agent && j < look->shares.count;
		     j++)
			if (look->shares.items[j].hold == look->waits.items[i].hold)
				reach(search, look->shares.items[j].agent, agent);
}

/* From its end to its begin. */
static void trace_back(const struct search *search, struct knot *circle)
{
	uint32_t count = 1, *agents;

	for (uint32_t at = search->last; at != search->first; at = search->before[at])
		count++;
	agents = xcalloc(count, sizeof(*agents));
	circle->agents = agents;
	circle->count = circle->cycle = count;
	for (uint32_t at = search->last; at != search->first; at = search->before[at])
		agents[--count] = at;
	agents[0] = search->first;
}

bool look_circle(const struct look *look, uint32_t process, uint32_t tid, struct knot *circle)
{
	struct search search = { .look = look, .first = NONE, .last = NONE };

	for (uint32_t i = 0; i < look->whos.count; i++)
		if (look->whos.items[i].process == process && look->whos.items[i].tid == tid &&
		    look->whos.items[i].waits)
			search.first = i;
	if (search.first == NONE)
		return false;
	search.before = xcalloc(look->whos.count, sizeof(*search.before));
	for (uint32_t i = 0; i < look->whos.count; i++)
		search.before[i] = NONE;
	vec_push(&search.queue, search.first);
	for (uint32_t i = 0; i < search.queue.count && search.last == NONE; i++)
		go_from(&search, search.queue.items[i]);
	if (search.last != NONE)
		trace_back(&search, circle);
	free(search.before);
	vec_free(&search.queue);
	return search.last != NONE;
}
