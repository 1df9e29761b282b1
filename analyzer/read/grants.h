/* SPDX-License-Identifier: MIT */
/*
 * Locks that processes hold since before the ring's oldest record: their slots tell of them. They
 * are events like those of the ring, and come before all others.
 */
#ifndef ANALYZER_READ_GRANTS_H
#define ANALYZER_READ_GRANTS_H

#include "analyzer/base/vec.h"
#include "analyzer/event.h"
#include "analyzer/read/file.h"
#include "analyzer/read/intern.h"

struct grants {
	VEC(struct event) events; /* by time; position 0, stack unknown */
};

/* `ask_who_lives`: the session is of this boot, so that the dead can be left out. */
void grants_read(struct grants *grants, struct intern *intern, const struct trace_file *file,
		 bool ask_who_lives);
void grants_free(struct grants *grants);

#endif
