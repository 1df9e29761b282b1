/* SPDX-License-Identifier: MIT */
/* A recorded lock call as strace prints it. */
#ifndef ANALYZER_COMMANDS_LOCK_TEXT_H
#define ANALYZER_COMMANDS_LOCK_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "trace/format.h"

/*
 * "fcntl(3, F_SETLK, {l_type=F_WRLCK, …}) = 0". One of the two may be NULL: without `result` the
 * call ends in " = ?", without `request` the numbers are those of its range. What no record tells
 * is "?". system_call: lockf as the fcntl that the C library makes of it.
 */
void lock_text(FILE *out, const struct record_lock *request, const struct record_lock *result,
	       bool system_call);

/* " = 0", " = -1 EAGAIN (Resource temporarily unavailable)". */
void lock_text_result(FILE *out, int error);

/* The REQUESTs of each thread that may still get a RESULT: the last NEST_MAX of them. */
struct open_requests {
	VEC(struct thread_requests) threads;
	struct map map;
};

struct thread_requests {
	uint32_t process, tid;
	uint32_t count;
	struct record_lock request[NEST_MAX];
};

void open_requests_add(struct open_requests *open, const struct record_lock *request);
/* The REQUEST of this RESULT, taken out; NULL if it is not known. Valid until the next call. */
const struct record_lock *open_requests_take(struct open_requests *open,
					     const struct record_lock *result);
void open_requests_free(struct open_requests *open);

#endif
