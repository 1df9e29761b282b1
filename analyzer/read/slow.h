/* SPDX-License-Identifier: MIT */
/*
 * The slow ring: waits that fast traffic cannot flush. Those whose result the ring has lost are
 * events all the same, and come before what the ring still has.
 */
#ifndef ANALYZER_READ_SLOW_H
#define ANALYZER_READ_SLOW_H

#include "analyzer/base/vec.h"
#include "analyzer/event.h"
#include "analyzer/read/decode.h"
#include "analyzer/read/known.h"
#include "analyzer/read/raw.h"

struct slow_event {
	struct event event;	  /* position 0 */
	struct raw_record record; /* position: in the slow ring */
	uint64_t moment;	  /* a REQUEST: when it began, a RESULT: when it ended */
};

struct slow {
	VEC(struct slow_event) events; /* of waits that the ring does not have, by moment */
};

/* Reads the slow ring, announcements into `intern`, and asks the ring what it still has. */
void slow_read(struct slow *slow, struct intern *intern, const struct trace_file *file,
	       struct decode_counts *counts);
void slow_free(struct slow *slow);

#endif
