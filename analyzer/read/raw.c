/* SPDX-License-Identifier: MIT */
#include "analyzer/read/raw.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "trace/ring.h"

static void raw_open(struct raw *raw, const struct trace_file *file)
{
	raw->file = file;
	raw->next = raw->begin = 1;
	raw->buffer = xcalloc(RAW_BLOCK, CELL_SIZE);
	raw->bytes = xcalloc(1, RAW_BYTES);
}

/* The last `cells` positions before the head. */
static void set_window(struct raw *raw, uint64_t head)
{
	raw->end = head ? head : 1;
	raw->begin = raw->end > raw->cells ? raw->end - raw->cells : 1;
	if (!raw->begin)
		raw->begin = 1;
}

void raw_open_ring(struct raw *raw, const struct trace_file *file)
{
	const struct header *header = &file->header;
	uint64_t head = trace_file_counter(file, offsetof(struct header, ring_head));

	*raw = (struct raw){ .offset = header->ring_offset,
			     .cells = header->ring_cells,
			     .head_offset = offsetof(struct header, ring_head) };
	raw_open(raw, file);
	if (raw->cells) {
		set_window(raw, head);
	} else {
		raw->first = raw->begin = header->ring_first ? header->ring_first : 1;
		raw->end = head > raw->first ? head : raw->first;
	}
}

void raw_open_slow(struct raw *raw, const struct trace_file *file)
{
	const struct header *header = &file->header;

	*raw = (struct raw){ .offset = header->slow_offset,
			     .cells = header->slow_cells,
			     .head_offset = offsetof(struct header, slow_head) };
	raw_open(raw, file);
	if (raw->cells)
		set_window(raw, trace_file_counter(file, raw->head_offset));
	else
		raw->end = raw->begin;
	raw->next = raw->begin; /* that old slow waits were dropped is no news */
}

void raw_close(struct raw *raw)
{
	free(raw->buffer);
	free(raw->bytes);
	*raw = (struct raw){ 0 };
}

/* Reads the block that begins with this position; false where the file has nothing there. */
static bool fill(struct raw *raw, uint64_t position)
{
	uint64_t index = raw->cells ? position & (raw->cells - 1) : position - raw->first;
	uint64_t wanted = RAW_BLOCK, offset;

	raw->block = position;
	raw->block_cells = 0;
	if (raw->cells && wanted > raw->cells - index)
		wanted = raw->cells - index;
	if (__builtin_mul_overflow(index, (uint64_t)CELL_SIZE, &offset) ||
	    __builtin_add_overflow(offset, raw->offset, &offset) || offset > INT64_MAX)
		return false;
	raw->block_cells =
		trace_file_read(raw->file, offset, raw->buffer, wanted * CELL_SIZE) / CELL_SIZE;
	return raw->block_cells > 0;
}

static const uint64_t *cell_at(struct raw *raw, uint64_t position)
{
	if (position - raw->block >= raw->block_cells && !fill(raw, position))
		return NULL;
	return raw->buffer[position - raw->block];
}

static bool fits(const uint64_t *cell, uint64_t position)
{
	return cell && cell[PAYLOAD_WORDS] == cell_checksum(position, cell);
}

static bool all_zero(const uint64_t *cell)
{
	uint64_t any = 0;

	for (int i = 0; i < CELL_WORDS; i++)
		any |= cell[i];
	return !any;
}

static bool is_lapped(const struct raw *raw, uint64_t position, uint64_t head)
{
	return raw->cells && head > raw->cells && position < head - raw->cells;
}

bool raw_lapped(const struct raw *raw, uint64_t position)
{
	return is_lapped(raw, position, trace_file_counter(raw->file, raw->head_offset));
}

/* Why this position holds no record. */
static enum raw_gap gap_at(const struct raw *raw, uint64_t position, uint64_t head,
			   const uint64_t *cell)
{
	if (!cell)
		return GAP_LOST;
	if (raw->cells)
		return is_lapped(raw, position, head) ? GAP_LOST : GAP_HOLE;
	return all_zero(cell) ? GAP_LOST : GAP_HOLE;
}

/* A trace may be as large as the file system allows, and have nothing in it: that is not read. */
static void skip_unwritten(struct raw *raw)
{
	uint64_t offset = raw->offset + (raw->next - raw->first) * CELL_SIZE;
	uint64_t written = trace_file_written(raw->file, offset), cells;

	if (raw->cells || written <= offset)
		return;
	cells = (written - offset) / CELL_SIZE;
	raw->next = cells < raw->end - raw->next ? raw->next + cells : raw->end;
}

/* Gives the positions from `next` on that hold no record, as far as they do so for one reason. */
static void take_gap(struct raw *raw, struct raw_record *record)
{
	uint64_t head = raw->cells ? trace_file_counter(raw->file, raw->head_offset) : 0;
	const uint64_t *cell = cell_at(raw, raw->next);

	record->position = raw->next;
	record->gap = gap_at(raw, raw->next, head, cell);
	do {
		if (!cell) { /* the file ends here: nothing more can follow */
			raw->next = raw->end;
			break;
		}
		raw->next++;
		if (!((raw->next - record->position) % RAW_BLOCK) && record->gap == GAP_LOST)
			skip_unwritten(raw);
		if (raw->next >= raw->end)
			break;
		cell = cell_at(raw, raw->next);
	} while (!fits(cell, raw->next) && gap_at(raw, raw->next, head, cell) == record->gap);
	record->missing = raw->next - record->position;
}

uint32_t raw_length(const struct raw_record *record)
{
	switch ((enum record_kind)record->kind) {
	case RECORD_PROCESS:
		return record->process.bytes;
	case RECORD_FILE:
		return record->file.bytes;
	case RECORD_MODULE:
		return record->module.bytes;
	case RECORD_STACK:
		return record->stack.bytes;
	case RECORD_UNTRACED:
		return record->untraced.bytes;
	case RECORD_RUN:
		return record->run.bytes;
	case RECORD_NONE:
	case RECORD_REQUEST:
	case RECORD_RESULT:
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_CONTINUED:
	case RECORD_DEATH:
	case RECORD_VERDICT:
	case RECORD_DOING:
	case RECORD_STUCK:
		break;
	}
	return 0;
}

static bool is_long(uint8_t kind)
{
	return (kind >= RECORD_PROCESS && kind <= RECORD_STACK) || kind == RECORD_UNTRACED ||
	       kind == RECORD_RUN;
}

/* Collects the continued cells of the record at `next`. False: one is missing. */
static bool gather(struct raw *raw, struct raw_record *record)
{
	uint32_t cells = record->process.cells; /* at the same place in every long record */
	uint32_t length = raw_length(record);

	if (!cells || length > (cells - 1) * CONTINUED_BYTES || raw->end - record->position < cells)
		return false;
	for (uint32_t i = 1; i < cells; i++) {
		uint64_t position = record->position + i;
		const uint64_t *cell = cell_at(raw, position);
		struct record_continued continued;

		if (!fits(cell, position))
			return false;
		memcpy(&continued, cell, sizeof(continued));
		if (continued.kind != RECORD_CONTINUED || continued.index != i ||
		    continued.first != (uint32_t)record->position)
			return false;
		memcpy(raw->bytes + (size_t)(i - 1) * CONTINUED_BYTES, continued.bytes,
		       CONTINUED_BYTES);
	}
	record->bytes = raw->bytes;
	record->length = length;
	raw->next = record->position + cells;
	return true;
}

static void count_torn(struct raw *raw, uint64_t first)
{
	if (raw->torn && raw->torn_first == first)
		return;
	raw->torn++;
	raw->torn_first = first;
}

/* A continued cell whose record was not given: torn, unless it began before the window. */
static void skip_orphan(struct raw *raw, const struct raw_record *record)
{
	struct record_continued continued;
	uint64_t first;

	memcpy(&continued, record->payload, sizeof(continued));
	first = reference_position(continued.first, record->position);
	if (first >= raw->begin && record->position - first < CELLS_MAX)
		count_torn(raw, first);
}

/* A trace whose writer was killed may hold more than its header says. */
static bool at_end(struct raw *raw)
{
	if (raw->next < raw->end)
		return false;
	if (raw->cells || raw->next == UINT64_MAX || !fits(cell_at(raw, raw->next), raw->next))
		return true;
	raw->end = raw->next + 1;
	while (raw->end < UINT64_MAX && raw->end - raw->block < raw->block_cells &&
	       fits(raw->buffer[raw->end - raw->block], raw->end))
		raw->end++;
	return false;
}

bool raw_next(struct raw *raw, struct raw_record *record)
{
	record->gap = GAP_NONE;
	record->missing = 0;
	record->bytes = raw->bytes;
	record->length = 0;
	if (raw->next < raw->begin) { /* what came before the window */
		record->position = raw->next;
		record->gap = GAP_LOST;
		record->missing = raw->begin - raw->next;
		raw->next = raw->begin;
		return true;
	}
	while (!at_end(raw)) {
		const uint64_t *cell = cell_at(raw, raw->next);

		if (!fits(cell, raw->next)) {
			take_gap(raw, record);
			return true;
		}
		record->position = raw->next;
		memcpy(record->payload, cell, sizeof(record->payload));
		if (record->kind == RECORD_CONTINUED) {
			skip_orphan(raw, record);
		} else if (!is_long(record->kind)) {
			raw->next++;
			return true;
		} else if (gather(raw, record)) {
			return true;
		} else {
			count_torn(raw, record->position);
		}
		raw->next++;
	}
	return false;
}

bool raw_holds(struct raw *raw, uint64_t position, enum record_kind kind)
{
	const uint64_t *cell;

	if (position < raw->begin || position >= raw->end)
		return false;
	cell = cell_at(raw, position);
	return fits(cell, position) && *(const uint8_t *)cell == kind;
}

uint64_t raw_time(const struct raw_record *record)
{
	switch ((enum record_kind)record->kind) {
	case RECORD_REQUEST:
	case RECORD_RESULT:
		return record->lock.time;
	case RECORD_CALL:
	case RECORD_CALL_RESULT:
	case RECORD_DEATH:
		return record->call.time;
	case RECORD_PROCESS:
		return record->process.time;
	case RECORD_UNTRACED:
		return record->untraced.time;
	case RECORD_RUN:
		return record->run.time;
	case RECORD_VERDICT:
		return record->verdict.time;
	case RECORD_DOING:
		return record->doing.time;
	case RECORD_STUCK:
		return record->stuck.time;
	case RECORD_NONE:
	case RECORD_CONTINUED:
	case RECORD_FILE:
	case RECORD_MODULE:
	case RECORD_STACK:
		break;
	}
	return 0;
}
