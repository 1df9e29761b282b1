/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/blame.h"

#include <stdlib.h>

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int by_time(const void *left, const void *right)
{
	const struct blame_edge *a = left, *b = right;
	int order = ORDER(a->time, b->time);

	/* One that leaves goes before one that enters at the same moment. */
	if (!order)
		order = ORDER(a->enters, b->enters);
	return order ? order : ORDER(a->overlap, b->overlap);
}

static void collect_edges(struct blames *blames, const struct wait *wait)
{
	blames->edges.count = 0;
	blames->active.count = 0;
	blames->shares.count = 0;
	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];
		uint64_t begin = overlap->begin > wait->begin ? overlap->begin : wait->begin;
		uint64_t end = overlap->end < wait->finish ? overlap->end : wait->finish;

		vec_push(&blames->shares, 0);
		if (begin >= end)
			continue;
		vec_push(&blames->edges, (struct blame_edge){ begin, i, true });
		vec_push(&blames->edges, (struct blame_edge){ end, i, false });
	}
	if (blames->edges.count)
		qsort(blames->edges.items, blames->edges.count, sizeof(*blames->edges.items),
		      by_time);
}

/* Divides without remainder: the first ones get a nanosecond more, so that nothing is lost. */
static void divide(struct blames *blames, uint64_t time)
{
	uint64_t share = time / blames->active.count, rest = time % blames->active.count;

	for (uint32_t i = 0; i < blames->active.count; i++)
		blames->shares.items[blames->active.items[i]] += share + (i < rest);
}

static void leave(struct blames *blames, uint32_t overlap)
{
	for (uint32_t i = 0; i < blames->active.count; i++) {
		if (blames->active.items[i] == overlap) {
			vec_remove(&blames->active, i);
			return;
		}
	}
}

/* Gives each overlap its share of the wait; returns what is left over. */
static uint64_t share_out(struct blames *blames, const struct wait *wait)
{
	uint64_t now = wait->begin, rest = 0;

	collect_edges(blames, wait);
	for (uint32_t i = 0; i < blames->edges.count; i++) {
		const struct blame_edge *edge = &blames->edges.items[i];

		if (blames->active.count)
			divide(blames, edge->time - now);
		else
			rest += edge->time - now;
		now = edge->time;
		if (edge->enters)
			vec_push(&blames->active, edge->overlap);
		else
			leave(blames, edge->overlap);
	}
	return rest + (wait->finish - now);
}

static uint64_t at_most(uint64_t time, uint64_t limit)
{
	return time < limit ? time : limit;
}

/* `rest`: of the wait, without one of the holds that were kept. */
static struct wait_parts parts_of(const struct wait *wait, uint64_t rest)
{
	uint64_t duration = wait->finish - wait->begin;
	uint64_t uncovered = duration - at_most(wait->covered, duration);
	struct wait_parts parts = { .held = duration - rest };

	parts.omitted = wait->overlaps_omitted ? rest - at_most(rest, uncovered) : 0;
	rest -= parts.omitted;
	parts.hand_off = at_most(rest, wait->hand_off);
	parts.unknown = rest - parts.hand_off;
	return parts;
}

static bool same_blame(const void *context, uint32_t index)
{
	const struct blame *wanted = ((const void *const *)context)[0];
	const struct blames *blames = ((const void *const *)context)[1];
	const struct blame *blame = &blames->entries.items[index].blame;

	return blame->waiter_stack == wanted->waiter_stack &&
	       blame->holder_stack == wanted->holder_stack &&
	       blame->holder_process == wanted->holder_process &&
	       blame->resource == wanted->resource;
}

static struct blame_entry *find(struct blames *blames, const struct blame *wanted)
{
	const void *context[] = { wanted, blames };
	uint64_t hash = hash_u64(hash_u64(wanted->waiter_stack, wanted->holder_stack),
				 hash_u64(wanted->holder_process, wanted->resource));
	uint32_t *at = map_find(&blames->map, hash, same_blame, context);

	if (*at == MAP_NEW) {
		*at = blames->entries.count;
		vec_push(&blames->entries, (struct blame_entry){ .blame = *wanted });
		blames->entries.items[*at].blame.hand_off = 0;
		blames->entries.items[*at].blame.at_most = 0;
	}
	return &blames->entries.items[*at];
}

static void charge(struct blames *blames, const struct blame *to, uint64_t exclusive,
		   uint64_t inclusive)
{
	struct blame_entry *entry = find(blames, to);

	entry->blame.exclusive += exclusive;
	entry->blame.hand_off += to->hand_off;
	entry->blame.at_most += to->at_most;
	entry->blame.inclusive += inclusive;
	if (entry->last != blames->waits) {
		entry->last = blames->waits;
		entry->blame.waits++;
	}
	if (inclusive > entry->longest) {
		entry->longest = inclusive;
		entry->blame.taker = to->taker;
		entry->blame.holder_file = to->holder_file;
		entry->blame.holder_world = to->holder_world;
		entry->blame.holder_start = to->holder_start;
		entry->blame.holder_end = to->holder_end;
	}
}

void blames_next(struct blames *blames)
{
	blames->waits++;
}

void blames_charge(struct blames *blames, const struct wait *wait, uint32_t resource,
		   const struct hold *hold, uint64_t exclusive, uint64_t inclusive,
		   uint64_t hand_off)
{
	struct blame to = {
		.waiter_stack = wait->stack,
		.holder_stack = NONE,
		.holder_process = NONE,
		.taker = NONE,
		.holder_file = NONE,
		.resource = resource,
		.hand_off = hand_off,
		.at_most = wait->at_most ? exclusive : 0,
	};

	if (hold) {
		to.holder_stack = hold->stack;
		to.holder_process = hold->keeper;
		to.taker = hold->keeper == hold->process ? NONE : hold->process;
		to.holder_file = hold->file;
		to.holder_world = hold->world;
		to.holder_start = hold->start;
		to.holder_end = hold->end;
	}
	charge(blames, &to, exclusive, inclusive);
}

struct wait_parts blames_add(struct blames *blames, const struct wait *wait, uint32_t resource)
{
	uint64_t rest = share_out(blames, wait);
	struct wait_parts parts = parts_of(wait, rest);

	blames_next(blames);
	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];

		blames_charge(blames, wait, resource, &overlap->hold, blames->shares.items[i],
			      overlap->end - overlap->begin, 0);
	}
	if (rest)
		blames_charge(blames, wait, resource, NULL, rest, rest, parts.hand_off);
	return parts;
}

static int by_exclusive(const void *left, const void *right)
{
	const struct blame *a = left, *b = right;
	int order = ORDER(b->exclusive, a->exclusive);

	if (!order)
		order = ORDER(a->waiter_stack, b->waiter_stack);
	if (!order)
		order = ORDER(a->holder_stack, b->holder_stack);
	if (!order)
		order = ORDER(a->holder_process, b->holder_process);
	return order ? order : ORDER(a->resource, b->resource);
}

struct blame *blames_finish(const struct blames *blames, const uint32_t *new_resource)
{
	struct blame *sorted = xcalloc(blames->entries.count, sizeof(*sorted));

	for (uint32_t i = 0; i < blames->entries.count; i++) {
		sorted[i] = blames->entries.items[i].blame;
		sorted[i].resource = new_resource[sorted[i].resource];
	}
	qsort(sorted, blames->entries.count, sizeof(*sorted), by_exclusive);
	return sorted;
}

void blames_free(struct blames *blames)
{
	vec_free(&blames->entries);
	vec_free(&blames->edges);
	vec_free(&blames->active);
	vec_free(&blames->shares);
	map_free(&blames->map);
}
