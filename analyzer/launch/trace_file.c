/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/launch/clock.h"
#include "trace/session.h"

#define PENDING_MAX 1024 /* places beside the session's own thread slots */

static bool write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t done = pwrite(fd, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done ? errno : ENOSPC;
			return false;
		}
		bytes = (const char *)bytes + done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return true;
}

static void fail(struct trace_file_writer *trace)
{
	if (!trace->failed)
		fprintf(stderr, "flocktrace: %s: %s; the trace ends here, the program goes on\n",
			trace->name, strerror(errno));
	trace->failed = true;
}

bool trace_begin(struct trace_file_writer *trace, int fd, const char *name,
		 const struct session *session, uint64_t first, char **error)
{
	const struct header *from = &session->checked;
	struct session_size size = {
		.thread_slots = from->thread_slots + PENDING_MAX,
		.process_slots = from->process_slots,
		.slow_cells = from->slow_cells,
	};

	memset(trace, 0, sizeof(*trace));
	trace->fd = fd;
	trace->name = name;
	session_layout(&trace->header, size);
	trace->header.kind = FILE_TRACE;
	trace->header.ring_first = first;
	memcpy(trace->header.boot_id, from->boot_id, sizeof(from->boot_id));
	trace->header.monotonic = from->monotonic;
	trace->header.realtime = from->realtime;
	trace->header.pidns = from->pidns;
	trace->header.creator_pid = from->creator_pid;
	trace->header.creator_uid = from->creator_uid;
	memcpy(trace->header.tool, from->tool, sizeof(from->tool));
	atomic_store_explicit(&trace->header.ring_head.value, first, memory_order_relaxed);
	/* The front part gets its blocks now: it can be brought up to date on a full disk too. */
	errno = posix_fallocate(fd, 0, (off_t)trace->header.ring_offset);
	if (errno || !write_at(fd, &trace->header, sizeof(trace->header), 0)) {
		*error = xasprintf("%s: %s", name, strerror(errno));
		return false;
	}
	return true;
}

void trace_put(struct trace_file_writer *trace, uint64_t position, const void *cells, size_t count)
{
	uint64_t at = trace->header.ring_offset + (position - trace->header.ring_first) * CELL_SIZE;

	if (!trace->failed && !write_at(trace->fd, cells, count * CELL_SIZE, at))
		fail(trace);
}

void trace_keep_pending(struct trace_file_writer *trace, const struct thread_slot *slot)
{
	vec_push(&trace->pending, *slot);
}

/* The dead behind the living; a thread more than there is place for is counted as lost. */
static void place_pending(struct trace_file_writer *trace, struct thread_slot *slots)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < trace->pending.count; i++) {
		while (at < trace->header.thread_slots &&
		       atomic_load_explicit(&slots[at].process, memory_order_relaxed))
			at++;
		if (at == trace->header.thread_slots) {
			atomic_fetch_add_explicit(&trace->header.lost_threads.value,
						  trace->pending.count - i, memory_order_relaxed);
			return;
		}
		slots[at] = trace->pending.items[i];
	}
}

static uint64_t counter(const struct counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

#define COPY_COUNTER(name)                                                                \
	atomic_store_explicit(&trace->header.name.value, counter(&session->header->name), \
			      memory_order_relaxed)

void trace_update(struct trace_file_writer *trace, const struct session *session, uint64_t end)
{
	const struct header *own = &trace->header, *from = &session->checked;
	size_t bytes = own->ring_offset - own->thread_offset;
	char *front = xcalloc(1, bytes);

	COPY_COUNTER(slow_head);
	COPY_COUNTER(next_process);
	COPY_COUNTER(lost_threads);
	COPY_COUNTER(lost_processes);
	COPY_COUNTER(lost_stacks);
	COPY_COUNTER(lost_nested);
	COPY_COUNTER(lost_unseen);
	memcpy(front, session_threads(session), from->thread_slots * sizeof(struct thread_slot));
	place_pending(trace, (struct thread_slot *)front);
	memcpy(front + (own->process_offset - own->thread_offset), session_processes(session),
	       from->process_slots * sizeof(struct process_slot));
	memcpy(front + (own->slow_offset - own->thread_offset), session_slow(session),
	       from->slow_cells * CELL_SIZE);
	if (!write_at(trace->fd, front, bytes, own->thread_offset))
		fail(trace);
	free(front);
	trace_mark(trace, end);
}

void trace_mark(struct trace_file_writer *trace, uint64_t end)
{
	uint64_t passed = clock_now() - trace->header.monotonic;

	/* The moment on both clocks is also the last one that was looked at, should we be killed.
	 */
	trace->header.monotonic += passed;
	trace->header.realtime += passed;
	atomic_store_explicit(&trace->header.ring_head.value, end, memory_order_relaxed);
	if (!write_at(trace->fd, &trace->header, sizeof(trace->header), 0))
		fail(trace);
}

void trace_end(struct trace_file_writer *trace)
{
	vec_free(&trace->pending);
}
