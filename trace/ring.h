/* SPDX-License-Identifier: MIT */
/*
 * The ring: any number of writers, in any processes, and any number of readers; nobody waits for
 * anybody.
 *
 * A writer takes a position with one atomic add, stores its seven words and then the checksum over
 * position and words. A reader accepts a cell only if the checksum fits the position that it asked
 * for. So a cell that is torn, half written, from another lap, or left behind by a writer that died
 * is never taken for a record, and a dead writer stalls nobody: its position stays a hole. The
 * order of the stores does not matter for that; the release store of the checksum makes the payload
 * visible to a reader that has seen it.
 *
 * All of this may run in a signal handler.
 */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "trace/format.h"

/*
 * The words are multiplied by odd constants, so that any one changed word changes the sum, and the
 * position shifts all of it: cells of other laps, and mixtures of two laps, do not fit. Seven
 * independent multiplications cost about half a nanosecond.
 */
static inline uint64_t cell_checksum(uint64_t position, const uint64_t payload[PAYLOAD_WORDS])
{
	uint64_t sum = (position + 1) * UINT64_C(0x9e3779b97f4a7c15);

	sum += payload[0] * UINT64_C(0xbf58476d1ce4e5b9);
	sum += payload[1] * UINT64_C(0x94d049bb133111eb);
	sum += payload[2] * UINT64_C(0xd6e8feb86659fd93);
	sum += payload[3] * UINT64_C(0xa0761d6478bd642f);
	sum += payload[4] * UINT64_C(0xe7037ed1a0b428db);
	sum += payload[5] * UINT64_C(0x8ebc6af09c88c6e3);
	sum += payload[6] * UINT64_C(0x589965cc75374cc3);
	return sum ^ sum >> 29;
}

/* Takes `cells` consecutive positions and returns the first. */
static inline uint64_t ring_take(_Atomic uint64_t *head, uint32_t cells)
{
	return atomic_fetch_add_explicit(head, cells, memory_order_relaxed);
}

/* For a writer that has the checksum already. Seven stores and not a loop: its last turn is one
 * that processors guess wrong. */
static inline void cell_write_summed(struct cell *cell, const uint64_t payload[PAYLOAD_WORDS],
				     uint64_t sum)
{
	atomic_store_explicit(&cell->word[0], payload[0], memory_order_relaxed);
	atomic_store_explicit(&cell->word[1], payload[1], memory_order_relaxed);
	atomic_store_explicit(&cell->word[2], payload[2], memory_order_relaxed);
	atomic_store_explicit(&cell->word[3], payload[3], memory_order_relaxed);
	atomic_store_explicit(&cell->word[4], payload[4], memory_order_relaxed);
	atomic_store_explicit(&cell->word[5], payload[5], memory_order_relaxed);
	atomic_store_explicit(&cell->word[6], payload[6], memory_order_relaxed);
	atomic_store_explicit(&cell->word[PAYLOAD_WORDS], sum, memory_order_release);
}

static inline void cell_write(struct cell *cell, uint64_t position,
			      const uint64_t payload[PAYLOAD_WORDS])
{
	cell_write_summed(cell, payload, cell_checksum(position, payload));
}

/* Copies the payload out; false if the cell does not hold the whole record of `position`. */
static inline bool cell_read(const struct cell *cell, uint64_t position,
			     uint64_t payload[PAYLOAD_WORDS])
{
	uint64_t sum = atomic_load_explicit(&cell->word[PAYLOAD_WORDS], memory_order_acquire);

	for (int i = 0; i < PAYLOAD_WORDS; i++)
		payload[i] = atomic_load_explicit(&cell->word[i], memory_order_relaxed);
	return sum == cell_checksum(position, payload);
}

/* The full position that a reference made in the record at `user` stands for. */
static inline uint64_t reference_position(reference ref, uint64_t user)
{
	uint64_t position = (user & ~UINT64_C(0xffffffff)) | ref;

	return position > user ? position - (UINT64_C(1) << 32) : position;
}

#endif
