/* SPDX-License-Identifier: MIT */
/* From a knot of the graph to a deadlock. */
#ifndef ANALYZER_DEADLOCK_DESCRIBE_H
#define ANALYZER_DEADLOCK_DESCRIBE_H

#include "analyzer/deadlock/look.h"

/* Why somebody looks: what ended the waits, if anything did. */
struct cause {
	enum deadlock_end how;
	uint64_t time;
	uint32_t process, tid; /* NONE: the end of the recording; tid 0: any */
	int error;
	bool at_most;
	uint64_t timers_since; /* ns: those that ran out before have nothing to do with it */
};

struct deadlock deadlock_of(const struct look *look, const struct knot *knot,
			    const struct cause *cause);

#endif
