/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/poll_time.h"

#include <stdlib.h>

static bool is_own(const struct request *first, const struct hold *hold)
{
	return hold->ownership == first->ownership && hold->process == first->process &&
	       (hold->ownership == OWNED_BY_PROCESS || hold->fd == first->fd);
}

static bool in_the_way(const struct poll_episode *episode, const struct hold *hold)
{
	const struct request *first = &episode->first;

	if (hold->file != first->file || hold->world != first->world || is_own(first, hold))
		return false;
	for (unsigned i = 0; i < episode->wanted_count; i++) {
		const struct poll_wanted *wanted = &episode->wanted[i];

		if (hold->start < wanted->end && wanted->start < hold->end &&
		    (hold->mode == MODE_EXCLUSIVE || wanted->mode == MODE_EXCLUSIVE))
			return true;
	}
	return false;
}

static int longest_first(const void *left, const void *right)
{
	const struct overlap *a = left, *b = right;
	uint64_t x = a->end - a->begin, y = b->end - b->begin;

	if (x != y)
		return x > y ? -1 : 1;
	return (a->hold.id > b->hold.id) - (a->hold.id < b->hold.id);
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void keep_overlap(struct poll_episode *episode, const struct overlap *overlap)
{
	if (episode->overlaps.count == POLL_OVERLAPS_KEPT) {
		qsort(episode->overlaps.items, POLL_OVERLAPS_KEPT, sizeof(*overlap), longest_first);
		episode->overlaps.count /= 2;
		episode->omitted += POLL_OVERLAPS_KEPT / 2;
	}
	vec_push(&episode->overlaps, *overlap);
}

static void add(struct poll_episode *episode, const struct hold *hold)
{
	uint64_t since = episode->first.begin;
	uint64_t begin = later_of(hold->granted, since), end = hold->released;
	struct overlap overlap = { .hold = *hold, .begin = begin, .end = end };

	if (hold->gone <= since)
		return;
	if (episode->maybe.count == POLL_SPANS_KEPT) {
		episode->spans_lost = true;
		return;
	}
	vec_push(&episode->maybe, (struct poll_span){ later_of(hold->asked, since), hold->gone });
	if (begin >= end)
		return;
	vec_push(&episode->held, (struct poll_span){ begin, end });
	keep_overlap(episode, &overlap);
}

/* Pieces of one grant have its id. */
static bool knows(const struct poll_episode *episode, const struct hold *hold)
{
	for (uint32_t i = 0; i < episode->overlaps.count; i++) {
		const struct hold *known = &episode->overlaps.items[i].hold;

		if (known->id == hold->id && known->start == hold->start)
			return true;
	}
	return false;
}

void poll_time_absorb(struct poll_episode *episode, const struct poll_episode *other)
{
	for (uint32_t i = 0; i < other->held.count; i++)
		vec_push(&episode->held, other->held.items[i]);
	for (uint32_t i = 0; i < other->maybe.count; i++)
		vec_push(&episode->maybe, other->maybe.items[i]);
	for (uint32_t i = 0; i < other->overlaps.count; i++)
		if (!knows(episode, &other->overlaps.items[i].hold))
			keep_overlap(episode, &other->overlaps.items[i]);
	episode->omitted += other->omitted;
	episode->spans_lost |= other->spans_lost;
}

void polls_hold(struct polls *polls, const struct hold *hold)
{
	/* Those that are open at the end are asked for by then. */
	if (hold->how == HOLD_OPEN && polls->model)
		return;
	for (struct poll_episode *episode = polls_on(polls, hold->file); episode;
	     episode = episode->next)
		if (in_the_way(episode, hold))
			add(episode, hold);
}

/* What is held now, or being given up. */
static void add_open_holds(struct polls *polls, struct poll_episode *episode, uint64_t finish)
{
	uint32_t open, ending;

	if (!polls->model)
		return;
	open = model_holds(polls->model, episode->first.file, NULL, 0);
	ending = model_ending(polls->model, episode->first.file, NULL, 0);
	if (!open && !ending)
		return;
	vec_reserve(&polls->holds, open + ending);
	model_holds(polls->model, episode->first.file, polls->holds.items, open);
	model_ending(polls->model, episode->first.file, polls->holds.items + open, ending);
	for (uint32_t i = 0; i < open + ending; i++) {
		struct hold *hold = &polls->holds.items[i];

		if (i < open)
			hold->released = hold->gone = finish;
		if (in_the_way(episode, hold))
			add(episode, hold);
	}
}

static int span_order(const void *left, const void *right)
{
	const struct poll_span *a = left, *b = right;

	return a->begin != b->begin ? (a->begin > b->begin ? 1 : -1)
				    : (a->end > b->end) - (a->end < b->end);
}

static int overlap_order(const void *left, const void *right)
{
	const struct overlap *a = left, *b = right;

	if (a->begin != b->begin)
		return a->begin > b->begin ? 1 : -1;
	return (a->hold.id > b->hold.id) - (a->hold.id < b->hold.id);
}

/* In order, cut at the end, without overlaps; returns how many are left. */
static uint32_t unite(struct poll_span *spans, uint32_t given, uint64_t finish)
{
	uint32_t count = 0;

	if (given)
		qsort(spans, given, sizeof(*spans), span_order);
	for (uint32_t i = 0; i < given; i++) {
		struct poll_span span = spans[i];

		if (span.end > finish)
			span.end = finish;
		if (span.begin > span.end)
			continue;
		if (count && span.begin <= spans[count - 1].end)
			spans[count - 1].end = later_of(spans[count - 1].end, span.end);
		else
			spans[count++] = span;
	}
	return count;
}

static uint64_t length_of(const struct poll_span *spans, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += spans[i].end - spans[i].begin;
	return sum;
}

/* Of the time between two tries; *at: the first span that may reach into it. */
static uint64_t held_between(const struct poll_episode *episode, uint64_t begin, uint64_t end,
			     uint32_t *at)
{
	uint64_t sum = 0;

	while (*at < episode->held.count && episode->held.items[*at].end <= begin)
		++*at;
	for (uint32_t i = *at; i < episode->held.count && episode->held.items[i].begin < end; i++) {
		const struct poll_span *span = &episode->held.items[i];

		sum += (span->end < end ? span->end : end) - later_of(span->begin, begin);
	}
	return sum;
}

/* Something known can have been in the way of the try; *at as above. */
static bool is_explained(const struct poll_episode *episode, const struct poll_span *try,
			 uint32_t *at)
{
	while (*at < episode->maybe.count && episode->maybe.items[*at].end < try->begin)
		++*at;
	return *at < episode->maybe.count && episode->maybe.items[*at].begin <= try->end;
}

/* Free: what no hold covers, after a try whose failure a known hold explains. */
static uint64_t free_time(const struct poll_episode *episode, uint64_t finish)
{
	uint32_t count = episode->tries.count, at_held = 0, at_maybe = 0;
	uint64_t sum = 0;

	if (episode->spans_lost)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct poll_span *try = &episode->tries.items[i];
		uint64_t end = i + 1 < count ? episode->tries.items[i + 1].begin : finish;
		uint64_t held;

		if (try->begin >= end)
			continue;
		held = held_between(episode, try->begin, end, &at_held);
		if (is_explained(episode, try, &at_maybe))
			sum += end - try->begin - held;
	}
	return sum;
}

void poll_time_divide(struct polls *polls, struct poll_episode *episode, struct wait *wait,
		      struct poll *poll)
{
	uint32_t count = 0;

	add_open_holds(polls, episode, wait->finish);
	episode->held.count = unite(episode->held.items, episode->held.count, wait->finish);
	episode->maybe.count = unite(episode->maybe.items, episode->maybe.count, wait->finish);
	wait->covered = length_of(episode->held.items, episode->held.count);
	poll->free = wait->hand_off = free_time(episode, wait->finish);
	wait->holder_unknown = wait->covered + poll->free < wait->finish - wait->begin;
	for (uint32_t i = 0; i < episode->overlaps.count; i++) {
		struct overlap overlap = episode->overlaps.items[i];

		if (overlap.end > wait->finish)
			overlap.end = wait->finish;
		if (overlap.begin < overlap.end)
			episode->overlaps.items[count++] = overlap;
	}
	episode->overlaps.count = count;
	if (count)
		qsort(episode->overlaps.items, count, sizeof(*episode->overlaps.items),
		      overlap_order);
	wait->overlaps = episode->overlaps.items;
	wait->overlap_count = count;
	wait->overlaps_omitted = (uint32_t)episode->omitted;
}

void poll_time_prepend(struct polls *polls, struct poll_episode *episode, const struct wait *wait,
		       struct wait *whole, struct poll *poll)
{
	struct wait before = { .begin = whole->begin, .finish = wait->begin };

	if (before.finish < before.begin)
		before.finish = before.begin;
	poll_time_divide(polls, episode, &before, poll);
	for (uint32_t i = 0; i < wait->overlap_count; i++)
		vec_push(&episode->overlaps, wait->overlaps[i]);
	whole->overlaps = episode->overlaps.items;
	whole->overlap_count = episode->overlaps.count;
	whole->overlaps_omitted += before.overlaps_omitted;
	whole->covered += before.covered;
	whole->hand_off += before.hand_off;
	whole->holder_unknown |= before.holder_unknown;
}
