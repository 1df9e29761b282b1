/* SPDX-License-Identifier: MIT */
/*
 * Copies a session's ring into a trace while it fills. A position that cannot be read yet is a
 * hole: it is looked at again until it is filled, lapped, or recording ends. Writers never wait for
 * this.
 */
#ifndef ANALYZER_LAUNCH_DRAIN_H
#define ANALYZER_LAUNCH_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/base/vec.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/trace_file.h"

/* Told of each first cell that is not a lock request, once, and nearly in order. */
typedef void (*drain_seen)(void *context, uint64_t position, const uint64_t *payload);

struct drain {
	const struct session *session;
	struct trace_file_writer *trace;
	drain_seen seen;
	void *context;
	uint64_t next;	  /* positions before it were copied, are in holes, or are lost */
	uint64_t lapped;  /* positions that were overwritten before they could be copied */
	bool damaged;	  /* the ring's head makes no sense */
	uint32_t recheck; /* which hole is looked at next */
	uint64_t (*cells)[CELL_WORDS];
	VEC(uint64_t) holes; /* positions */
};

/* Starts at the oldest position that the ring still has; drain_first() tells it. */
uint64_t drain_first(const struct session *session);
void drain_begin(struct drain *drain, const struct session *session,
		 struct trace_file_writer *trace, drain_seen seen, void *context);

/* Copies what is there now; returns how many positions it went on. */
uint64_t drain_step(struct drain *drain);

/* How long a pause may be, in ms, so that writers at full speed do not lap a drain that was idle.
 */
int drain_longest_pause(const struct session *session);

void drain_end(struct drain *drain);

#endif
