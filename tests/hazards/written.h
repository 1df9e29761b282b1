/* SPDX-License-Identifier: MIT */
/* What hazard-kill_host locks, and whether what a session shows of it was written whole. */
#ifndef HAZARDS_WRITTEN_H
#define HAZARDS_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a mixture of two records, start and length do not fit together. */
static inline long start_of(long i)
{
	return 1000 * i;
}

static inline long length_of(long i)
{
	return 1 + i % 999;
}

#define CELLS 1024

/* All records that a session's ring shows. */
struct written {
	uint64_t head; /* the next position */
	uint32_t count;
	struct {
		uint64_t position;
		uint64_t payload[7];
	} record[CELLS];
};

/* A session with a ring of CELLS cells. Ends the program where that fails. */
void written_make(const char *path);

/* Reads it as flocktrace does. Ends the program if a record or a request in progress makes no
 * sense. */
void written_read(const char *path, const char *host, struct written *written);

/* How many records of this thread's calls number `i` there are, at or behind a position. */
uint32_t written_count(const struct written *written, pid_t tid, long i, uint64_t from);

/* Ends the program if one of `before` is not in `after`, and was not overwritten. */
void written_compare(const struct written *before, const struct written *after);

/* Ends the program if a record from there on is not by one of these two: left from another lap, and
 * taken for new. */
void written_by(const struct written *written, uint64_t from, pid_t one, pid_t other);

#endif
