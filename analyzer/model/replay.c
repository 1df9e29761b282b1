/* SPDX-License-Identifier: MIT */
#include "analyzer/model/replay.h"

#include <errno.h>

#include "analyzer/model/descriptors.h"
#include "analyzer/model/flights.h"
#include "analyzer/model/keepers.h"
#include "analyzer/model/lock_table.h"
#include "analyzer/model/waits.h"

/* ---- Whose request it is */

static uint32_t owner_of(struct model *model, struct process *process, const struct event *event)
{
	const struct descriptor *descriptor;

	if (event->file == NONE || event->lock.blocker) /* its fd is somebody's pid */
		return NO_OWNER;
	descriptor = descriptor_locked(model, process, event->lock.fd, event->file,
				       event->lock.inherited, event->time);
	if (event->lock.ownership == OWNED_BY_PROCESS)
		return owner_process(process->index);
	return descriptor ? owner_description(descriptor->description) : NO_OWNER;
}

static struct flight *flight_of(struct model *model, struct process *process,
				const struct event *event)
{
	struct flight *flight = flight_new(model);

	flight->may_block = event->lock.may_block && !event->lock.query;
	flight->query = event->lock.query;
	flight->bad_range = event->lock.bad_range;
	flight->op = event->lock.op;
	flight->world = event->lock.world;
	flight->ownership = event->lock.ownership;
	flight->mode = event->lock.mode;
	flight->process = event->process;
	flight->tid = event->tid;
	flight->file = event->file;
	flight->stack = event->stack;
	flight->fd = event->lock.fd;
	flight->start = event->lock.start;
	flight->end = event->lock.end;
	flight->begin = event->time;
	flight->losses = model->losses;
	flight->stash_end = HOLD_RELEASED;
	if (flight->world == FLOCK_LOCKS) {
		flight->start = 0;
		flight->end = RANGE_TO_EOF;
	}
	flight->bad_range |= flight->start >= flight->end;
	flight->owner = owner_of(model, process, event);
	if (flight->owner != NO_OWNER && owner_is_description(flight->owner))
		description_pin(model, owner_index(flight->owner));
	return flight;
}

/* ---- What a request may give up */

static bool changes_nothing(const struct flight *flight)
{
	return flight->query || flight->mode == MODE_NONE || flight->file == NONE;
}

static void begin_unlock(struct model *model, struct flight *flight, struct lock_table *table)
{
	/* An unlock of who knows what may be of anything. */
	uint64_t start = flight->bad_range ? 0 : flight->start;
	uint64_t end = flight->bad_range ? RANGE_TO_EOF : flight->end;

	flight_weakens(model, flight, flight->file, flight->world, start, end, false);
	table_take(model, table, flight->owner, start, end, flight->begin, HOLD_RELEASED,
		   &flight->stash);
}

/* flock drops the lock it has before it asks for the other. */
static void begin_flock(struct model *model, struct flight *flight, struct lock_table *table)
{
	const struct range_set *own = table_set(table, flight->owner);

	if (own && own->pieces.items[0].hold.mode == flight->mode)
		return;
	flight_weakens(model, flight, flight->file, flight->world, 0, RANGE_TO_EOF, false);
	table_take(model, table, flight->owner, 0, RANGE_TO_EOF, flight->begin, HOLD_RELEASED,
		   &flight->stash);
}

static void begin_shared(struct model *model, struct flight *flight, struct lock_table *table)
{
	uint64_t start = flight->bad_range ? 0 : flight->start;
	uint64_t end = flight->bad_range ? RANGE_TO_EOF : flight->end;

	flight_weakens(model, flight, flight->file, flight->world, start, end, true);
	table_weaken(model, table, flight);
}

static void begin_request(struct model *model, struct flight *flight)
{
	struct lock_table *table;

	if (changes_nothing(flight))
		return;
	table = table_get(model, flight->file, flight->world);
	if (flight->owner != NO_OWNER) {
		if (flight->mode == MODE_UNLOCK)
			begin_unlock(model, flight, table);
		else if (flight->world == FLOCK_LOCKS)
			begin_flock(model, flight, table);
		else if (flight->mode == MODE_SHARED)
			begin_shared(model, flight, table);
	}
	if (flight->mode == MODE_UNLOCK || flight->bad_range)
		return;
	flight_link(table, flight);
	if (flight->may_block)
		waits_begin(table, flight);
}

void replay_request(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	uint32_t thread = thread_speaks(model, process, event);
	struct flight *flight;

	flights_settle(model, process, thread);
	flight = flight_of(model, process, event);
	begin_request(model, flight);
	flight_push(process, thread, flight);
}

/* ---- How it ended */

/* The last descriptor went while the call was under way: its lock went with it. */
static bool description_gone(const struct model *model, const struct flight *flight)
{
	return flight->owner != NO_OWNER && owner_is_description(flight->owner) &&
	       !model->descriptions.items[owner_index(flight->owner)].refs;
}

/* Who has closed the descriptor meanwhile has taken the lock for others who share it. */
static void give_to_keeper(struct model *model, const struct process *process,
			   const struct flight *flight)
{
	const struct descriptor *now = descriptor_find(&process->descriptors, flight->fd);

	if (flight->owner == NO_OWNER || !owner_is_description(flight->owner) ||
	    (now && now->description == owner_index(flight->owner)))
		return;
	keeper_leaves(model, process->index, owner_index(flight->owner));
}

static void granted(struct model *model, const struct process *process, struct flight *flight,
		    bool alone, uint64_t time)
{
	table_end(model, &flight->stash, flight->begin, HOLD_RELEASED);
	if (flight->bad_range) {
		if (flight->weakens && flight->world == RECORD_LOCKS)
			table_stay_weakened(model, table_get(model, flight->file, flight->world),
					    flight);
		return;
	}
	if (description_gone(model, flight)) {
		flight_disown(model, flight);
		flight->doubtful = true; /* whoever came next may have told it first */
	}
	flight_doubt(model, flight, alone);
	table_grant(model, flight, time);
	give_to_keeper(model, process, flight);
	flight_granted(model, flight, time);
}

/* A failed flock conversion has lost what it had, unless it failed before it began. */
static void failed_flock(struct model *model, struct flight *flight, uint64_t time, int error)
{
	struct lock_table *table = table_get(model, flight->file, flight->world);
	const struct range_set *own;

	if (error != EWOULDBLOCK && error != EINTR) {
		table_restore(model, &flight->stash, flight->begin);
		return;
	}
	table_end(model, &flight->stash, flight->begin, HOLD_RELEASED);
	own = table_set(table, flight->owner);
	if (!own || own->pieces.items[0].hold.mode == flight->mode)
		return;
	/* Another thread has got it meanwhile: before or after this one dropped it, who knows. */
	unknown_range(model, flight->owner, flight->file, flight->world, 0, RANGE_TO_EOF);
	table_take(model, table, flight->owner, 0, RANGE_TO_EOF, time, HOLD_RELEASED,
		   &flight->stash);
	table_end(model, &flight->stash, time, HOLD_RELEASED);
}

static bool was_closed_meanwhile(const struct process *process, const struct flight *flight)
{
	const struct descriptor *now = descriptor_find(&process->descriptors, flight->fd);

	return !now || now->since > flight->begin;
}

/*
 * A POSIX lock granted after its fd was closed is taken back, and with it all that the process has
 * on the file; before Linux 6.10 only what was asked for, so that the rest is unknown.
 */
static void taken_back(struct model *model, struct flight *flight, uint64_t time)
{
	struct lock_table *table = table_get(model, flight->file, flight->world);

	if (table_set(table, flight->owner))
		unknown_range(model, flight->owner, flight->file, flight->world, 0, RANGE_TO_EOF);
	table_take(model, table, flight->owner, 0, RANGE_TO_EOF, time, HOLD_CLOSED, &flight->stash);
	table_end(model, &flight->stash, time, HOLD_CLOSED);
}

static void failed(struct model *model, const struct process *process, struct flight *flight,
		   uint64_t time, int error)
{
	if (flight->mode == MODE_UNLOCK)
		table_restore(model, &flight->stash, flight->begin);
	else if (flight->world == FLOCK_LOCKS)
		failed_flock(model, flight, time, error);
	else if (error == EBADF && flight->ownership == OWNED_BY_PROCESS &&
		 was_closed_meanwhile(process, flight))
		taken_back(model, flight, time);
	else if (flight->weakens)
		table_strengthen(model, table_get(model, flight->file, flight->world), flight,
				 time);
}

static void unlocked(struct model *model, struct flight *flight)
{
	model->quality.orphans += !flight->stash.count;
	table_end(model, &flight->stash, flight->begin, HOLD_RELEASED);
}

/* Ends the wait, if the request was one for a lock. */
static bool end_wait(struct model *model, struct flight *flight, const struct event *event,
		     uint64_t time)
{
	enum outcome outcome = event->lock.abandoned ? OUTCOME_ABANDONED
			       : event->lock.error   ? OUTCOME_FAILED
						     : OUTCOME_GRANTED;

	flight_unlink(flight);
	return !flight->query && flight->mode != MODE_UNLOCK &&
	       waits_finish(model, flight, time, outcome, event->lock.error);
}

/* `alone`: the recorder wrote no request, because the call could not block. */
static void finish(struct model *model, const struct process *process, struct flight *flight,
		   const struct event *event, bool alone)
{
	uint64_t time = event->time + event->lock.duration;
	bool waited = end_wait(model, flight, event, time);

	if (event->lock.abandoned) {
		flight_give_up(model, flight);
		return;
	}
	if (!changes_nothing(flight)) {
		if (event->lock.error)
			failed(model, process, flight, time, event->lock.error);
		else if (flight->mode == MODE_UNLOCK)
			unlocked(model, flight);
		else
			granted(model, process, flight, alone, time);
	}
	flight->found = event->lock.blocker;
	flight_tell(model, flight, event->lock.duration, event->lock.error, waited);
	flight_free(model, flight);
}

/* A result that says all there is to say, or whose request is missing. */
static struct flight *begin_late(struct model *model, struct process *process,
				 const struct event *event)
{
	struct flight *flight = flight_of(model, process, event);

	if (event->lock.has_request)
		model->quality.orphans++;
	else
		flight->may_block = false;
	begin_request(model, flight);
	return flight;
}

void replay_result(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	uint32_t thread = thread_speaks(model, process, event);
	struct flight *flight = NULL;

	if (event->lock.has_request)
		flight = flights_match(model, process, thread, event);
	else
		flights_settle(model, process, thread);
	if (!flight)
		flight = begin_late(model, process, event);
	finish(model, process, flight, event, !event->lock.has_request);
}
