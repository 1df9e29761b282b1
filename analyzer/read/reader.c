/* SPDX-License-Identifier: MIT */
#include "analyzer/read/reader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/read/alive.h"
#include "analyzer/read/announce.h"
#include "analyzer/read/decode.h"
#include "analyzer/read/grants.h"
#include "analyzer/read/lives.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/slots.h"
#include "analyzer/read/slow.h"

/* In the order in which their events come. */
enum phase {
	PHASE_GRANTS,
	PHASE_SLOW,
	PHASE_RING,
	PHASE_PENDING,
	PHASE_DEATHS,
	PHASE_END,
	PHASE_DONE
};

struct reader {
	struct trace_file file;
	struct intern intern;
	struct catalog catalog;
	struct decode_counts counts;
	enum phase phase;
	struct grants grants;
	struct slow slow;
	uint32_t next_grant, next_slow;
	struct raw ring;
	struct names names;
	struct slot_walk walk;
	uint32_t next_process; /* PHASE_DEATHS */
	struct lives lives;
	bool same_boot;
	char tool[sizeof(((struct header *)0)->tool) + 1];
};

/* ---- The catalog ---------------------------------------------------------------------------- */

static void point_at(struct catalog *catalog, const struct intern *intern)
{
	catalog->processes = intern->processes.items;
	catalog->files = intern->files.items;
	catalog->modules = intern->modules.items;
	catalog->stacks = intern->stacks.items;
	catalog->untraced = intern->untraced.items;
	catalog->process_count = intern->processes.count;
	catalog->file_count = intern->files.count;
	catalog->module_count = intern->modules.count;
	catalog->stack_count = intern->stacks.count;
	catalog->untraced_count = intern->untraced.count;
}

/* The recorder's own counters; a live session goes on counting. */
static void read_counters(struct reader *reader)
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

const struct catalog *reader_catalog(const struct reader *reader)
{
	return &reader->catalog;
}

static void refresh_catalog(struct reader *reader)
{
	point_at(&reader->catalog, &reader->intern);
	reader->catalog.quality.torn_announcements = reader->ring.torn;
	reader->catalog.quality.unresolved_files = reader->counts.unresolved_files;
	reader->catalog.quality.unresolved_stacks = reader->counts.unresolved_stacks;
}

/* ---- The processes that slots know: for those whose announcement was lapped ------------------ */

static void complete_from_slots(struct reader *reader)
{
	struct process_slot slot;

	for (uint32_t i = 0; i < reader->file.header.process_slots; i++) {
		struct process_info *info;
		uint32_t parent, process;

		if (!slots_process(&reader->file, i, &slot))
			continue;
		parent = intern_process(&reader->intern, slot.parent);
		process = intern_process(&reader->intern,
					 atomic_load_explicit(&slot.process, memory_order_relaxed));
		info = &reader->intern.processes.items[process]; /* interning moves them */
		if (!info->pid) {
			info->pid = slot.pid;
			info->ppid = slot.ppid;
			info->start_time = slot.start_time;
			info->pidns = slot.pidns;
			info->parent = parent;
		}
		if (!*info->command)
			info->command = intern_text(&reader->intern, slot.comm, sizeof(slot.comm));
	}
}

/* ---- Ring ------------------------------------------------------------------------------------ */

static bool born(struct reader *reader, const struct raw_record *record, uint32_t process,
		 struct event *event)
{
	static const enum birth births[] = {
		[PROCESS_START] = BIRTH_START,
		[PROCESS_FORK] = BIRTH_FORK,
		[PROCESS_EXEC] = BIRTH_EXEC,
	};
	const struct record_process *announced = &record->process;

	lives_see(&reader->lives, process, announced->time);
	if (process == NONE || announced->reason < PROCESS_START ||
	    announced->reason > PROCESS_EXEC)
		return false;
	*event = (struct event){
		.kind = EVENT_PROCESS,
		.position = record->position,
		.time = announced->time,
		.process = process,
		.tid = (uint32_t)announced->pid,
		.file = NONE,
		.stack = NONE,
		.born = { .birth = births[announced->reason],
			  .parent = intern_process(&reader->intern, announced->parent),
			  .open_fds = announced->open_fds },
	};
	return true;
}

static void lost(struct reader *reader, uint64_t position, uint64_t records, struct event *event)
{
	*event = (struct event){
		.kind = EVENT_LOST,
		.position = position,
		.time = reader->catalog.quality.last_time,
		.process = NONE,
		.file = NONE,
		.stack = NONE,
		.lost = { .records = records },
	};
}

static bool gap(struct reader *reader, const struct raw_record *record, struct event *event)
{
	if (record->gap == GAP_LOST)
		reader->catalog.quality.lost += record->missing;
	else
		reader->catalog.quality.holes += record->missing;
	lost(reader, record->position, record->missing, event);
	return true;
}

/* False: this record is no event. */
static bool take_record(struct reader *reader, const struct raw_record *record, struct event *event)
{
	uint32_t index;

	if (record->gap)
		return gap(reader, record, event);
	reader->catalog.quality.records++;
	switch ((enum record_kind)record->kind) {
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_REQUEST:
	case RECORD_RESULT:
	case RECORD_DEATH:
		if (decode(&reader->intern, &reader->names, record, &reader->counts, event)) {
			lives_follow(&reader->lives, record, event);
			return true;
		}
		reader->catalog.quality.holes++;
		lost(reader, record->position, 1, event);
		return true;
	case RECORD_PROCESS:
		index = announce(&reader->intern, &reader->names, record);
		return born(reader, record, index, event);
	case RECORD_FILE:
	case RECORD_MODULE:
	case RECORD_STACK:
		announce(&reader->intern, &reader->names, record);
		return false;
	case RECORD_UNTRACED:
		lives_see(&reader->lives, NONE, record->untraced.time);
		announce(&reader->intern, &reader->names, record);
		return false;
	case RECORD_VERDICT:
	case RECORD_DOING:
	case RECORD_STUCK:
		return decode(&reader->intern, &reader->names, record, &reader->counts, event);
	case RECORD_RUN:
		lives_run(&reader->lives, record);
		return false;
	case RECORD_NONE:
	case RECORD_CONTINUED:
		break;
	}
	return false; /* of a later version, with nothing that changes what is known here */
}

/* ---- Phases ---------------------------------------------------------------------------------- */

static bool next_grant(struct reader *reader, struct event *event)
{
	if (reader->next_grant == reader->grants.events.count)
		return false;
	*event = reader->grants.events.items[reader->next_grant++];
	return true;
}

static bool next_slow(struct reader *reader, struct event *event)
{
	const struct slow_event *slow;

	if (reader->next_slow == reader->slow.events.count)
		return false;
	slow = &reader->slow.events.items[reader->next_slow++];
	*event = slow->event;
	lives_follow(&reader->lives, &slow->record, event);
	return true;
}

static bool next_in_ring(struct reader *reader, struct event *event)
{
	struct raw_record record;

	while (raw_next(&reader->ring, &record)) {
		if (take_record(reader, &record, event))
			return true;
	}
	return false;
}

/* Whether the ring's own REQUEST was given: it is there still, or was overwritten since. */
static bool was_given(struct reader *reader, const struct slot_request *request)
{
	const struct raw *ring = &reader->ring;

	return request->position >= ring->begin && request->position < ring->end &&
	       (raw_holds(&reader->ring, request->position, RECORD_REQUEST) ||
		raw_lapped(ring, request->position));
}

static bool next_pending(struct reader *reader, struct event *event)
{
	struct slot_request request;

	while (slots_next_request(&reader->walk, &reader->file, &request)) {
		struct raw_record record = { .position = request.position };

		if (was_given(reader, &request))
			continue;
		record.lock = request.record;
		if (!record.position) /* its references name what was announced last */
			record.position = reader->ring.end;
		if (!decode(&reader->intern, &reader->names, &record, &reader->counts, event) ||
		    lives_is_over(&reader->lives, event->process))
			continue;
		event->position = 0;
		event->lock.pending = true;
		lives_follow(&reader->lives, &record, event);
		return true;
	}
	return false;
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
static bool next_death(struct reader *reader, struct event *event)
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

static void see_whether_live(struct reader *reader)
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

static bool next_end(struct reader *reader, struct event *event)
{
	read_counters(reader);
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

static bool next_of_phase(struct reader *reader, struct event *event)
{
	switch (reader->phase) {
	case PHASE_GRANTS:
		return next_grant(reader, event);
	case PHASE_SLOW:
		return next_slow(reader, event);
	case PHASE_RING:
		return next_in_ring(reader, event);
	case PHASE_PENDING:
		return next_pending(reader, event);
	case PHASE_DEATHS:
		return next_death(reader, event);
	case PHASE_END:
		return next_end(reader, event);
	case PHASE_DONE:
		break;
	}
	return false;
}

static void next_phase(struct reader *reader)
{
	reader->phase++;
	if (reader->phase == PHASE_PENDING)
		complete_from_slots(reader);
	else if (reader->phase == PHASE_DEATHS)
		see_whether_live(reader);
}

bool reader_next(struct reader *reader, struct event *event)
{
	bool given = false;

	if (reader->phase == PHASE_DONE)
		return false;
	while (!(given = next_of_phase(reader, event)))
		next_phase(reader);
	reader->catalog.quality.events++;
	if (event->kind == EVENT_END)
		reader->phase = PHASE_DONE;
	refresh_catalog(reader);
	return given;
}

struct reader_origin reader_origin(const struct reader *reader)
{
	const struct header *header = &reader->file.header;

	return (struct reader_origin){
		.boot_id = { header->boot_id[0], header->boot_id[1] },
		.wall_offset = reader->catalog.wall_offset,
		.pidns = header->pidns,
		.creator = header->creator_pid,
	};
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void describe(struct reader *reader)
{
	const struct header *header = &reader->file.header;

	memcpy(reader->tool, header->tool, sizeof(header->tool));
	reader->catalog.run.tool = reader->tool;
	reader->catalog.run.command = "";
	reader->catalog.run.status = -1;
	reader->catalog.wall_offset = (int64_t)(header->realtime - header->monotonic);
	reader->same_boot = header->kind == FILE_SESSION && alive_same_boot(header);
	read_counters(reader);
}

struct reader *reader_open(const char *path, const char **error)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));

	if (!trace_file_open(&reader->file, path, error)) {
		free(reader);
		return NULL;
	}
	reader->lives = (struct lives){ .intern = &reader->intern, .catalog = &reader->catalog };
	describe(reader);
	grants_read(&reader->grants, &reader->intern, &reader->file, reader->same_boot);
	slow_read(&reader->slow, &reader->intern, &reader->file, &reader->counts);
	raw_open_ring(&reader->ring, &reader->file);
	names_open(&reader->names, &reader->ring);
	refresh_catalog(reader);
	return reader;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	grants_free(&reader->grants);
	slow_free(&reader->slow);
	names_free(&reader->names);
	raw_close(&reader->ring);
	intern_free(&reader->intern);
	lives_free(&reader->lives);
	trace_file_close(&reader->file);
	free(reader);
}
