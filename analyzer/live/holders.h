/* SPDX-License-Identifier: MIT */
/*
 * What those do who hold what others wait for, looked at from outside while somebody has waited for
 * longer than 10 ms: mostly 50 times a second, less often where there is much to look at, so that
 * it takes an eight-hundredth of a processor at most. Who tries again and again instead of waiting
 * is not seen to wait.
 *
 * The thread that took the lock is the one that is looked at. Where it has ended, or somebody has
 * inherited the lock, all threads can release it: one that runs counts, else one in I/O, else one
 * that sleeps. What may not be looked at is not told.
 *
 * Times in ns, CLOCK_MONOTONIC. One thread.
 */
#ifndef ANALYZER_LIVE_HOLDERS_H
#define ANALYZER_LIVE_HOLDERS_H

#include "analyzer/event.h"
#include "analyzer/live/live.h"
#include "analyzer/live/slots.h"

/* A holder was found `looks` times in this state, in looks from `since` to `time`. */
struct holder_seen {
	uint32_t process, tid; /* as the session has them */
	reference file;
	uint8_t op; /* a lock operation of the lock's world */
	uint64_t start, end;
	uint64_t since, time;
	enum doing doing;
	int32_t call; /* CALL_UNKNOWN */
	uint32_t looks;
};

typedef void (*holders_tell)(void *context, const struct holder_seen *seen);

struct holders;

/* As live_open(). `tell` gets what was seen. */
struct holders *holders_open(const struct header *mapped, const struct header *checked,
			     live_find find, const void *find_context, holders_tell tell,
			     void *context);
/* As live_record(). */
void holders_record(struct holders *holders, uint64_t position, const uint64_t *payload);
/* Looks, if it is time. */
void holders_look(struct holders *holders, uint64_t now);
/* Whether one who took a lock that is in the way of this wait goes on with its work, as far as the
 * last looks tell. */
bool holders_go_on(const struct holders *holders, const struct slot_wait *wait);
/* Tells what is left; nothing is to be done about it any more. */
void holders_finish(struct holders *holders);
void holders_close(struct holders *holders);

#endif
