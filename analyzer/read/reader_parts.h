/* SPDX-License-Identifier: MIT */
/* A reader's insides: what reader.c, reader_ring.c and reader_end.c share. */
#ifndef ANALYZER_READ_READER_PARTS_H
#define ANALYZER_READ_READER_PARTS_H

#include "analyzer/read/decode.h"
#include "analyzer/read/file.h"
#include "analyzer/read/grants.h"
#include "analyzer/read/lives.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/reader.h"
#include "analyzer/read/slots.h"
#include "analyzer/read/slow.h"

/* In the order in which their events come. */
enum phase {
	PHASE_GRANTS,
	PHASE_SLOW,
	PHASE_RING,
	PHASE_PENDING,
	PHASE_DEATHS,
	PHASE_END,
	PHASE_DONE
};

struct reader {
	struct trace_file file;
	struct intern intern;
	struct catalog catalog;
	struct decode_counts counts;
	enum phase phase;
	struct grants grants;
	struct slow slow;
	uint32_t next_grant, next_slow;
	struct raw ring;
	struct names names;
	struct slot_walk walk;
	uint32_t next_process; /* PHASE_DEATHS */
	struct lives lives;
	bool same_boot;
	char tool[sizeof(((struct header *)0)->tool) + 1];
};

/* The next event of the ring; false: there is none any more. */
bool reader_next_in_ring(struct reader *reader, struct event *event);
/* The recorder's own counters; a live session goes on counting. */
void reader_count(struct reader *reader);
/* After the last record: whether it is being recorded still, the deaths that nobody told of, and
 * the end. next: as above. */
void reader_see_whether_live(struct reader *reader);
bool reader_next_death(struct reader *reader, struct event *event);
bool reader_next_end(struct reader *reader, struct event *event);

#endif
