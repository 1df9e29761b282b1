/* SPDX-License-Identifier: MIT */
/* Writing records into the ring. Never waits, never fails; a reader that comes too late counts what
 * it missed. */
#ifndef PRELOAD_EMIT_H
#define PRELOAD_EMIT_H

#include <stddef.h>

#include "preload/ahead.h"
#include "preload/recorder.h"
#include "trace/ring.h"

/* A piece of the bytes that follow the first cell of a long record. */
struct piece {
	const void *bytes;
	size_t length;
};

/* A record of one cell (struct record_lock, struct record_call, …). Returns its position. */
static inline uint64_t emit(const void *record)
{
	uint64_t position = ring_take(&recorder.session->ring_head.value, 1);
	uint64_t payload[PAYLOAD_WORDS];

	memcpy(payload, record, sizeof(payload));
	cell_write(&recorder.ring[position & recorder.ring_mask], position, payload);
	return position;
}

/* The same in two steps, for who needs the checksum elsewhere too: take a position, write there. */
static inline uint64_t emit_take(void)
{
	return ring_take(&recorder.session->ring_head.value, 1);
}

static inline void emit_at(uint64_t position, const uint64_t payload[PAYLOAD_WORDS], uint64_t sum)
{
	if (unlikely(position % AHEAD_RECORDS == 0))
		ahead_map(position);
	cell_write_summed(&recorder.ring[position & recorder.ring_mask], payload, sum);
	/* The next one's line is on some other processor, or in memory: fetch it while the host
	 * works. */
	__builtin_prefetch(&recorder.ring[(position + 1) & recorder.ring_mask], 1);
}

/* From words that were just stored as words: read again in another width they would stall. */
static inline void emit_words(const uint64_t payload[PAYLOAD_WORDS])
{
	uint64_t position = emit_take();

	emit_at(position, payload, cell_checksum(position, payload));
}

/*
 * A long record: `first` is its first cell, in which byte 1 becomes the number of cells. The pieces
 * are cut to what fits into CELLS_MAX cells. Returns the position of the first cell; its low 32
 * bits, never 0, are the reference.
 */
uint64_t emit_long(const void *first, const struct piece *pieces, unsigned count);

/* The same into the slow ring. */
uint64_t emit_long_slow(const void *first, const struct piece *pieces, unsigned count);
uint64_t emit_slow(const void *record);

/* True while an announcement made at `position` is young enough to be referred to: half a lap. */
static inline bool emit_is_fresh(uint64_t position)
{
	uint64_t head =
		atomic_load_explicit(&recorder.session->ring_head.value, memory_order_relaxed);

	return position && head - position <= recorder.ring_mask / 2;
}

#define EMIT_BYTES_MAX ((CELLS_MAX - 1) * CONTINUED_BYTES)

#endif
