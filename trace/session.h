/* SPDX-License-Identifier: MIT */
/*
 * Laying a session file out, and looking at one before trusting it. Pure: no calls, no globals.
 *
 * Where sessions are made: the first of these directories that exists or can be made, is a
 * directory (no symlink), belongs to the user and has mode 0700; a default session that is there
 * already, in any of them, is used as it is. Where they are looked for: all of them, in this order.
 *
 *   $XDG_RUNTIME_DIR/flocktrace    /dev/shm/flocktrace-UID    /tmp/flocktrace-UID
 *
 * `run` and `record` make session.PID.RANDOM there; the user's default session, made by the first
 * lock call of a program that has LD_PRELOAD and no FLOCKTRACE_SESSION, is the file `default`.
 * Files are 0600.
 */
#ifndef TRACE_SESSION_H
#define TRACE_SESSION_H

#include <stdbool.h>
#include <string.h>

#include "trace/format.h"

#define SESSION_DIRECTORY    "flocktrace" /* below XDG_RUNTIME_DIR; "-UID" follows elsewhere */
#define SESSION_DEFAULT_NAME "default"

struct session_size {
	uint32_t thread_slots, process_slots;
	uint64_t slow_cells, ring_cells; /* powers of two */
};

/* The flight recorder of a bare LD_PRELOAD: below 4 MiB. */
#define SESSION_DEFAULT_SIZE ((struct session_size){ 1024, 512, 1 << 12, 1 << 15 })

/* Fills in everything that depends on the sizes; returns the bytes of the whole file. The header
 * must be zeroed before. */
static inline uint64_t session_layout(struct header *header, struct session_size size)
{
	header->magic = FORMAT_MAGIC;
	header->byte_order = FORMAT_BYTE_ORDER;
	header->version = FORMAT_VERSION;
	header->header_size = sizeof(struct header);
	header->kind = FILE_SESSION;
	header->thread_slots = size.thread_slots;
	header->thread_slot_size = sizeof(struct thread_slot);
	header->thread_offset = HEADER_BYTES;
	header->process_slots = size.process_slots;
	header->process_slot_size = sizeof(struct process_slot);
	header->process_offset =
		header->thread_offset + (uint64_t)size.thread_slots * sizeof(struct thread_slot);
	header->slow_cells = size.slow_cells;
	header->slow_offset =
		header->process_offset + (uint64_t)size.process_slots * sizeof(struct process_slot);
	header->ring_cells = size.ring_cells;
	header->ring_offset = header->slow_offset + size.slow_cells * CELL_SIZE;
	atomic_store_explicit(&header->ring_head.value, 1, memory_order_relaxed);
	atomic_store_explicit(&header->slow_head.value, 1, memory_order_relaxed);
	atomic_store_explicit(&header->next_process.value, 1, memory_order_relaxed);
	atomic_store_explicit(&header->recording, 1, memory_order_relaxed);
	return header->ring_offset + size.ring_cells * CELL_SIZE;
}

static inline bool session_part_fits(uint64_t offset, uint64_t count, uint64_t size,
				     uint64_t file_size)
{
	return offset >= HEADER_BYTES && offset % 64 == 0 && offset <= file_size &&
	       count <= (file_size - offset) / size;
}

/*
 * Whether a start time that a process has announced and one of /proc, for the same pid, are of the
 * same process. A fork child reckons its own from the clock when it first runs, which may be late;
 * whoever has its pid after it has started later still. The clocks may be off by a tick.
 */
static inline bool session_same_start(uint64_t announced, uint64_t actual)
{
	return actual <= announced + 2;
}

static inline bool session_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/*
 * Whether every part that the header names lies inside a file of that many bytes and has this
 * version's sizes. Magic, byte order and version are looked at by the caller, who has something to
 * say about each.
 */
static inline bool session_header_fits(const struct header *header, uint64_t file_size)
{
	bool trace = header->kind == FILE_TRACE;

	if (file_size < HEADER_BYTES || header->header_size != sizeof(struct header) ||
	    header->thread_slot_size != sizeof(struct thread_slot) ||
	    header->process_slot_size != sizeof(struct process_slot))
		return false;
	if (!trace && (header->kind != FILE_SESSION || !session_power_of_two(header->ring_cells)))
		return false;
	if (trace && header->ring_cells)
		return false;
	return session_part_fits(header->thread_offset, header->thread_slots,
				 sizeof(struct thread_slot), file_size) &&
	       session_part_fits(header->process_offset, header->process_slots,
				 sizeof(struct process_slot), file_size) &&
	       session_part_fits(header->slow_offset, header->slow_cells, CELL_SIZE, file_size) &&
	       (!header->slow_cells || session_power_of_two(header->slow_cells)) &&
	       session_part_fits(header->ring_offset, header->ring_cells, CELL_SIZE, file_size);
}

#endif
