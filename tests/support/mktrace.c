/* SPDX-License-Identifier: MIT */
#include "tests/support/mktrace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "trace/ring.h"

static struct mktrace *make_file(struct session_size size)
{
	struct mktrace *make = xcalloc(1, sizeof(*make));
	struct header header = { 0 };

	make->size = session_layout(&header, size);
	make->bytes = xcalloc(1, make->size);
	make->header = (struct header *)make->bytes;
	memcpy(make->bytes, &header, sizeof(header));
	make->header->monotonic = UINT64_C(1000000000);
	make->header->realtime = UINT64_C(1700000000000000000);
	snprintf(make->header->tool, sizeof(make->header->tool), "%s", "0.0-test");
	return make;
}

struct mktrace *mktrace_session(struct session_size size)
{
	return make_file(size);
}

struct mktrace *mktrace_trace(uint64_t first)
{
	struct mktrace *make = make_file((struct session_size){ 4, 4, 64, 0 });

	make->header->kind = FILE_TRACE;
	make->header->ring_first = first;
	make->header->ring_head.value = first;
	return make;
}

void mktrace_free(struct mktrace *make)
{
	free(make->bytes);
	free(make);
}

void mktrace_into_slow(struct mktrace *make, bool slow)
{
	make->slow = slow;
}

/* A trace grows with its positions. */
static void make_room(struct mktrace *make, uint64_t position)
{
	size_t wanted;

	if (make->header->ring_cells)
		return;
	wanted = make->header->ring_offset + (position + 1 - make->header->ring_first) * CELL_SIZE;
	if (wanted > make->room) {
		make->room = 2 * wanted;
		make->bytes = xrealloc(make->bytes, make->room);
		make->header = (struct header *)make->bytes;
	}
	if (wanted > make->size) {
		memset(make->bytes + make->size, 0, wanted - make->size);
		make->size = wanted;
	}
}

static struct cell *cell_in(struct mktrace *make, bool slow, uint64_t position)
{
	const struct header *header = make->header;
	uint64_t cells = slow ? header->slow_cells : header->ring_cells;
	uint64_t offset = slow ? header->slow_offset : header->ring_offset;
	uint64_t index = cells ? position & (cells - 1) : position - header->ring_first;

	return (struct cell *)(make->bytes + offset) + index;
}

struct cell *mktrace_cell(struct mktrace *make, uint64_t position)
{
	return cell_in(make, make->slow, position);
}

static uint64_t take(struct mktrace *make, uint32_t cells)
{
	struct counter *head = make->slow ? &make->header->slow_head : &make->header->ring_head;
	uint64_t position = ring_take(&head->value, cells);

	if (!make->slow)
		make_room(make, position + cells - 1);
	return position;
}

static void put(struct mktrace *make, uint64_t position, const void *record)
{
	uint64_t payload[PAYLOAD_WORDS];

	memcpy(payload, record, sizeof(payload));
	cell_write(mktrace_cell(make, position), position, payload);
}

uint64_t mktrace_lock(struct mktrace *make, struct record_lock record)
{
	uint64_t position = take(make, 1);

	put(make, position, &record);
	return position;
}

uint64_t mktrace_call(struct mktrace *make, struct record_call record)
{
	uint64_t position = take(make, 1);

	put(make, position, &record);
	return position;
}

uint64_t mktrace_long(struct mktrace *make, const void *first, const void *bytes, size_t length)
{
	uint32_t cells = 1 + (uint32_t)((length + CONTINUED_BYTES - 1) / CONTINUED_BYTES);
	uint64_t position = take(make, cells);
	struct record_module record; /* any long record with `bytes` at the usual place */

	for (uint32_t i = 1; i < cells; i++) {
		struct record_continued more = { .kind = RECORD_CONTINUED,
						 .index = (uint8_t)i,
						 .first = (uint32_t)position };
		size_t done = (size_t)(i - 1) * CONTINUED_BYTES, left = length - done;

		memcpy(more.bytes, (const char *)bytes + done,
		       left < CONTINUED_BYTES ? left : CONTINUED_BYTES);
		put(make, position + i, &more);
	}
	memcpy(&record, first, sizeof(record));
	record.cells = (uint8_t)cells;
	if (record.kind != RECORD_PROCESS)
		record.bytes = (uint16_t)length;
	put(make, position, &record);
	return position;
}

uint64_t mktrace_process(struct mktrace *make, enum process_reason reason, uint32_t process,
			 int32_t pid, uint32_t parent, const char *exe)
{
	struct record_process record = {
		.kind = RECORD_PROCESS,
		.reason = (uint8_t)reason,
		.process = process,
		.parent = parent,
		.pid = pid,
		.ppid = 1,
		.bytes = (uint32_t)strlen(exe) + 1,
		.time = UINT64_C(1000000000),
		.start_time = 1000 + (uint64_t)pid,
		.open_fds = 7,
		.pidns = 1,
	};

	return mktrace_long(make, &record, exe, strlen(exe) + 1);
}

reference mktrace_file(struct mktrace *make, uint64_t inode, const char *path)
{
	struct record_file record = { .kind = RECORD_FILE,
				      .mode = 0100644,
				      .device = 0x801,
				      .inode = inode,
				      .fs_type = 0xef53,
				      .links = 1 };

	return (reference)mktrace_long(make, &record, path, strlen(path));
}

reference mktrace_stack(struct mktrace *make, uint32_t process, const uint64_t *frames,
			uint16_t count)
{
	struct record_stack record = { .kind = RECORD_STACK, .process = process, .frames = count };

	return (reference)mktrace_long(make, &record, frames, count * sizeof(*frames));
}

void mktrace_module(struct mktrace *make, uint32_t process, uint16_t module, const char *path)
{
	struct record_module record = { .kind = RECORD_MODULE,
					.process = process,
					.module = module,
					.build_id_bytes = BUILD_ID_MAX,
					.base = 0x400000,
					.size = 0x10000 };

	memset(record.build_id, 0x5a, sizeof(record.build_id));
	mktrace_long(make, &record, path, strlen(path));
}

void mktrace_hole(struct mktrace *make, uint64_t positions)
{
	while (positions--)
		take(make, 1);
}

void mktrace_erase(struct mktrace *make, uint64_t position)
{
	memset(mktrace_cell(make, position), 0, CELL_SIZE);
}

void mktrace_damage(struct mktrace *make, uint64_t position)
{
	mktrace_cell(make, position)->word[3] ^= 0x100;
}

void mktrace_pending(struct mktrace *make, uint32_t slot, struct record_lock request,
		     uint64_t position)
{
	struct thread_slot *slots =
		(struct thread_slot *)(make->bytes + make->header->thread_offset);
	struct thread_slot *thread = &slots[slot];
	uint64_t payload[PAYLOAD_WORDS];
	uint32_t depth = thread->depth;

	request.kind = RECORD_REQUEST;
	memcpy(payload, &request, sizeof(payload));
	thread->process = request.process;
	thread->tid = request.tid;
	thread->position[depth] = position;
	cell_write(&thread->request[depth], position, payload);
	thread->depth = depth + 1;
}

struct process_slot *mktrace_process_slot(struct mktrace *make, uint32_t slot)
{
	return (struct process_slot *)(make->bytes + make->header->process_offset) + slot;
}

static void write_all(int fd, const char *path, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (fd >= 0 && size) {
		ssize_t n = write(fd, at, size);

		if (n <= 0)
			break;
		at += n;
		size -= (size_t)n;
	}
	if (fd < 0 || size || close(fd)) {
		perror(path);
		abort();
	}
}

void mktrace_write(const struct mktrace *make, const char *path)
{
	write_all(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), path, make->bytes,
		  make->size);
}

char *mktrace_temporary(const void *bytes, size_t size)
{
	const char *directory = getenv("TMPDIR");
	char *path = xasprintf("%s/flocktrace-test.XXXXXX", directory ? directory : "/tmp");

	write_all(mkostemp(path, O_CLOEXEC), path, bytes, size);
	return path;
}
