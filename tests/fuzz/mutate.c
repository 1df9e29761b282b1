/* SPDX-License-Identifier: MIT */
/*
 * How libFuzzer changes a file: a checksum that no longer fits would have the reader throw each
 * changed record away, so that nothing behind it were ever tried. Here records are changed, moved
 * and sealed again; and one time in eight anything is done to the bytes.
 */
#include <string.h>

#include "trace/format.h"
#include "trace/ring.h"
#include "trace/session.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

#define RUN_MAX 8 /* cells moved at once */

struct random {
	uint64_t state;
};

/* A run of cells that are somewhere in the file; positions as a reader asks for them. */
struct cells {
	struct cell *cell;
	uint64_t count, first; /* position of cell[0], in a trace */
	uint64_t head;	       /* 0: a trace */
};

static uint64_t draw(struct random *random, uint64_t below)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return below ? random->state % below : 0;
}

/* In a ring: the last one before the head that lies there. */
static uint64_t position_of(const struct cells *cells, uint64_t index)
{
	uint64_t last = cells->head - 1;

	if (!cells->head)
		return cells->first + index;
	return last - ((last - index) & (cells->count - 1));
}

static void seal(struct cell *cell, uint64_t position)
{
	uint64_t payload[PAYLOAD_WORDS];

	memcpy(payload, cell, sizeof(payload));
	cell_write(cell, position, payload);
}

static struct cells ring_cells(uint8_t *data, size_t size, const struct header *header)
{
	bool trace = header->kind == FILE_TRACE;

	return (struct cells){
		.cell = (struct cell *)(data + header->ring_offset),
		.count = trace ? (size - header->ring_offset) / CELL_SIZE : header->ring_cells,
		.first = header->ring_first,
		.head = trace ? 0 : header->ring_head.value,
	};
}

static struct cells slow_cells(uint8_t *data, const struct header *header)
{
	return (struct cells){
		.cell = (struct cell *)(data + header->slow_offset),
		.count = header->slow_cells,
		.head = header->slow_head.value,
	};
}

static void change_cell(const struct cells *cells, struct random *random)
{
	uint64_t index = draw(random, cells->count);
	uint8_t *bytes = (uint8_t *)&cells->cell[index];
	size_t at = draw(random, PAYLOAD_WORDS * 8);
	size_t length = 1 + draw(random, draw(random, 2) ? 8 : PAYLOAD_WORDS * 8);

	if (length > PAYLOAD_WORDS * 8 - at)
		length = PAYLOAD_WORDS * 8 - at;
	LLVMFuzzerMutate(bytes + at, length, length);
	seal(&cells->cell[index], position_of(cells, index));
}

/* A run of records comes again elsewhere; long ones stay whole, as their cells name the first. */
static void move_cells(const struct cells *cells, struct random *random)
{
	uint64_t count = 1 + draw(random, RUN_MAX), from, to;
	struct cell run[RUN_MAX];

	if (count > cells->count)
		return;
	from = draw(random, cells->count - count + 1);
	to = draw(random, cells->count - count + 1);
	memcpy(run, cells->cell + from, count * CELL_SIZE);
	for (uint64_t i = 0; i < count; i++) {
		struct record_continued more;
		uint64_t position = position_of(cells, to + i);

		memcpy(&more, &run[i], sizeof(more));
		if (more.kind == RECORD_CONTINUED) {
			more.first += (uint32_t)(position - position_of(cells, from + i));
			memcpy(&run[i], &more, sizeof(more));
		}
		cells->cell[to + i] = run[i];
		seal(&cells->cell[to + i], position);
	}
}

static void change_slot(uint8_t *data, const struct header *header, struct random *random)
{
	struct thread_slot *threads = (struct thread_slot *)(data + header->thread_offset);
	uint64_t which = draw(random, header->thread_slots + header->process_slots);

	if (which >= header->thread_slots) {
		uint8_t *slot = data + header->process_offset +
				(which - header->thread_slots) * sizeof(struct process_slot);

		LLVMFuzzerMutate(slot + 8 * draw(random, sizeof(struct process_slot) / 8), 8, 8);
		return;
	}
	LLVMFuzzerMutate((uint8_t *)&threads[which] + 8 * draw(random, sizeof(*threads) / 8), 8, 8);
	for (int i = 0; i < NEST_MAX; i++)
		seal(&threads[which].request[i], threads[which].position[i]);
}

static void change_header(uint8_t *data, struct random *random)
{
	LLVMFuzzerMutate(data + 4 * draw(random, sizeof(struct header) / 4), 4, 4);
}

/* A trace may end anywhere; one that grows comes with the records that it had. */
static size_t change_length(uint8_t *data, size_t size, size_t room, const struct header *header,
			    struct random *random)
{
	struct cells cells = ring_cells(data, size, header);
	uint64_t more = 1 + draw(random, RUN_MAX);

	if (cells.head || !cells.count)
		return size;
	if (draw(random, 3) || size + more * CELL_SIZE > room)
		return header->ring_offset + draw(random, cells.count + 1) * CELL_SIZE;
	memset(data + size, 0, more * CELL_SIZE);
	cells.count += more;
	move_cells(&cells, random);
	return size + more * CELL_SIZE;
}

static bool is_whole(const uint8_t *data, size_t size, struct header *header)
{
	if (size < HEADER_BYTES || size % CELL_SIZE)
		return false;
	memcpy(header, data, sizeof(*header));
	return header->magic == FORMAT_MAGIC && session_header_fits(header, size);
}

static size_t change(uint8_t *data, size_t size, size_t room, const struct header *header,
		     struct random *random)
{
	struct cells ring = ring_cells(data, size, header), slow = slow_cells(data, header);
	uint64_t what = draw(random, 16);

	if (what < 2)
		change_header(data, random);
	else if (what < 4)
		change_slot(data, header, random);
	else if (what < 5)
		return change_length(data, size, room, header, random);
	else if (what < 7 && slow.count)
		(what & 1 ? change_cell : move_cells)(&slow, random);
	else if (ring.count)
		(what & 1 ? change_cell : move_cells)(&ring, random);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	struct random random = { (uint64_t)seed << 1 | 1 };
	struct header header;

	draw(&random, 0);
	if (!draw(&random, 8) || !is_whole(data, size, &header))
		return LLVMFuzzerMutate(data, size, room);
	for (uint64_t times = 1 + draw(&random, 4); times--;) {
		if (is_whole(data, size, &header))
			size = change(data, size, room, &header, &random);
	}
	return size;
}
