/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/waits.h"

#include <stdlib.h>

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/* Longest first, but those that were measured before those that lasted so long at most; the rest
 * makes the order the same from run to run. */
static int longer_first(const void *left, const void *right)
{
	const struct report_wait *a = left, *b = right;
	int order = ORDER(a->at_most, b->at_most);

	if (!order)
		order = ORDER(b->duration, a->duration);
	if (!order)
		order = ORDER(a->begin, b->begin);
	if (!order)
		order = ORDER(a->process, b->process);
	return order ? order : ORDER(a->tid, b->tid);
}

static int same_holder_together(const void *left, const void *right)
{
	const struct report_holder *a = left, *b = right;
	int order = ORDER(a->process, b->process);

	if (!order)
		order = ORDER(a->tid, b->tid);
	if (!order)
		order = ORDER(a->taker, b->taker);
	if (!order)
		order = ORDER(a->stack, b->stack);
	if (!order)
		order = ORDER(a->mode, b->mode);
	if (!order)
		order = ORDER(a->start, b->start);
	return order ? order : ORDER(a->end, b->end);
}

static int longer_overlap_first(const void *left, const void *right)
{
	const struct report_holder *a = left, *b = right;
	int order = ORDER(b->overlap, a->overlap);

	return order ? order : same_holder_together(left, right);
}

static bool kept_by_another(const struct hold *hold)
{
	return hold->keeper != hold->process;
}

static void add_passed(struct report_holder *holder, const struct passed_on *passed)
{
	holder->passed_on = passed->ns;
	if (!passed->ns)
		return;
	holder->passed_file = passed->file;
	holder->passed_world = passed->world;
	holder->passed_start = passed->start;
	holder->passed_end = passed->end;
	holder->root_process = passed->root.keeper;
	holder->root_tid = kept_by_another(&passed->root) ? 0 : passed->root.tid;
	holder->root_stack = passed->root.stack;
}

/* Whom it waited for longest stands for all. */
static void merge_passed(struct report_holder *into, const struct report_holder *other)
{
	uint64_t sum = into->passed_on + other->passed_on;
	struct report_holder longer = other->passed_on > into->passed_on ? *other : *into;

	into->passed_on = sum;
	into->passed_file = longer.passed_file;
	into->passed_world = longer.passed_world;
	into->passed_start = longer.passed_start;
	into->passed_end = longer.passed_end;
	into->root_process = longer.root_process;
	into->root_tid = longer.root_tid;
	into->root_stack = longer.root_stack;
}

/* Who comes back again and again with the same lock is one holder. */
static void add_holders(struct report_wait *kept, const struct wait *wait,
			const struct passed_on *passed, const struct doings *doings)
{
	struct report_holder *holders = xcalloc(wait->overlap_count, sizeof(*holders));
	uint32_t count = 0;

	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];

		holders[i] = (struct report_holder){
			.process = overlap->hold.keeper,
			.tid = kept_by_another(&overlap->hold) ? 0 : overlap->hold.tid,
			.taker = kept_by_another(&overlap->hold) ? overlap->hold.process : NONE,
			.stack = overlap->hold.stack,
			.mode = overlap->hold.mode,
			.start = overlap->hold.start,
			.end = overlap->hold.end,
			.overlap = overlap->end - overlap->begin,
			.still_held = wait->outcome != OUTCOME_GRANTED && !wait->at_most &&
				      overlap->end >= wait->finish,
		};
		add_passed(&holders[i], &passed[i]);
		doings_during(doings, &overlap->hold, overlap->begin, overlap->end,
			      &holders[i].doing);
	}
	qsort(holders, wait->overlap_count, sizeof(*holders), same_holder_together);
	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		if (count && !same_holder_together(&holders[count - 1], &holders[i])) {
			holders[count - 1].overlap += holders[i].overlap;
			holders[count - 1].still_held |= holders[i].still_held;
			merge_passed(&holders[count - 1], &holders[i]);
			doing_add_all(&holders[count - 1].doing, holders[i].doing);
			free(holders[i].doing);
		} else {
			holders[count++] = holders[i];
		}
	}
	for (uint32_t i = 0; i < count; i++)
		doing_sort(holders[i].doing);
	qsort(holders, count, sizeof(*holders), longer_overlap_first);
	kept->holders = xrealloc(holders, count * sizeof(*holders));
	kept->holder_count = count;
}

static void free_holders(struct report_wait *wait)
{
	for (uint32_t i = 0; i < wait->holder_count; i++)
		free(wait->holders[i].doing);
	free(wait->holders);
}

static void swap(struct report_wait *a, struct report_wait *b)
{
	struct report_wait old = *a;

	*a = *b;
	*b = old;
}

static void sift_up(struct longest_waits *waits, uint32_t at)
{
	struct report_wait *heap = waits->heap.items;

	for (uint32_t parent; at && longer_first(&heap[at], &heap[parent = (at - 1) / 2]) > 0;
	     at = parent)
		swap(&heap[at], &heap[parent]);
}

static void sift_down(struct longest_waits *waits, uint32_t at)
{
	struct report_wait *heap = waits->heap.items;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= waits->heap.count)
			return;
		if (child + 1 < waits->heap.count &&
		    longer_first(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (longer_first(&heap[child], &heap[at]) <= 0)
			return;
		swap(&heap[child], &heap[at]);
		at = child;
	}
}

void longest_waits_add(struct longest_waits *waits, const struct chain_wait *chain_wait,
		       const struct passed_on *passed, const struct doings *doings)
{
	const struct wait *wait = &chain_wait->wait;
	const struct poll *poll = &chain_wait->poll;
	struct report_wait kept = {
		.process = wait->process,
		.tid = wait->tid,
		.file = wait->file,
		.stack = wait->stack,
		.resource = chain_wait->resource,
		.op = wait->op,
		.world = wait->world,
		.mode = wait->mode,
		.start = wait->start,
		.end = wait->end,
		.begin = wait->begin,
		.duration = wait->finish - wait->begin,
		.outcome = wait->outcome,
		.error = wait->error,
		.holder_unknown = wait->holder_unknown || !wait->overlap_count,
		.at_most = wait->at_most,
		.parts = chain_wait->parts,
		.holds_omitted = wait->overlaps_omitted,
		.poll = poll->never_blocked,
		.gave_up = poll->gave_up,
		.tries = poll->tries,
		.wasted = poll->wasted,
		.free = poll->free,
	};
	bool full = waits->limit && waits->heap.count == waits->limit;

	if (full) {
		waits->omitted++;
		if (longer_first(&kept, &waits->heap.items[0]) >= 0)
			return;
		free_holders(&waits->heap.items[0]);
	}
	add_holders(&kept, wait, passed, doings);
	if (full) {
		waits->heap.items[0] = kept;
		sift_down(waits, 0);
	} else {
		vec_push(&waits->heap, kept);
		sift_up(waits, waits->heap.count - 1);
	}
}

void longest_waits_sort(struct longest_waits *waits)
{
	if (waits->heap.count)
		qsort(waits->heap.items, waits->heap.count, sizeof(*waits->heap.items),
		      longer_first);
}

void longest_waits_free(struct longest_waits *waits)
{
	for (uint32_t i = 0; i < waits->heap.count; i++)
		free_holders(&waits->heap.items[i]);
	vec_free(&waits->heap);
}
