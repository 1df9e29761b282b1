/* SPDX-License-Identifier: MIT */
/* One record of a call -> one event. The flags of format.h end here. */
#ifndef ANALYZER_READ_DECODE_H
#define ANALYZER_READ_DECODE_H

#include <stdbool.h>

#include "analyzer/event.h"
#include "analyzer/read/announce.h"

struct decode_counts {
	uint64_t unresolved_files, unresolved_stacks; /* named by a call, and not known */
};

/*
 * RECORD_REQUEST, _RESULT, _CALL, _CALL_RESULT and _DEATH. False where the record makes no sense
 * (an operation that there is none of). The references are those of the ring of `names`.
 */
bool decode(struct intern *intern, const struct names *names, const struct raw_record *record,
	    struct decode_counts *counts, struct event *event);

/* What a lock operation is, apart from its arguments. False: there is no such operation. */
bool decode_lock_op(struct event *event, uint8_t op, uint16_t flags);

#endif
