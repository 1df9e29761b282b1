/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/drain.h"

#include <stdio.h>
#include <string.h>

#include "trace/ring.h"

#define BATCH	   16384	       /* cells written at once: 1 MiB */
#define RECHECKS   4096		       /* holes looked at in one step */
#define LEAP	   (UINT64_C(1) << 40) /* no writer takes so many positions at once */
#define FULL_SPEED UINT64_C(2000)      /* records per ms that writers may reach */
#define PAUSE_MAX  30		       /* ms */

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

	if (kind > RECORD_REQUEST && kind != RECORD_CONTINUED && drain->seen)
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

static uint64_t head_of(const struct drain *drain)
{
	return atomic_load_explicit(&drain->session->header->ring_head.value, memory_order_acquire);
}

/* How many records that costs nobody knows; that there are some is counted. */
static void give_up(struct drain *drain)
{
	fprintf(stderr, "flocktrace: somebody has written over the session; what follows is not "
			"recorded, the program goes on\n");
	atomic_fetch_add_explicit(&drain->session->header->lost_unseen.value, 1,
				  memory_order_relaxed);
	drain->damaged = true;
}

uint64_t drain_step(struct drain *drain)
{
	uint64_t head = head_of(drain), before = drain->next;
	uint64_t ring = drain->session->checked.ring_cells;

	while (!drain->damaged && drain->next != head) {
		/* How far writers have come since: what they overwrote is not even looked at. */
		uint64_t count = head - drain->next, lead = head_of(drain) - drain->next;

		/* The head never goes back: somebody has written over it. */
		if (lead > LEAP || lead < count) {
			give_up(drain);
		} else if (lead > ring) {
			drain->lapped += lead - ring;
			drain->next += lead - ring;
			if (drain->next > head)
				head = drain->next;
		} else {
			copy(drain, count < BATCH ? count : BATCH);
		}
	}
	if (drain->damaged)
		return 0;
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
