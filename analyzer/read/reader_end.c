/* SPDX-License-Identifier: MIT */
/* How a recording ends: who has died unseen, whether somebody records still, and up to when it
 * goes. */
#include <time.h>

#include "analyzer/read/alive.h"
#include "analyzer/read/reader_parts.h"

void reader_count(struct reader *reader)
{
	const struct {
		size_t offset;
		uint64_t *value;
	} counters[] = {
#define COUNTER(name) { offsetof(struct header, name), &reader->catalog.quality.name }
		COUNTER(lost_threads), COUNTER(lost_processes), COUNTER(lost_stacks),
		COUNTER(lost_nested),  COUNTER(lost_unseen),
#undef COUNTER
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		*counters[i].value = trace_file_counter(&reader->file, counters[i].offset);
}

static bool lacks_its_end(const struct reader *reader)
{
	return reader->catalog.run.begin && !reader->catalog.run.end;
}

/* Whoever recorded is gone, and did not live to say how the program ended. */
static bool is_cut_off(const struct reader *reader)
{
	const struct header *header = &reader->file.header;

	return lacks_its_end(reader) &&
	       !(alive_same_boot(header) && alive_since(header) != ALIVE_NO);
}

/* Only for what was recorded since this machine was booted. */
static uint64_t this_moment(const struct reader *reader)
{
	struct timespec now = { 0 };
	uint64_t last = reader->catalog.quality.last_time, ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	return ns > last ? ns : last;
}

/*
 * The last moment that can be known: now, where somebody is still at it, or where nobody was there
 * to see who died when. A trace without its end goes as far as its writer last looked.
 */
static uint64_t last_moment(const struct reader *reader)
{
	uint64_t last = reader->catalog.quality.last_time;

	if (lacks_its_end(reader) && reader->file.header.kind == FILE_TRACE)
		return last > reader->file.header.monotonic ? last : reader->file.header.monotonic;
	if (reader->catalog.run.live || (is_cut_off(reader) && reader->same_boot))
		return this_moment(reader);
	return last;
}

/*
 * A session has no launcher's word for deaths; where one looks after it, it is drained. Who is gone
 * by now may have lived on without a word until just now.
 */
bool reader_next_death(struct reader *reader, struct event *event)
{
	if (!reader->same_boot)
		return false;
	while (reader->next_process < reader->intern.processes.count) {
		uint32_t process = reader->next_process++;
		struct process_info *info = &reader->intern.processes.items[process];

		if (lives_is_over(&reader->lives, process) || alive_process(info) != ALIVE_NO)
			continue;
		info->dead = true;
		*event = (struct event){ .kind = EVENT_DEATH,
					 .time = this_moment(reader),
					 .process = process,
					 .tid = (uint32_t)info->pid,
					 .file = NONE,
					 .stack = NONE,
					 .death = { .late = true } };
		return true;
	}
	return false;
}

/* Somebody may have died that nobody looked after, and there is no telling any more. */
static bool is_unwatched(const struct reader *reader)
{
	if (reader->file.header.kind != FILE_SESSION)
		return false;
	for (uint32_t i = 0; i < reader->intern.processes.count; i++) {
		const struct process_info *info = &reader->intern.processes.items[i];

		if (!info->dead && (!reader->same_boot || alive_process(info) == ALIVE_UNKNOWN))
			return true;
	}
	return false;
}

void reader_see_whether_live(struct reader *reader)
{
	if (!reader->same_boot ||
	    !atomic_load_explicit(&reader->file.header.recording, memory_order_relaxed))
		return;
	for (uint32_t i = 0; i < reader->intern.processes.count; i++) {
		if (!lives_is_over(&reader->lives, i) &&
		    alive_process(&reader->intern.processes.items[i]) == ALIVE_YES)
			reader->catalog.run.live = true;
	}
}

bool reader_next_end(struct reader *reader, struct event *event)
{
	reader_count(reader);
	*event = (struct event){ .kind = EVENT_END,
				 .position = reader->ring.end,
				 .time = last_moment(reader),
				 .process = NONE,
				 .file = NONE,
				 .stack = NONE,
				 .end = { .unwatched = is_unwatched(reader) } };
	reader->catalog.quality.last_time = event->time;
	/* A trace is live too while its end is still to come. */
	if (reader->file.header.kind == FILE_TRACE && lacks_its_end(reader))
		reader->catalog.run.live = !is_cut_off(reader);
	return true;
}
