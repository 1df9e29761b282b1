/* SPDX-License-Identifier: MIT */
#include "written.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/read/raw.h"
#include "analyzer/read/slots.h"
#include "trace/names.h"
#include "trace/session.h"

static void fail(const char *what, uint64_t position)
{
	fprintf(stderr, "position %llu: %s\n", (unsigned long long)position, what);
	exit(1);
}

void written_make(const char *path)
{
	struct header header = { 0 };
	uint64_t bytes = session_layout(&header, (struct session_size){ 64, 64, 256, CELLS });
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || posix_fallocate(fd, 0, (off_t)bytes) ||
	    pwrite(fd, &header, sizeof(header), 0) != sizeof(header) || close(fd))
		fail("no session", 0);
}

/* ---- Does it make sense? */

static void check_lock(const struct record_lock *lock, uint64_t position)
{
	bool request = lock->kind == RECORD_REQUEST;
	uint64_t i = lock->start / 1000, length = (uint64_t)length_of((long)i);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (lock->op != OP_FCNTL_SETLK || lock->fd < 3 || lock->fd > 9 || !lock->process)
		fail("another call", position);
	if (lock->start != (uint64_t)start_of((long)i) || !i)
		fail("a start that was never asked for", position);
	if (lock->len_or_end != (request ? length : lock->start + length))
		fail("a range that was never asked for", position);
	if (request ? lock->base != 0 : OUTCOME_ERRNO(lock->outcome) != 0)
		fail("another outcome", position);
	if ((lock->flags & FLAG_MODE) != (request ? FLAG_UNLOCK : FLAG_EXCLUSIVE))
		fail("another mode", position);
	if (!lock->time || lock->time / 1000000000 > (uint64_t)now.tv_sec)
		fail("another time", position);
}

static void check_path(const struct raw_record *record, const char *wanted)
{
	char path[RAW_BYTES + 1];

	memcpy(path, record->bytes, record->length);
	path[record->length] = '\0';
	if (wanted ? strcmp(path, wanted) != 0 : access(path, F_OK) != 0)
		fail("another path", record->position);
}

static void check(const struct raw_record *record, const char *host)
{
	struct stat status;

	switch (record->kind) {
	case RECORD_REQUEST:
	case RECORD_RESULT:
		check_lock(&record->lock, record->position);
		break;
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
		if (record->call.op != CALL_EXIT || record->call.value != -1)
			fail("another call", record->position);
		break;
	case RECORD_PROCESS:
		check_path(record, host);
		break;
	case RECORD_FILE:
		if (record->length)
			check_path(record, NULL);
		if (stat("stepped", &status) && stat("neighbour", &status))
			fail("no file", record->position);
		break;
	case RECORD_MODULE:
		check_path(record, NULL);
		break;
	case RECORD_STACK:
		if (record->stack.frames * sizeof(uint64_t) != record->length ||
		    !record->stack.frames)
			fail("another stack", record->position);
		break;
	default:
		fail("no such record", record->position);
	}
}

/* Its thread has not gone on to another call. */
static void check_in_progress(const struct record_lock *request, const struct written *written)
{
	for (uint32_t n = 0; n < written->count; n++) {
		struct record_lock lock;

		memcpy(&lock, written->record[n].payload, sizeof(lock));
		if ((lock.kind == RECORD_REQUEST || lock.kind == RECORD_RESULT) &&
		    lock.process == request->process && lock.tid == request->tid &&
		    lock.time > request->time)
			fail("in progress before it", written->record[n].position);
	}
}

/* Requests in progress, by the slots: an exclusive lock is one too, though it is not in the ring.
 */
static void check_slots(const struct trace_file *file, const struct written *written)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;

	while (slots_next_request(&walk, file, &request)) {
		request.record.flags &= (uint16_t)~FLAG_MODE;
		request.record.flags |= FLAG_UNLOCK;
		check_lock(&request.record, 0);
		check_in_progress(&request.record, written);
	}
}

void written_read(const char *path, const char *host, struct written *written)
{
	struct trace_file file;
	struct raw_record record;
	struct raw raw;
	const char *error;

	if (!trace_file_open(&file, path, &error))
		fail(error, 0);
	raw_open_ring(&raw, &file);
	written->count = 0;
	written->head = raw.end;
	while (raw_next(&raw, &record)) {
		if (record.gap)
			continue;
		check(&record, host);
		written->record[written->count].position = record.position;
		memcpy(written->record[written->count++].payload, record.payload,
		       sizeof(record.payload));
	}
	raw_close(&raw);
	check_slots(&file, written);
	trace_file_close(&file);
}

/* ---- Is it all there? */

uint32_t written_count(const struct written *written, pid_t tid, long i, uint64_t from)
{
	uint32_t count = 0;
	struct record_lock lock;

	for (uint32_t n = 0; n < written->count; n++) {
		memcpy(&lock, written->record[n].payload, sizeof(lock));
		count += written->record[n].position >= from &&
			 (lock.kind == RECORD_REQUEST || lock.kind == RECORD_RESULT) &&
			 lock.tid == (uint32_t)tid && lock.start == (uint64_t)start_of(i);
	}
	return count;
}

void written_compare(const struct written *before, const struct written *after)
{
	uint32_t n = 0;

	for (uint32_t old = 0; old < before->count; old++) {
		uint64_t position = before->record[old].position;

		if (position + CELLS < after->head + CELLS_MAX)
			continue; /* overwritten, or a long one of which a cell was */
		while (n < after->count && after->record[n].position < position)
			n++;
		if (n == after->count || after->record[n].position != position ||
		    memcmp(after->record[n].payload, before->record[old].payload,
			   sizeof(before->record[old].payload)) != 0)
			fail("was there, and is no more", position);
	}
}

void written_by(const struct written *written, uint64_t from, pid_t one, pid_t other)
{
	for (uint32_t n = 0; n < written->count; n++) {
		struct record_lock lock;

		memcpy(&lock, written->record[n].payload, sizeof(lock));
		if (written->record[n].position >= from &&
		    (lock.kind == RECORD_REQUEST || lock.kind == RECORD_RESULT) &&
		    lock.tid != (uint32_t)one && lock.tid != (uint32_t)other)
			fail("a record of another lap", written->record[n].position);
	}
}
