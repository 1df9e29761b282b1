/* SPDX-License-Identifier: MIT */
#include "analyzer/model/waits.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/model/last_words.h"
#include "analyzer/model/lock_table.h"

#define GONE_KEPT      1024		 /* blockers of one wait, at least: the longest */
#define UNEXPLAINED_NS UINT64_C(1000000) /* so much of a wait may be wake-up and noise */
/*
 * From a release to the grant, or to the next hold in the way, nobody blocks: the waiter has to be
 * woken and to get a processor. What takes longer than this on a busy machine was somebody's doing.
 */
#define HAND_OFF_NS UINT64_C(100000000)

static bool in_the_way(const struct held *held, const struct flight *flight)
{
	return held->hold.start < flight->end && flight->start < held->hold.end &&
	       held_conflicts(held, flight->mode);
}

/* Whether any piece of a hold is in the way. */
static bool still_blocked(const struct flight *flight, const struct range_set *set, uint64_t id)
{
	if (!set)
		return false;
	for (uint32_t i = set_first(set, flight->start); i < set->pieces.count; i++) {
		if (set->pieces.items[i].hold.start >= flight->end)
			return false;
		if (set->pieces.items[i].hold.id == id && in_the_way(&set->pieces.items[i], flight))
			return true;
	}
	return false;
}

static void stand(struct flight *flight, struct blocker blocker, uint64_t from)
{
	if (!flight->standing.count) {
		if (flight->blocked_ns && from > flight->blocked_to &&
		    from - flight->blocked_to < HAND_OFF_NS)
			flight->between_ns += from - flight->blocked_to;
		flight->blocked_from = later_of(from, flight->blocked_to);
	}
	flight->newest_blocker = later_of(flight->newest_blocker, blocker.overlap.hold.id);
	vec_push(&flight->standing, blocker);
}

static int longer_first(const void *left, const void *right)
{
	const struct overlap *a = &((const struct blocker *)left)->overlap;
	const struct overlap *b = &((const struct blocker *)right)->overlap;
	uint64_t length_a = a->end - a->begin, length_b = b->end - b->begin;

	if (length_a != length_b)
		return length_a > length_b ? -1 : 1;
	return (a->hold.id > b->hold.id) - (a->hold.id < b->hold.id);
}

/* A writer that starves behind a stream of readers must not collect them all. */
static void forget_the_shortest(struct flight *flight)
{
	if (flight->gone.count < 2 * GONE_KEPT)
		return;
	qsort(flight->gone.items, flight->gone.count, sizeof(*flight->gone.items), longer_first);
	flight->gone_omitted += flight->gone.count - GONE_KEPT;
	flight->gone.count = GONE_KEPT;
}

/* The blocker at this index is out of the way. */
static void leave(struct flight *flight, uint32_t at, uint64_t time, enum hold_end how)
{
	struct blocker blocker = flight->standing.items[at];

	blocker.overlap.end = later_of(time, blocker.overlap.begin);
	blocker.overlap.hold.released = later_of(time, blocker.overlap.hold.granted);
	blocker.overlap.hold.how = how;
	forget_the_shortest(flight);
	vec_push(&flight->gone, blocker);
	vec_remove(&flight->standing, at);
	flight->blocked_to = later_of(flight->blocked_to, time);
	if (!flight->standing.count && flight->blocked_to > flight->blocked_from)
		flight->blocked_ns += flight->blocked_to - flight->blocked_from;
}

static bool is_standing(const struct flight *flight, uint64_t id)
{
	for (uint32_t i = 0; i < flight->standing.count; i++)
		if (flight->standing.items[i].overlap.hold.id == id)
			return true;
	return false;
}

/* A hold that comes back: its release has failed, so it was in the way all along. */
static bool stand_again(struct flight *flight, const struct held *held)
{
	for (uint32_t i = flight->gone.count; i-- > 0;) {
		struct blocker blocker = flight->gone.items[i];

		if (blocker.overlap.hold.id != held->hold.id)
			continue;
		vec_remove(&flight->gone, i);
		blocker.owner = held->owner;
		stand(flight, blocker, blocker.overlap.end);
		return true;
	}
	return false;
}

static void open_blocker(struct flight *flight, const struct held *held)
{
	struct blocker blocker = {
		.overlap = { .hold = held->hold,
			     .begin = later_of(flight->begin, held->hold.granted) },
		.owner = held->owner,
	};

	if (held->hold.id <= flight->newest_blocker &&
	    (is_standing(flight, held->hold.id) || stand_again(flight, held)))
		return;
	stand(flight, blocker, blocker.overlap.begin);
}

static void open_blockers(struct flight *flight, const struct range_set *set)
{
	for (uint32_t i = set_first(set, flight->start); i < set->pieces.count; i++) {
		if (set->pieces.items[i].hold.start >= flight->end)
			return;
		if (in_the_way(&set->pieces.items[i], flight))
			open_blocker(flight, &set->pieces.items[i]);
	}
}

void waits_begin(struct lock_table *table, struct flight *flight)
{
	if (flight->mode == MODE_SHARED && !table->writers)
		return;
	for (uint32_t i = 0; i < table->sets.count; i++)
		if (table->sets.items[i].owner != flight->owner)
			open_blockers(flight, &table->sets.items[i]);
}

void waits_changed(struct lock_table *table, uint32_t owner, uint64_t time, enum hold_end how)
{
	const struct range_set *set;

	if (!table->pending)
		return;
	set = table_set(table, owner);
	for (struct flight *flight = table->pending; flight; flight = flight->next) {
		if (!flight->may_block || flight->owner == owner)
			continue;
		for (uint32_t i = flight->standing.count; i-- > 0;) {
			const struct blocker *blocker = &flight->standing.items[i];

			if (blocker->owner == owner &&
			    !still_blocked(flight, set, blocker->overlap.hold.id))
				leave(flight, i, time, how);
		}
		if (set)
			open_blockers(flight, set);
	}
}

static void hand_over(struct hold *hold, uint32_t gone, uint32_t keeper, uint64_t time)
{
	if (hold->keeper != gone)
		return;
	if (hold->keeper == hold->process)
		hold->taker_until = time;
	hold->keeper = keeper;
	hold->kept_since = time;
}

void waits_handed_over(struct lock_table *table, uint32_t owner, uint32_t gone, uint32_t keeper,
		       uint64_t time)
{
	struct range_set *set = table_set(table, owner);

	for (uint32_t i = 0; set && i < set->pieces.count; i++)
		hand_over(&set->pieces.items[i].hold, gone, keeper, time);
	for (struct flight *flight = table->pending; flight; flight = flight->next)
		for (uint32_t i = 0; i < flight->standing.count; i++)
			if (flight->standing.items[i].owner == owner)
				hand_over(&flight->standing.items[i].overlap.hold, gone, keeper,
					  time);
}

uint64_t waits_last_blocked(const struct flight *flight)
{
	uint64_t last = 0;

	if (flight->standing.count)
		return UINT64_MAX;
	for (uint32_t i = 0; i < flight->gone.count; i++)
		last = later_of(last, flight->gone.items[i].overlap.end);
	return last;
}

static int earlier_first(const void *left, const void *right)
{
	const struct overlap *a = left, *b = right;

	if (a->begin != b->begin)
		return a->begin > b->begin ? 1 : -1;
	return (a->hold.id > b->hold.id) - (a->hold.id < b->hold.id);
}

/* Overlaps without length (the hold went as the wait began) were none. */
static void collect_overlaps(struct model *model, const struct flight *flight, uint64_t finish)
{
	model->overlaps.count = 0;
	for (uint32_t i = 0; i < flight->gone.count; i++) {
		struct overlap overlap = flight->gone.items[i].overlap;

		overlap.end = earlier_of(overlap.end, finish);
		if (overlap.end > overlap.begin)
			vec_push(&model->overlaps, overlap);
	}
	if (model->overlaps.count > 1)
		qsort(model->overlaps.items, model->overlaps.count, sizeof(*model->overlaps.items),
		      earlier_first);
}

/* ns of a wait in which the lock was free, and the waiter on its way. */
static uint64_t hand_off(const struct flight *flight, uint64_t time, enum outcome outcome)
{
	uint64_t tail = time > flight->blocked_to ? time - flight->blocked_to : 0;
	bool granted = outcome == OUTCOME_GRANTED && flight->blocked_ns && tail < HAND_OFF_NS;

	return flight->between_ns + (granted ? tail : 0);
}

static void tell(struct model *model, const struct flight *flight, uint64_t time,
		 enum outcome outcome, int error, bool at_most)
{
	uint64_t duration = time - flight->begin;
	uint64_t tolerated = later_of(UNEXPLAINED_NS, duration / 10);
	uint64_t handed = hand_off(flight, time, outcome);
	uint64_t covered = earlier_of(flight->blocked_ns, duration);
	uint64_t explained = earlier_of(covered + handed, duration);
	struct wait wait = {
		.process = flight->process,
		.tid = flight->tid,
		.file = flight->file,
		.stack = flight->stack,
		.op = flight->op,
		.world = flight->world,
		.mode = flight->mode,
		.fd = flight->fd,
		.start = flight->start,
		.end = flight->end,
		.begin = flight->begin,
		.finish = time,
		.outcome = outcome,
		.error = outcome == OUTCOME_FAILED ? error : 0,
		.overlaps = model->overlaps.items,
		.overlap_count = model->overlaps.count,
		.overlaps_omitted = flight->gone_omitted,
		.covered = covered,
		.hand_off = handed,
		.holder_unknown = duration - explained >= tolerated,
		.at_most = at_most,
	};

	model->quality.unknown_waits += wait.holder_unknown;
	if (model->callbacks.wait)
		model->callbacks.wait(model->callbacks.context, &wait);
}

/*
 * At the end of the trace a holder is proof enough. Without one, a request that is older than a gap
 * in the trace may have been answered inside it.
 */
static bool was_a_wait(const struct model *model, const struct flight *flight, bool blocked_now,
		       uint64_t duration, enum outcome outcome, int error)
{
	if (outcome == OUTCOME_WAITING)
		return blocked_now ||
		       (duration >= WAIT_UNKNOWN_NS && flight->losses == model->losses);
	/* It refuses before it sleeps (posix_lock_inode()); a second time only after a real wait.
	 */
	if (error == EDEADLK)
		return duration >= WAIT_UNKNOWN_NS;
	return duration >= WAIT_UNKNOWN_NS ||
	       (duration >= WAIT_MIN_NS && model->overlaps.count > 0);
}

static bool finish(struct model *model, struct flight *flight, uint64_t time, enum outcome outcome,
		   int error, bool at_most)
{
	bool granted = outcome == OUTCOME_GRANTED, blocked_now;

	if (!flight->may_block)
		return false;
	time = later_of(time, flight->begin);
	blocked_now = find_last_leaver(model, flight, time, granted);
	while (flight->standing.count) {
		uint32_t last = flight->standing.count - 1;
		uint32_t owner = flight->standing.items[last].owner;

		leave(flight, last, unseen_end(model, flight, owner, time, granted).time,
		      HOLD_OPEN);
	}
	collect_overlaps(model, flight, time);
	/* Nobody was seen in its way, and nobody knows whether its process lives: did it wait? */
	if (at_most && outcome == OUTCOME_WAITING && !model->overlaps.count) {
		model->quality.unknown_requests++;
		return false;
	}
	if (!was_a_wait(model, flight, blocked_now, time - flight->begin, outcome, error))
		return false;
	tell(model, flight, time, outcome, error, at_most);
	return true;
}

bool waits_finish(struct model *model, struct flight *flight, uint64_t time, enum outcome outcome,
		  int error)
{
	return finish(model, flight, time, outcome, error, false);
}

void waits_stop(struct model *model, struct flight *flight, uint64_t time, enum outcome outcome,
		bool at_most)
{
	/* The lock became free, and it did not take it: it was not there any more. */
	if (at_most && flight->blocked_ns && !flight->standing.count)
		time = earlier_of(time, flight->blocked_to);
	finish(model, flight, time, outcome, 0, at_most);
}
