/* SPDX-License-Identifier: MIT */
/* The ring's records, as events. */
#include "analyzer/read/announce.h"
#include "analyzer/read/reader_parts.h"

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

bool reader_next_in_ring(struct reader *reader, struct event *event)
{
	struct raw_record record;

	while (raw_next(&reader->ring, &record)) {
		if (take_record(reader, &record, event))
			return true;
	}
	return false;
}
