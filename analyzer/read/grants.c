/* SPDX-License-Identifier: MIT */
#include "analyzer/read/grants.h"

#include <stdlib.h>

#include "analyzer/read/alive.h"
#include "analyzer/read/decode.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/slots.h"

struct found {
	struct grant grant;
	uint32_t process; /* the session's number */
};

struct founds {
	VEC(struct found) items;
};

/* When the oldest record that the ring still has was written (ns); 0: it has all, or none. */
static uint64_t oldest_moment(const struct trace_file *file)
{
	struct raw_record record;
	uint64_t moment = 0;
	struct raw ring;

	raw_open_ring(&ring, file);
	while (ring.begin > 1 && !moment && raw_next(&ring, &record)) {
		if (record.gap)
			continue;
		if (record.kind == RECORD_REQUEST || record.kind == RECORD_CALL)
			moment = record.lock.time;
		else if (record.kind == RECORD_RESULT)
			moment = record.lock.time + OUTCOME_DURATION(record.lock.outcome);
	}
	raw_close(&ring);
	return moment;
}

static bool may_be_there(const struct process_slot *slot, bool ask)
{
	struct process_info info = { .pid = slot->pid,
				     .start_time = slot->start_time,
				     .pidns = slot->pidns };
	enum alive alive = ask ? alive_process(&info) : ALIVE_UNKNOWN;

	return alive == ALIVE_YES || (alive == ALIVE_UNKNOWN &&
				      !atomic_load_explicit(&slot->exiting, memory_order_relaxed));
}

/* Of a lock that was given back in part, in the middle, nobody knows which part. */
static void find_in_slot(struct founds *founds, const struct process_slot *slot, uint64_t before)
{
	uint64_t used = atomic_load_explicit(&slot->grants, memory_order_relaxed);

	for (uint32_t i = 0; i < GRANTS_MAX; i++) {
		const struct grant *grant = &slot->grant[i];

		if (!(used >> i & 1) || grant->time >= before || grant->start >= grant->end ||
		    grant->end > RANGE_EOF ||
		    atomic_load_explicit(&grant->state, memory_order_relaxed) != GRANT_HELD)
			continue;
		vec_push(&founds->items,
			 (struct found){ *grant, atomic_load_explicit(&slot->process,
								      memory_order_relaxed) });
	}
}

/* By time. Fork copies a grant into the child's slot: its taker, who is older, comes first. */
static int by_time(const void *left, const void *right)
{
	const struct found *a = left, *b = right;

	if (a->grant.time != b->grant.time)
		return a->grant.time < b->grant.time ? -1 : 1;
	if (a->grant.tid != b->grant.tid)
		return a->grant.tid < b->grant.tid ? -1 : 1;
	return (a->process > b->process) - (a->process < b->process);
}

static bool is_copy(const struct found *found, const struct found *of)
{
	return found->grant.time == of->grant.time && found->grant.tid == of->grant.tid &&
	       found->grant.fd == of->grant.fd && found->grant.device == of->grant.device &&
	       found->grant.inode == of->grant.inode && found->process != of->process;
}

static void take(struct grants *grants, struct intern *intern, const struct founds *founds,
		 uint32_t at)
{
	const struct found *found = &founds->items.items[at];
	const struct grant *grant = &found->grant;
	struct event event = {
		.kind = EVENT_RESULT, .time = grant->time, .tid = grant->tid, .stack = NONE
	};
	uint32_t first = at;

	while (first && founds->items.items[first - 1].grant.time == grant->time)
		first--;
	while (first < at && !is_copy(found, &founds->items.items[first]))
		first++;
	event.process = intern_process(intern, found->process);
	event.file = intern_file(intern, grant->device, grant->inode, 0, NULL);
	if (first < at) {
		event.kind = EVENT_CALL_RESULT;
		event.call.call = INHERITED_FD;
		event.call.fd = event.call.last = grant->fd;
		event.call.other = intern_process(intern, founds->items.items[first].process);
	} else if (decode_lock_op(&event, grant->op, grant->mode)) {
		event.lock.fd = grant->fd;
		event.lock.start = grant->start;
		event.lock.end = grant->end;
	} else {
		return;
	}
	vec_push(&grants->events, event);
}

void grants_read(struct grants *grants, struct intern *intern, const struct trace_file *file,
		 bool ask_who_lives)
{
	uint64_t before = oldest_moment(file);
	struct founds founds = { 0 };
	struct process_slot slot;

	*grants = (struct grants){ 0 };
	for (uint32_t i = 0; before && i < file->header.process_slots; i++)
		if (slots_process(file, i, &slot) && may_be_there(&slot, ask_who_lives))
			find_in_slot(&founds, &slot, before);
	if (founds.items.count)
		qsort(founds.items.items, founds.items.count, sizeof(*founds.items.items), by_time);
	for (uint32_t i = 0; i < founds.items.count; i++)
		take(grants, intern, &founds, i);
	vec_free(&founds.items);
}

void grants_free(struct grants *grants)
{
	vec_free(&grants->events);
}
