/* SPDX-License-Identifier: MIT */
/*
 * A session or trace file -> events. Trusts no byte of it. Streaming: memory grows with processes,
 * files, modules and distinct stacks, never with events.
 */
#ifndef ANALYZER_READ_READER_H
#define ANALYZER_READ_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "analyzer/event.h"

struct reader;

/*
 * Opens a session or trace file. NULL: *error is one line for people, without the file's name and
 * without a newline, e.g. "not a flocktrace session or trace", "format version 7, this flocktrace
 * reads version 1", "made on a machine of other byte order", "truncated: 12 bytes", "is a
 * directory", or strerror's text. *error is a static or thread-local string.
 */
struct reader *reader_open(const char *path, const char **error);
void reader_free(struct reader *reader);

/*
 * The next event in ring order. False after EVENT_END was given. The event is valid until the next
 * call. First come, as results of position 0, the locks that process slots say are held since
 * before the ring's oldest record. Before EVENT_END come, as EVENT_REQUEST with `pending`, the
 * requests that thread slots say are still in progress and whose REQUEST was not seen in the ring
 * (those that were seen in the ring get no second event: they simply have no result).
 */
bool reader_next(struct reader *reader, struct event *event);

/* Grows while events are read; pointers inside may move at each reader_next(). */
const struct catalog *reader_catalog(const struct reader *reader);

/* What tells recordings apart: a session and its traces have the same. */
struct reader_origin {
	uint64_t boot_id[2];
	int64_t wall_offset; /* as in the catalog; no two sessions have the same ns */
	uint64_t pidns;
	int32_t creator; /* pid */
};

struct reader_origin reader_origin(const struct reader *reader);

/* One raw record for `dump`: see read/raw.h. */

#endif
