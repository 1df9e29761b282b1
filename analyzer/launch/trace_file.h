/* SPDX-License-Identifier: MIT */
/*
 * A trace on disk while it is written: header, slots and slow ring in front, then the ring's
 * records at position * 64. Whatever fails (disk full, file size limit) is said once on stderr and
 * ends the writing; what is not in the file reads as lost.
 */
#ifndef ANALYZER_LAUNCH_TRACE_FILE_H
#define ANALYZER_LAUNCH_TRACE_FILE_H

#include <stdbool.h>

#include "analyzer/base/vec.h"
#include "analyzer/launch/session.h"

struct trace_file_writer {
	int fd;		  /* the caller's */
	const char *name; /* for messages; the caller's */
	struct header header;
	bool failed;
	/* Slots of the dead that were inside a request when they died. */
	VEC(struct thread_slot) pending;
};

/* Writes what a reader needs to open it. Positions start at `first`. False: *error, as in
 * session.h. */
bool trace_begin(struct trace_file_writer *trace, int fd, const char *name,
		 const struct session *session, uint64_t first, char **error);

/* `count` whole cells for consecutive positions; a cell of zeros stands for one not yet known. */
void trace_put(struct trace_file_writer *trace, uint64_t position, const void *cells, size_t count);

/* Keeps a thread slot that is about to be freed. */
void trace_keep_pending(struct trace_file_writer *trace, const struct thread_slot *slot);

/* Brings header, slots and slow ring up to date: positions before `end` have been dealt with. */
void trace_update(struct trace_file_writer *trace, const struct session *session, uint64_t end);

/* The header alone: should the launcher be killed, the records so far can be read. */
void trace_mark(struct trace_file_writer *trace, uint64_t end);

void trace_end(struct trace_file_writer *trace);

#endif
