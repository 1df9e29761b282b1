/* SPDX-License-Identifier: MIT */
/* Processes and threads as far as deadlocks need them: who lives, waits for children, has timers.
 */
#ifndef ANALYZER_DEADLOCK_PEOPLE_H
#define ANALYZER_DEADLOCK_PEOPLE_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/event.h"

#define TIMER_KINDS  3	/* alarm, setitimer, timer_settime */
#define THREADS_KEPT 64 /* of a process; where there were more, some are taken to run */

struct person {
	uint32_t tid;
	bool awaits;	/* inside of a wait for children, */
	int64_t wanted; /* for this pid; -1, 0 or a group: any */
	uint64_t since; /* ns */
	/* What was seen of it live, until it makes its next call, but for a livelock; number 0:
	 * nothing. */
	struct {
		uint32_t number, other;
		enum verdict verdict;
		enum verdict_wait waits_for;
		uint64_t since;
	} live;
};

/* It was seen live to wait for somebody, by other means than a lock. */
static inline bool person_was_seen_to_await(const struct person *person)
{
	return person->live.number && person->live.waits_for != WAITS_FOR_LOCK &&
	       person->live.other != NONE;
}

struct family {
	uint32_t parent; /* process, NONE */
	int64_t pid;
	bool alive;
	bool crowded; /* more threads than are kept */
	uint32_t last;
	VEC(struct person) threads;
	VEC(int64_t) silent; /* pids of children that have not spoken yet */
	uint64_t timers[TIMER_KINDS];
};

struct people {
	VEC(struct family) families; /* by process index */
	struct map pids;	     /* the newest of each pid */
};

/* Learns from the event. */
void people_event(struct people *people, const struct event *event);
const struct person *people_person(const struct people *people, uint32_t process, uint32_t tid);
/* NULL: has never spoken. */
const struct family *people_family(const struct people *people, uint32_t process);
/* Its child with this pid, if that lives and has spoken; else NONE. */
uint32_t people_child(const struct people *people, uint32_t parent, int64_t pid);
/* ns: when the first of its timers that still run at `after` runs out; 0: none does. Of timers of
 * timer_create() only the last is known. */
uint64_t people_timer(const struct people *people, uint32_t process, uint64_t after);
void people_free(struct people *people);

#endif
