/* SPDX-License-Identifier: MIT */
#include "analyzer/read/slow.h"

#include <stdlib.h>

#define INTERLEAVED 512 /* how many bundles may lie between a wait's REQUEST and its RESULT */

struct wait {
	struct slow_event request, result;
	bool complete;
};

struct waits {
	struct wait *items; /* as VEC() */
	uint32_t count, room;
};

/* The wait that this result belongs to. Bundles of several threads may be interleaved. */
static struct wait *open_wait(const struct waits *waits, const struct record_lock *result)
{
	for (uint32_t i = 0; i < waits->count && i < INTERLEAVED; i++) {
		struct wait *wait = &waits->items[waits->count - 1 - i];
		const struct record_lock *request = &wait->request.record.lock;

		if (!wait->complete && request->process == result->process &&
		    request->tid == result->tid && request->time == result->time)
			return wait;
	}
	return NULL;
}

static void take(struct waits *waits, struct intern *intern, struct names *names,
		 const struct raw_record *record, struct decode_counts *counts)
{
	struct slow_event event = { .record = *record };
	struct wait *wait;

	if (record->kind != RECORD_REQUEST && record->kind != RECORD_RESULT) {
		announce(intern, names, record);
		return;
	}
	if (!decode(intern, names, record, counts, &event.event))
		return;
	event.event.position = 0; /* its own is another ring's */
	event.moment = event.event.time;
	if (record->kind == RECORD_REQUEST) {
		vec_push(waits, (struct wait){ .request = event });
		return;
	}
	wait = open_wait(waits, &record->lock);
	if (!wait)
		return;
	event.moment += event.event.lock.duration;
	wait->result = event;
	wait->complete = true;
}

static int by_moment(const void *left, const void *right)
{
	const struct slow_event *a = left, *b = right;

	if (a->moment != b->moment)
		return a->moment < b->moment ? -1 : 1;
	return (a->record.position > b->record.position) -
	       (a->record.position < b->record.position);
}

/* Keeps the complete waits that the ring does not have. */
static void keep_lost(struct slow *slow, const struct waits *waits, const struct trace_file *file)
{
	struct known_call *calls = xcalloc(waits->count, sizeof(*calls));

	for (uint32_t i = 0; i < waits->count; i++) {
		const struct record_lock *record = &waits->items[i].request.record.lock;

		calls[i] = (struct known_call){ record->process, record->tid, record->time, false };
	}
	known_in_ring(calls, waits->count, file);
	for (uint32_t i = 0; i < waits->count; i++) {
		if (!waits->items[i].complete || calls[i].in_ring)
			continue;
		vec_push(&slow->events, waits->items[i].request);
		vec_push(&slow->events, waits->items[i].result);
	}
	free(calls);
	if (slow->events.count)
		qsort(slow->events.items, slow->events.count, sizeof(*slow->events.items),
		      by_moment);
}

/* Nothing is missing in front: then the ring has all that the slow ring has. */
static bool begins_at_the_beginning(const struct trace_file *file)
{
	struct raw ring;
	bool begins;

	raw_open_ring(&ring, file);
	begins = ring.begin == 1;
	raw_close(&ring);
	return begins;
}

void slow_read(struct slow *slow, struct intern *intern, const struct trace_file *file,
	       struct decode_counts *counts)
{
	struct waits waits = { 0 };
	struct raw_record record;
	struct names names;
	struct raw raw;

	*slow = (struct slow){ 0 };
	if (begins_at_the_beginning(file))
		return;
	raw_open_slow(&raw, file);
	names_open(&names, &raw);
	while (raw_next(&raw, &record)) {
		if (!record.gap)
			take(&waits, intern, &names, &record, counts);
	}
	names_free(&names);
	raw_close(&raw);
	keep_lost(slow, &waits, file);
	vec_free(&waits);
}

void slow_free(struct slow *slow)
{
	vec_free(&slow->events);
}
