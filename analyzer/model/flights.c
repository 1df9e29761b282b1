/* SPDX-License-Identifier: MIT */
#include "analyzer/model/flights.h"

#include "analyzer/model/descriptors.h"
#include "analyzer/model/lock_table.h"
#include "analyzer/model/waits.h"
#include "analyzer/model/weakenings.h"

#define IDLE_NS UINT64_C(1000000000) /* no successful unlock or close takes so long */

static bool is_window(const struct flight *flight)
{
	return flight->closes || (flight->mode == MODE_UNLOCK && !flight->query);
}

/* ---- Threads */

/* Threads end unannounced: before the list grows, those that are inside of nothing are dropped. */
static void forget_idle_threads(struct model *model, struct process *process, uint64_t now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < process->threads.count; i++) {
		const struct flight *top = process->threads.items[i].top;

		if (top && top->begin + IDLE_NS < now)
			flights_settle(model, process, i);
		if (process->threads.items[i].top)
			process->threads.items[kept++] = process->threads.items[i];
	}
	process->threads.count = kept;
}

uint32_t thread_speaks(struct model *model, struct process *process, const struct event *event)
{
	uint32_t last = process->last_thread, tid = event->tid;

	process->dead = false;				   /* whatever was said of it */
	process->contradicted = process->unknown_ends = 0; /* it is not dead */
	process->last_word = later_of(process->last_word, model->now);
	if (last < process->threads.count && process->threads.items[last].tid == tid)
		return last;
	for (uint32_t i = 0; i < process->threads.count; i++)
		if (process->threads.items[i].tid == tid)
			return process->last_thread = i;
	if (process->threads.count == process->threads.room)
		forget_idle_threads(model, process, event->time);
	vec_push(&process->threads, (struct thread){ .tid = tid });
	return process->last_thread = process->threads.count - 1;
}

/* ---- Life of a flight */

struct flight *flight_new(struct model *model)
{
	struct flight *flight = model->spare;

	if (!flight)
		return xcalloc(1, sizeof(*flight));
	model->spare = flight->below;
	memset(flight, 0, offsetof(struct flight, stash));
	flight->stash.count = flight->closed.count = 0;
	flight->standing.count = flight->gone.count = 0;
	return flight;
}

void flight_link(struct lock_table *table, struct flight *flight)
{
	flight->next = table->pending;
	if (flight->next)
		flight->next->link = &flight->next;
	flight->link = &table->pending;
	table->pending = flight;
}

void flight_unlink(struct flight *flight)
{
	if (!flight->link)
		return;
	*flight->link = flight->next;
	if (flight->next)
		flight->next->link = flight->link;
	flight->link = NULL;
}

static struct weakenings *weakenings_of(struct model *model, uint32_t owner)
{
	if (owner_is_description(owner))
		return &model->descriptions.items[owner_index(owner)].weakenings;
	return &process_get(model, owner_index(owner))->weakenings;
}

/* When a call had given up for good what it gave up: an unlock or close doesn't say. */
static uint64_t ended(const struct model *model, const struct flight *flight)
{
	if (is_window(flight))
		return earlier_of(model->now, flight->begin + WAIT_UNKNOWN_NS);
	return model->now;
}

void flight_disown(struct model *model, struct flight *flight)
{
	if (flight->owner == NO_OWNER)
		return;
	if (flight->weakens)
		weakenings_end(weakenings_of(model, flight->owner), flight, ended(model, flight));
	flight->weakens = 0;
	if (owner_is_description(flight->owner))
		description_unpin(model, owner_index(flight->owner));
	flight->owner = NO_OWNER;
}

void flight_free(struct model *model, struct flight *flight)
{
	flight_unlink(flight);
	flight_disown(model, flight);
	for (uint32_t i = 0; i < flight->closed.count; i++)
		description_unpin(model, flight->closed.items[i].description);
	flight->below = model->spare;
	model->spare = flight;
}

void flight_push(struct process *process, uint32_t thread, struct flight *flight)
{
	flight->below = process->threads.items[thread].top;
	process->threads.items[thread].top = flight;
}

static struct flight *pop(struct process *process, uint32_t thread)
{
	struct flight *flight = process->threads.items[thread].top;

	process->threads.items[thread].top = flight->below;
	return flight;
}

/* ---- Ends */

void flight_tell(struct model *model, const struct flight *flight, uint64_t duration, int error,
		 bool waited)
{
	struct request request = {
		.process = flight->process,
		.tid = flight->tid,
		.file = flight->file,
		.stack = flight->stack,
		.fd = flight->fd,
		.ownership = flight->ownership,
		.op = flight->op,
		.world = flight->world,
		.mode = flight->mode,
		.may_block = flight->may_block,
		.query = flight->query,
		.found = flight->found,
		.start = flight->start,
		.end = flight->end,
		.begin = flight->begin,
		.duration = duration,
		.error = error,
		.waited = waited,
	};

	if (model->callbacks.request)
		model->callbacks.request(model->callbacks.context, &request);
}

/* A successful unlock or close, which says nothing more. */
static void succeed(struct model *model, struct flight *flight)
{
	if (!flight->closes) {
		model->quality.orphans += !flight->stash.count;
		flight_tell(model, flight, 0, 0, false);
	}
	table_end(model, &flight->stash, flight->begin, flight->stash_end);
	flight_free(model, flight);
}

void flight_give_up(struct model *model, struct flight *flight)
{
	flight_unlink(flight);
	table_end(model, &flight->stash, flight->begin, flight->stash_end);
	if (flight->weakens && flight->world == RECORD_LOCKS && flight->mode == MODE_SHARED)
		table_stay_weakened(model, table_get(model, flight->file, flight->world), flight);
	flight_free(model, flight);
}

void flights_settle(struct model *model, struct process *process, uint32_t thread)
{
	struct flight *top;

	while ((top = process->threads.items[thread].top)) {
		if (is_window(top))
			succeed(model, pop(process, thread));
		else if (top->losses != model->losses) /* its result may be what was lost */
			flight_give_up(model, pop(process, thread));
		else
			break;
	}
}

struct flight *flights_match(struct model *model, struct process *process, uint32_t thread,
			     const struct event *result)
{
	struct flight *flight = process->threads.items[thread].top, *above;

	while (flight &&
	       (flight->closes || flight->op != result->lock.op || flight->begin != result->time ||
		(flight->fd != result->lock.fd && !result->lock.blocker)))
		flight = flight->below;
	if (!flight) {
		flights_settle(model, process, thread);
		return NULL;
	}
	while ((above = pop(process, thread)) != flight) {
		if (is_window(above))
			succeed(model, above);
		else
			flight_give_up(model, above);
	}
	return flight;
}

void flights_stop(struct model *model, struct process *process, uint64_t time, enum outcome outcome,
		  bool at_most)
{
	for (uint32_t i = 0; i < process->threads.count; i++) {
		while (process->threads.items[i].top) {
			struct flight *flight = pop(process, i);

			if (is_window(flight)) {
				succeed(model, flight);
				continue;
			}
			if (!flight->query)
				waits_stop(model, flight, time, outcome, at_most);
			flight_give_up(model, flight);
		}
	}
	process->threads.count = 0;
}

/* ---- Threads of one owner (or a handler and what it interrupts) at work on one range */

void flight_weakens(struct model *model, struct flight *flight, uint32_t file, enum world world,
		    uint64_t start, uint64_t end, bool shared)
{
	const struct lock_table *table = table_get(model, file, world);

	flight->weakens++;
	flight->weak_start = start;
	flight->weak_end = end;
	weakenings_begin(weakenings_of(model, flight->owner), flight, file, world, start, end,
			 shared);
	for (struct flight *other = table->pending; other; other = other->next) {
		if (other->owner != flight->owner || other->start >= end || start >= other->end)
			continue;
		if (shared)
			other->doubtful = true;
		else
			flight_make_unknown(other, start, end, flight->begin);
	}
}

/* Whether another thread of this process has just begun to give up some of the range. */
static bool being_given_up(const struct process *process, const struct flight *flight)
{
	for (uint32_t i = 0; i < process->threads.count; i++) {
		for (const struct flight *other = process->threads.items[i].top; other;
		     other = other->below) {
			if (!other->weakens || other->tid == flight->tid ||
			    other->owner != flight->owner ||
			    other->begin + WAIT_UNKNOWN_NS < flight->begin)
				continue;
			if (other->closes ||
			    (other->file == flight->file && other->weak_start < flight->end &&
			     flight->start < other->weak_end))
				return true;
		}
	}
	return false;
}

void flight_doubt(struct model *model, struct flight *flight, bool alone)
{
	const struct weakenings *others;

	if (flight->owner == NO_OWNER)
		return;
	others = weakenings_of(model, flight->owner);
	weakenings_doubt(others, flight, alone);
	if (others->in_flight > flight->weakens)
		flight->doubtful |=
			owner_is_description(flight->owner) ||
			being_given_up(process_get(model, owner_index(flight->owner)), flight);
	/* Something known was in its way after that: it was granted later still. */
	if (flight->unknown_start < flight->unknown_end &&
	    waits_last_blocked(flight) > flight->unknown_since) {
		flight->unknown_start = flight->unknown_end = 0;
		flight->doubtful = true;
	}
}

void flight_granted(struct model *model, const struct flight *flight, uint64_t time)
{
	const struct lock_table *table = table_get(model, flight->file, flight->world);

	if (flight->owner == NO_OWNER)
		return;
	if (flight->weakens)
		weakenings_grant(weakenings_of(model, flight->owner), flight);
	for (struct flight *other = table->pending; other; other = other->next)
		if (other->owner == flight->owner && other->mode != flight->mode &&
		    other->start < flight->end && flight->start < other->end)
			flight_make_unknown(other, flight->start, flight->end, time);
}
