/* SPDX-License-Identifier: MIT */
/*
 * The records of one ring, one at a time, in order, as they lie in the file: long records put
 * together, nothing looked up. Positions that hold no record are given too, as a gap.
 */
#ifndef ANALYZER_READ_RAW_H
#define ANALYZER_READ_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/read/file.h"
#include "trace/format.h"

#define RAW_BYTES ((CELLS_MAX - 1) * CONTINUED_BYTES)
#define RAW_BLOCK 4096 /* cells read at once */

enum raw_gap {
	GAP_NONE,
	GAP_LOST, /* lapped before anybody read them, never drained, or cut off */
	GAP_HOLE, /* taken and not filled: the writer died, or is still at it */
};

struct raw_record {
	uint64_t position; /* of the first cell, or of the gap's first */
	enum raw_gap gap;
	uint64_t missing;     /* positions, in a gap */
	union {		      /* without a gap */
		uint8_t kind; /* enum record_kind, or one that this version does not know */
		struct record_lock lock;
		struct record_call call;
		struct record_process process;
		struct record_file file;
		struct record_module module;
		struct record_stack stack;
		struct record_untraced untraced;
		struct record_run run;
		struct record_verdict verdict;
		struct record_doing doing;
		struct record_stuck stuck;
		uint64_t payload[PAYLOAD_WORDS];
	};
	const uint8_t *bytes; /* what follows in the continued cells; valid until the next call */
	uint32_t length;
};

struct raw {
	const struct trace_file *file;
	uint64_t offset, cells;	     /* cells 0: positions lie one after the other, from `first` */
	uint64_t first;		     /* position at `offset`, where cells is 0 */
	uint64_t begin, end;	     /* the window that is read, end exclusive */
	uint64_t next;		     /* position to be read */
	size_t head_offset;	     /* of the ring's head in struct header */
	uint64_t torn;		     /* long records of which a cell is missing, so far */
	uint64_t torn_first;	     /* where the last of those began */
	uint64_t block, block_cells; /* position of the first cell in `buffer`, and how many */
	uint64_t (*buffer)[CELL_WORDS];
	uint8_t *bytes;
};

/* The window is what the ring holds at this moment. `file` must outlive it. */
void raw_open_ring(struct raw *raw, const struct trace_file *file);
void raw_open_slow(struct raw *raw, const struct trace_file *file);
void raw_close(struct raw *raw);

/* False at the end of the window. */
bool raw_next(struct raw *raw, struct raw_record *record);

/* Whether this position holds a whole cell of this kind now. */
bool raw_holds(struct raw *raw, uint64_t position, enum record_kind kind);

/* Whether writers have come round to this position again by now. */
bool raw_lapped(const struct raw *raw, uint64_t position);

/* When it was written, or when its call began; 0 for what has no time. Not for a gap. */
uint64_t raw_time(const struct raw_record *record);

/* How many bytes the first cell says that follow it; 0 for short records. */
uint32_t raw_length(const struct raw_record *record);

#endif
