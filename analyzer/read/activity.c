/* SPDX-License-Identifier: MIT */
#include "analyzer/read/activity.h"

#include <time.h>

#include "analyzer/read/alive.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/slots.h"

#define LAST_POSITIONS 256		    /* enough to find one record with a time */
#define SILENCE	       UINT64_C(3000000000) /* ns; whoever writes a trace does so each second */

struct ending {
	uint64_t time; /* monotonic, 0: no record has one */
	bool run_over; /* the program's end was recorded */
};

static struct ending look_at_the_end(const struct trace_file *file)
{
	struct ending ending = { 0 };
	struct raw_record record;
	struct raw ring;

	raw_open_ring(&ring, file);
	if (ring.end - ring.begin > LAST_POSITIONS)
		ring.next = ring.end - LAST_POSITIONS;
	while (raw_next(&ring, &record)) {
		uint64_t time = record.gap ? 0 : raw_time(&record);

		if (time > ending.time)
			ending.time = time;
		if (!record.gap && record.kind == RECORD_RUN)
			ending.run_over = record.run.status != -1;
	}
	raw_close(&ring);
	return ending;
}

struct crowd {
	uint32_t alive, unknown;
};

static struct crowd count_processes(const struct trace_file *file)
{
	struct process_slot slot;
	struct crowd crowd = { 0 };

	for (uint32_t i = 0; i < file->header.process_slots; i++) {
		enum alive alive;

		if (!slots_process(file, i, &slot))
			continue;
		alive = alive_process(&(struct process_info){
			.pid = slot.pid, .start_time = slot.start_time, .pidns = slot.pidns });
		crowd.alive += alive == ALIVE_YES;
		crowd.unknown += alive == ALIVE_UNKNOWN;
	}
	return crowd;
}

/* What `run` and `record` make is theirs until they remove it: there may be nobody in it yet. */
static void look_for_people(const struct trace_file *file, struct activity *activity)
{
	struct crowd crowd = count_processes(file);
	enum alive maker = alive_since(&file->header);

	activity->processes = crowd.alive;
	activity->recording = crowd.alive || (file->header.drained && maker == ALIVE_YES);
	activity->abandoned = !crowd.alive && !crowd.unknown && maker == ALIVE_NO;
}

bool activity_of(const char *path, uint64_t modified, struct activity *activity)
{
	struct trace_file file;
	struct ending ending;
	struct timespec now;
	const char *error;

	if (!trace_file_open(&file, path, &error))
		return false;
	*activity = (struct activity){ .session = file.header.kind == FILE_SESSION,
				       .last_record = modified };
	ending = look_at_the_end(&file);
	if (file.header.kind == FILE_TRACE) {
		clock_gettime(CLOCK_REALTIME, &now);
		activity->recording =
			!ending.run_over && alive_same_boot(&file.header) &&
			(uint64_t)now.tv_sec * UINT64_C(1000000000) < modified + SILENCE;
	} else {
		if (ending.time)
			activity->last_record =
				file.header.realtime + (ending.time - file.header.monotonic);
		if (alive_same_boot(&file.header))
			look_for_people(&file, activity);
		else
			activity->abandoned = true;
	}
	trace_file_close(&file);
	return true;
}
