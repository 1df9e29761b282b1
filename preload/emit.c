/* SPDX-License-Identifier: MIT */
#include "preload/emit.h"

/* Which ring a long record goes to. */
struct target {
	_Atomic uint64_t *head;
	struct cell *cells;
	uint64_t mask;
};

static size_t total_length(const struct piece *pieces, unsigned count)
{
	size_t length = 0;

	for (unsigned i = 0; i < count; i++)
		length += pieces[i].length;
	return length < EMIT_BYTES_MAX ? length : EMIT_BYTES_MAX;
}

/* Positions whose reference would be 0 are given away: 0 means "none". */
static uint64_t take_named(_Atomic uint64_t *head, uint32_t cells)
{
	uint64_t position = ring_take(head, cells);

	while ((reference)position == 0)
		position = ring_take(head, cells);
	return position;
}

static uint64_t emit_to(struct target ring, const void *first, const struct piece *pieces,
			unsigned count)
{
	size_t length = total_length(pieces, count);
	uint32_t cells = 1 + (uint32_t)((length + CONTINUED_BYTES - 1) / CONTINUED_BYTES);
	uint64_t position = take_named(ring.head, cells);
	uint64_t payload[PAYLOAD_WORDS];
	unsigned piece = 0;
	size_t used = 0;

	/* The first cell is written last: who finds it finds the rest. */
	for (uint32_t i = 1; i < cells; i++) {
		struct record_continued part = { .kind = RECORD_CONTINUED,
						 .index = (uint8_t)i,
						 .first = (uint32_t)position };
		size_t filled = 0;

		while (filled < CONTINUED_BYTES && piece < count) {
			size_t left = pieces[piece].length - used;
			size_t step =
				left < CONTINUED_BYTES - filled ? left : CONTINUED_BYTES - filled;

			memcpy(part.bytes + filled, (const char *)pieces[piece].bytes + used, step);
			filled += step;
			used += step;
			if (used == pieces[piece].length) {
				piece++;
				used = 0;
			}
		}
		memcpy(payload, &part, sizeof(payload));
		cell_write(&ring.cells[(position + i) & ring.mask], position + i, payload);
	}
	memcpy(payload, first, sizeof(payload));
	((uint8_t *)payload)[1] = (uint8_t)cells;
	cell_write(&ring.cells[position & ring.mask], position, payload);
	return position;
}

uint64_t emit_long(const void *first, const struct piece *pieces, unsigned count)
{
	struct target ring = { &recorder.session->ring_head.value, recorder.ring,
			       recorder.ring_mask };

	return emit_to(ring, first, pieces, count);
}

uint64_t emit_long_slow(const void *first, const struct piece *pieces, unsigned count)
{
	struct target ring = { &recorder.session->slow_head.value, recorder.slow_ring,
			       recorder.slow_mask };

	return emit_to(ring, first, pieces, count);
}

uint64_t emit_slow(const void *record)
{
	uint64_t position = ring_take(&recorder.session->slow_head.value, 1);
	uint64_t payload[PAYLOAD_WORDS];

	memcpy(payload, record, sizeof(payload));
	cell_write(&recorder.slow_ring[position & recorder.slow_mask], position, payload);
	return position;
}
