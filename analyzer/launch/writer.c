/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/writer.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/system_calls.h"
#include "analyzer/launch/clock.h"
#include "trace/names.h"
#include "trace/ring.h"

#define TEXT_MAX ((CELLS_MAX - 1) * CONTINUED_BYTES)

static void put(struct session *session, uint64_t position, const void *payload)
{
	uint64_t words[PAYLOAD_WORDS];

	memcpy(words, payload, sizeof(words));
	cell_write(&session_ring(session)[position & (session->checked.ring_cells - 1)], position,
		   words);
}

static uint32_t cells_of(size_t bytes)
{
	return 1 + (uint32_t)((bytes + CONTINUED_BYTES - 1) / CONTINUED_BYTES);
}

/* Takes the positions; `first` has been given `cells` and `bytes` by the caller. */
static void put_long(struct session *session, const void *first, const char *text, size_t bytes)
{
	uint32_t cells = cells_of(bytes);
	uint64_t position = ring_take(&session->header->ring_head.value, cells);

	for (uint32_t i = 1; i < cells; i++) {
		struct record_continued more = {
			.kind = RECORD_CONTINUED,
			.index = (uint8_t)i,
			.first = (uint32_t)position,
		};
		size_t done = (size_t)(i - 1) * CONTINUED_BYTES;

		memcpy(more.bytes, text + done,
		       bytes - done < CONTINUED_BYTES ? bytes - done : CONTINUED_BYTES);
		put(session, position + i, &more);
	}
	put(session, position, first);
}

void writer_death(struct session *session, uint32_t process, pid_t pid, int status)
{
	struct record_call record = {
		.kind = RECORD_DEATH,
		.process = process,
		.tid = (uint32_t)pid,
		.fd = -1,
		.time = clock_now(),
		.value = status,
	};

	put(session, ring_take(&session->header->ring_head.value, 1), &record);
}

void writer_untraced(struct session *session, pid_t pid, const char *exe, const char *reason)
{
	size_t exe_bytes = strnlen(exe, TEXT_MAX / 2) + 1;
	size_t bytes = exe_bytes + strlen(reason);
	char *text = xcalloc(1, bytes + 1);
	struct record_untraced record = {
		.kind = RECORD_UNTRACED,
		.cells = (uint8_t)cells_of(bytes),
		.bytes = (uint16_t)bytes,
		.pid = pid,
		.time = clock_now(),
	};

	memcpy(text, exe, exe_bytes - 1);
	memcpy(text + exe_bytes, reason, strlen(reason));
	put_long(session, &record, text, bytes);
	free(text);
}

void writer_run(struct session *session, pid_t pid, char **argv, int status)
{
	char *text = xcalloc(1, TEXT_MAX);
	size_t bytes = 0;
	struct record_run record = {
		.kind = RECORD_RUN,
		.status = status,
		.time = clock_now(),
		.pid = pid,
	};

	/* Arguments beyond the longest record are left out; the last one may be cut. */
	for (; *argv && bytes < TEXT_MAX; argv++) {
		size_t length = strnlen(*argv, TEXT_MAX - bytes);

		memcpy(text + bytes, *argv, length);
		bytes += length + (bytes + length < TEXT_MAX);
	}
	record.cells = (uint8_t)cells_of(bytes);
	record.bytes = (uint16_t)bytes;
	put_long(session, &record, text, bytes);
	free(text);
}

void writer_verdict(struct session *session, const struct live_verdict *verdict)
{
	uint64_t position = ring_take(&session->header->ring_head.value, verdict->knot);

	for (uint32_t i = 0; i < verdict->knot; i++) {
		const struct live_member *member = &verdict->members[i];
		struct record_verdict record = {
			.kind = RECORD_VERDICT,
			.wait = (uint8_t)(SEEN_WAIT_LOCK + (int)member->waits_for),
			.verdict = (uint16_t)(SEEN_CERTAIN + (int)verdict->verdict),
			.process = member->process,
			.tid = member->tid,
			.other = member->other,
			.time = verdict->seen,
			.since = verdict->since,
			.number = (uint32_t)position,
			.index = i,
			.count = verdict->knot,
			.cycle = verdict->cycle,
		};

		put(session, position + i, &record);
	}
}

void writer_doing(struct session *session, const struct holder_seen *seen)
{
	bool known = seen->call >= 0 && seen->call < NO_SYSTEM_CALL;
	struct record_doing record = {
		.kind = RECORD_DOING,
		.op = seen->op,
		.machine = SYSTEM_CALLS_MACHINE,
		.process = seen->process,
		.tid = seen->tid,
		.looks = seen->looks,
		.since = seen->since,
		.time = seen->time,
		.file = seen->file,
		.state = (uint16_t)(SEEN_RUNNING + (int)seen->doing),
		.call = known ? (uint16_t)seen->call : NO_SYSTEM_CALL,
		.start = seen->start,
		.end = seen->end,
	};

	put(session, ring_take(&session->header->ring_head.value, 1), &record);
}

void writer_stuck(struct session *session, const struct slot_wait *wait, enum stuck why,
		  uint32_t holder, int fd)
{
	struct record_stuck record = {
		.kind = RECORD_STUCK,
		.op = wait->op,
		.reason = (uint16_t)(SEEN_STUCK_STOPPED + (int)why),
		.process = wait->process,
		.tid = wait->tid,
		.holder = holder,
		.time = clock_now(),
		.since = wait->time,
		.file = wait->file,
		.fd = fd,
		.start = wait->start,
		.end = wait->end,
	};

	put(session, ring_take(&session->header->ring_head.value, 1), &record);
}
