/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/doings.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

#define SECOND_NS UINT64_C(1000000000)

void doing_add(struct doing_looks **sum, enum doing doing, int32_t call, uint64_t looks)
{
	struct doing_looks *to;
	uint32_t at = 0;

	if (!looks)
		return;
	if (!*sum)
		*sum = xcalloc(1, sizeof(**sum));
	to = *sum;
	to->looks += looks;
	while (at < to->count && (to->of[at].doing != doing || to->of[at].call != call))
		at++;
	if (at == DOINGS)
		return;
	if (at == to->count)
		to->of[to->count++] = (struct doing_count){ .doing = doing, .call = call };
	to->of[at].looks += looks;
}

void doing_add_all(struct doing_looks **sum, const struct doing_looks *other)
{
	uint64_t rest = other ? other->looks : 0;

	for (uint32_t i = 0; other && i < other->count; i++) {
		doing_add(sum, other->of[i].doing, other->of[i].call, other->of[i].looks);
		rest -= other->of[i].looks;
	}
	if (rest)
		(*sum)->looks += rest;
}

static int most_first(const void *left, const void *right)
{
	const struct doing_count *a = left, *b = right;

	if (a->looks != b->looks)
		return a->looks > b->looks ? -1 : 1;
	if (a->doing != b->doing)
		return a->doing < b->doing ? -1 : 1;
	return (a->call > b->call) - (a->call < b->call);
}

void doing_sort(struct doing_looks *looks)
{
	if (looks)
		qsort(looks->of, looks->count, sizeof(*looks->of), most_first);
}

void doings_event(struct doings *doings, struct resources *resources, const struct event *event)
{
	uint32_t entry = resources_find_held(resources, event->file, event->doing.world,
					     event->doing.start, event->doing.end);

	doing_add(&resources->entries.items[entry].doing, event->doing.doing, event->doing.call,
		  event->doing.looks);
	if (!doings->ring)
		doings->ring = xcalloc(DOINGS_KEPT, sizeof(*doings->ring));
	doings->ring[doings->count++ % DOINGS_KEPT] = *event;
}

static bool is_of(const struct event *event, const struct hold *hold)
{
	return event->process == hold->keeper && event->file == hold->file &&
	       event->doing.world == hold->world && event->doing.start < hold->end &&
	       hold->start < event->doing.end;
}

static uint64_t looks_within(const struct event *event, uint64_t begin, uint64_t end)
{
	uint64_t from = event->doing.since > begin ? event->doing.since : begin;
	uint64_t to = event->time < end ? event->time : end;
	uint64_t whole = event->time - event->doing.since;

	if (from > to)
		return 0;
	return whole ? (event->doing.looks * (to - from) + whole / 2) / whole : event->doing.looks;
}

void doings_during(const struct doings *doings, const struct hold *hold, uint64_t begin,
		   uint64_t end, struct doing_looks **sum)
{
	uint64_t oldest = doings->count > DOINGS_KEPT ? doings->count - DOINGS_KEPT : 0;

	/* They were told in the order of their last looks, about. */
	for (uint64_t i = doings->count; i-- > oldest;) {
		const struct event *event = &doings->ring[i % DOINGS_KEPT];

		if (event->time + SECOND_NS < begin)
			break;
		if (is_of(event, hold))
			doing_add(sum, event->doing.doing, event->doing.call,
				  looks_within(event, begin, end));
	}
}

void doings_free(struct doings *doings)
{
	free(doings->ring);
	doings->ring = NULL;
}
