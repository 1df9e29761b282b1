/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/drain.h"

#include <string.h>

#include "trace/ring.h"

#define BATCH	   16384	       /* cells written at once: 1 MiB */
#define RECHECKS   4096		       /* holes looked at in one step */
#define LEAP	   (UINT64_C(1) << 40) /* no writer takes so many positions at once */
#define FULL_SPEED UINT64_C(2000)      /* records per ms that writers may reach */
#define PAUSE_MAX  20		       /* ms */

uint64_t drain_first(const struct session *session)
{
	uint64_t head =
		atomic_load_explicit(&session->header->ring_head.value, memory_order_acquire);
	uint64_t cells = session->checked.ring_cells;

	return head > cells ? head - cells : 1;
}

void drain_begin(struct drain *drain, const struct session *session,
		 struct trace_file_writer *trace, drain_seen seen, void *context)
{
	memset(drain, 0, sizeof(*drain));
	drain->session = session;
	drain->trace = trace;
	drain->seen = seen;
	drain->context = context;
	drain->next = trace->header.ring_first;
	drain->cells = xcalloc(BATCH, CELL_SIZE);
}

static bool read_cell(const struct drain *drain, uint64_t position, uint64_t cell[CELL_WORDS])
{
	uint64_t mask = drain->session->checked.ring_cells - 1;

	if (!cell_read(&session_ring(drain->session)[position & mask], position, cell))
		return false;
	cell[PAYLOAD_WORDS] = cell_checksum(position, cell);
	return true;
}

static void tell(struct drain *drain, uint64_t position, const uint64_t *payload)
{
	enum record_kind kind = *(const uint8_t *)payload;

	if (kind > RECORD_RESULT && kind != RECORD_CONTINUED && drain->seen)
		drain->seen(drain->context, position, payload);
}

static bool is_lapped(const struct drain *drain, uint64_t position)
{
	uint64_t head = atomic_load_explicit(&drain->session->header->ring_head.value,
					     memory_order_acquire);

	return head > position && head - position > drain->session->checked.ring_cells;
}

static void recheck_holes(struct drain *drain)
{
	uint64_t cell[CELL_WORDS];

	for (uint32_t looks = 0; looks < RECHECKS && looks <= drain->holes.count; looks++) {
		uint64_t position;

		if (drain->recheck >= drain->holes.count) {
			drain->recheck = 0;
			if (!drain->holes.count)
				return;
		}
		position = drain->holes.items[drain->recheck];
		if (read_cell(drain, position, cell)) {
			trace_put(drain->trace, position, cell, 1);
			tell(drain, position, cell);
		} else if (is_lapped(drain, position)) {
			drain->lapped++;
		} else {
			drain->recheck++;
			continue;
		}
		drain->holes.items[drain->recheck] = drain->holes.items[--drain->holes.count];
	}
}

static void copy(struct drain *drain, uint64_t count)
{
	uint64_t first = drain->next;

	for (uint64_t i = 0; i < count; i++) {
		if (read_cell(drain, first + i, drain->cells[i]))
			continue;
		memset(drain->cells[i], 0, CELL_SIZE);
		vec_push(&drain->holes, first + i);
	}
	trace_put(drain->trace, first, drain->cells, count);
	for (uint64_t i = 0; i < count; i++)
		tell(drain, first + i, drain->cells[i]);
	drain->next += count;
}

uint64_t drain_step(struct drain *drain)
{
	uint64_t head = atomic_load_explicit(&drain->session->header->ring_head.value,
					     memory_order_acquire);
	uint64_t before = drain->next, ring = drain->session->checked.ring_cells;

	if (drain->damaged || head < drain->next || head - drain->next > LEAP) {
		drain->damaged = true;
		return 0;
	}
	while (drain->next < head) {
		uint64_t count = head - drain->next, lead;

		/* How far writers have come since: what they overwrote is not even looked at. */
		lead = atomic_load_explicit(&drain->session->header->ring_head.value,
					    memory_order_acquire) -
		       drain->next;
		if (lead > ring && lead <= LEAP) {
			drain->lapped += lead - ring;
			drain->next += lead - ring;
			continue;
		}
		copy(drain, count < BATCH ? count : BATCH);
	}
	recheck_holes(drain);
	return drain->next - before;
}

int drain_longest_pause(const struct session *session)
{
	uint64_t pause = session->checked.ring_cells / 2 / FULL_SPEED;

	return pause < 1 ? 1 : pause > PAUSE_MAX ? PAUSE_MAX : (int)pause;
}

void drain_end(struct drain *drain)
{
	free(drain->cells);
	vec_free(&drain->holes);
}
