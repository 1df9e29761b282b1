/* SPDX-License-Identifier: MIT */
#include "analyzer/read/reader.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/read/alive.h"
#include "analyzer/read/reader_parts.h"

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

static bool next_of_phase(struct reader *reader, struct event *event)
{
	switch (reader->phase) {
	case PHASE_GRANTS:
		return next_grant(reader, event);
	case PHASE_SLOW:
		return next_slow(reader, event);
	case PHASE_RING:
		return reader_next_in_ring(reader, event);
	case PHASE_PENDING:
		return next_pending(reader, event);
	case PHASE_DEATHS:
		return reader_next_death(reader, event);
	case PHASE_END:
		return reader_next_end(reader, event);
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
		reader_see_whether_live(reader);
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
	reader_count(reader);
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
